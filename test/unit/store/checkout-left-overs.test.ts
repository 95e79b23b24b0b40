/** What killed checkouts have left is removed; what is alive, or is somebody's own and merely looks like it, is not. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import type { RegrowEvent } from "../../../src/base/events.ts";
import { checkoutCommit } from "../../../src/store/checkout/checkout.ts";
import { commitTree } from "../../../src/store/commit.ts";
import { initRepository, withRepository } from "../../../src/store/repository.ts";
import { requires } from "../../support/requires.ts";

const DEAD = ".target.regrow-4194303-0-0123abcd-7.partial";
const UNFINISHED = ".regrow-new-4194303-2-0123abcd-12";
const LOOK_ALIKES = [
  ".target.1234.partial",
  ".target.regrow-mine.partial",
  ".target.regrow-1-0-0123abcd-7.partial.old",
  ".target.more.regrow-1-0-0123abcd-7.partial",
  "target.regrow-1-0-0123abcd-7.partial",
  ".other.regrow-1-0-0123abcd-7.partial",
];

test("a dead partial folder is removed, what looks like one is not", async (t) => {
  const home = homeFor(t);
  mkdirSync(`${home}/place`);
  for (const name of [DEAD, ...LOOK_ALIKES]) {
    mkdirSync(`${home}/place/${name}/folder`, { recursive: true });
    writeFileSync(`${home}/place/${name}/folder/file`, "mine\n");
  }
  mkdirSync(`${home}/elsewhere`);
  writeFileSync(`${home}/elsewhere/file`, "mine\n");
  const link = ".target.regrow-1-0-ffffffff-0.partial";
  symlinkSync(`${home}/elsewhere`, `${home}/place/${link}`);
  await checkOut(home);
  assert.deepEqual(readdirSync(`${home}/place`).sort(), ["target", link, ...LOOK_ALIKES].sort());
  for (const name of LOOK_ALIKES) assert.equal(readFileSync(`${home}/place/${name}/folder/file`, "utf8"), "mine\n", name);
  assert.equal(readFileSync(`${home}/elsewhere/file`, "utf8"), "mine\n");
});

test("a partial folder stays as long as its maker lives", async (t) => {
  const home = homeFor(t);
  mkdirSync(`${home}/place/${DEAD}`, { recursive: true });
  writeFileSync(`${home}/place/${DEAD}/file`, "growing\n");
  const release = await holdLock(`${home}/place/${DEAD}`, "--exclusive");
  await checkOut(home);
  assert.equal(readFileSync(`${home}/place/${DEAD}/file`, "utf8"), "growing\n");
  await release();
  rmSync(`${home}/place/target`, { recursive: true });
  await checkOut(home);
  assert.deepEqual(readdirSync(`${home}/place`), ["target"]);
});

test("inert files don't keep a left-over, unless they have another name somewhere", async (t) => {
  if (!requires(t, { root: true, programs: ["chattr", "lsattr"] })) return;
  const home = homeFor(t);
  mkdirSync(`${home}/place/${DEAD}/folder`, { recursive: true });
  writeFileSync(`${home}/place/${DEAD}/folder/file`, "");
  execFileSync("chattr", ["+i", `${home}/place/${DEAD}/folder/file`, `${home}/place/${DEAD}/folder`]);
  await checkOut(home);
  assert.deepEqual(readdirSync(`${home}/place`), ["target"]);

  rmSync(`${home}/place/target`, { recursive: true });
  mkdirSync(`${home}/place/${DEAD}`);
  writeFileSync(`${home}/theirs`, "");
  linkSync(`${home}/theirs`, `${home}/place/${DEAD}/file`);
  execFileSync("chattr", ["+i", `${home}/theirs`]);
  try {
    const told: string[] = [];
    await checkOut(home, {}, (event) => void (event.kind === "notice" && told.push(event.code)));
    assert.deepEqual(told, ["left-over"]);
    assert.deepEqual(readdirSync(`${home}/place`).sort(), [DEAD, "target"].sort());
    assert.match(execFileSync("lsattr", [`${home}/theirs`], { encoding: "utf8" }), /^-+i/);
  } finally {
    execFileSync("chattr", ["-i", `${home}/theirs`]);
  }
});

test("a checkout that runs holds a lock on its partial folder, and another to that name leaves it alone", async (t) => {
  const home = homeFor(t);
  mkdirSync(`${home}/place`);
  let during: string[] | undefined;
  const outer = checkOut(home, {}, (event) => {
    if (event.kind !== "progress" || event.phase !== "checkout" || during !== undefined) return;
    const partial = readdirSync(`${home}/place`);
    assert.equal(partial.length, 1);
    assert.equal(spawnSync("flock", ["--nonblock", "--exclusive", `${home}/place/${partial[0]}`, "true"]).status, 1);
    const args = ["--repo", `${home}/repo`, "checkout", "main", `${home}/place/target`];
    execFileSync(process.execPath, [path.join(import.meta.dirname, "../../../src/bin.ts"), ...args], { stdio: "pipe" });
    during = readdirSync(`${home}/place`);
    assert.deepEqual(during.sort(), [`${partial[0]}`, "target"].sort());
  });
  // The other one was faster.
  await assert.rejects(outer, { code: "exists" });
  assert.equal(during?.length, 2);
  assert.equal(readFileSync(`${home}/place/target/folder/file`, "utf8"), "content\n");
  assert.deepEqual(readdirSync(`${home}/place`), ["target"]);
});

test("a union removes unfinished files of the dead, and only those", async (t) => {
  const home = homeFor(t);
  const folder = `${home}/place/target/folder`;
  mkdirSync(`${folder}/.regrow-new-1-0-0123abcd-3`, { recursive: true });
  for (const name of [UNFINISHED, ".regrow-new-mine", "regrow-new-1-0-0123abcd-3"]) writeFileSync(`${folder}/${name}`, "");
  const release = await holdLock(folder, "--shared");
  await checkOut(home, { union: true });
  assert.ok(existsSync(`${folder}/${UNFINISHED}`), "another union was at work in that folder");
  await release();
  await checkOut(home, { union: true });
  const expected = [".regrow-new-1-0-0123abcd-3", ".regrow-new-mine", "file", "regrow-new-1-0-0123abcd-3"];
  assert.deepEqual(readdirSync(folder).sort(), expected);
});

function homeFor(t: TestContext): string {
  const home = mkdtempSync(path.join(tmpdir(), "regrow-left-overs-"));
  t.after(() => rmSync(home, { recursive: true }));
  mkdirSync(`${home}/tree/folder`, { recursive: true });
  writeFileSync(`${home}/tree/folder/file`, "content\n");
  initRepository(`${home}/repo`, { mode: "archive" });
  return home;
}

function checkOut(
  home: string,
  options: { union?: boolean } = {},
  onEvent: (event: RegrowEvent) => void = () => {},
): Promise<void> {
  return withRepository(`${home}/repo`, async (repository) => {
    const sources = [{ kind: "dir", path: `${home}/tree` }] as const;
    const { commit } = await commitTree(repository, { branch: "main", sources });
    await checkoutCommit(repository, commit, `${home}/place/target`, options, { onEvent });
  });
}

/** By util-linux's flock, which says something once it has it. */
async function holdLock(folder: string, kind: "--exclusive" | "--shared"): Promise<() => Promise<void>> {
  const holder = spawn("flock", [kind, "--no-fork", folder, "sh", "-c", "echo locked; exec sleep 600"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  return async () => {
    holder.kill("SIGKILL");
    await once(holder, "close");
  };
}
