/** Refs: which names there can be, where they lie, how several move together, and what a cut leaves. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Checksum } from "../../../src/codec/ostree/checksum.ts";
import { commitTree } from "../../../src/store/commit.ts";
import { type RefChange, moveRefs } from "../../../src/store/move-refs.ts";
import { checkRefName, companionRef, isCompanionRef, listRefs, readRef, refPath } from "../../../src/store/refs.ts";
import { type Repository, closeRepository, initRepository, openRepository } from "../../../src/store/repository.ts";
import { withTransaction } from "../../../src/store/transaction.ts";
import { fastFolder } from "../../support/fast-folder.ts";
import { makeRawRepository } from "../../support/raw-repository.ts";
import { rawDirTree } from "../../support/raw-objects.ts";
import { requires } from "../../support/requires.ts";

interface Stage {
  readonly path: string;
  readonly repository: Repository;
  readonly commits: readonly Checksum[];
}

function stageFor(t: TestContext): Stage {
  const home = mkdtempSync(path.join(fastFolder(), "regrow-refs-"));
  const raw = makeRawRepository(`${home}/repo`);
  const commits = ["a", "b", "c"].map((name) =>
    raw.commit(raw.metadata("dirtree", rawDirTree([{ name, checksum: raw.file(name) }], []))),
  );
  const repository = openRepository(raw.path);
  t.after(() => {
    closeRepository(repository);
    rmSync(home, { recursive: true });
  });
  return { path: raw.path, repository, commits };
}

const move = async ({ repository }: Stage, ...changes: readonly RefChange[]): Promise<boolean> => moveRefs(repository, changes);

test("names", () => {
  for (const name of ["main", "a/b/c", "v1.0", "x_y-z", "main.tmp", "origin:main", "origin:a/b", "tag/v1"]) checkRefName(name);
  for (const name of [
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    ".",
    "..",
    "...",
    ".hidden",
    "a/.b",
    "a/..",
    "a/../b",
    "a b",
    "ü",
    "a\n",
    "a:b:c",
    "..:main",
    "../..:x",
    "a/b:c",
    ":x",
    "x".repeat(250),
  ]) {
    assert.throws(() => checkRefName(name), { code: "usage" }, name);
  }
  assert.equal(refPath("a/b"), "refs/heads/a/b");
  assert.equal(refPath("origin:a/b"), "refs/remotes/origin/a/b");
  assert.equal(companionRef("origin:main"), "origin:regrow/sidecar/main");
  assert.ok(isCompanionRef("origin:regrow/sidecar/main") && !isCompanionRef("main"));
});

test("refs are listed as ostree lists them, aliases and odd names among them", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const stage = stageFor(t);
  const [a, b] = stage.commits as [Checksum, Checksum];
  for (const name of ["main", "deep/er/name", "left.tmp", "origin:main"]) await move(stage, { name, commit: a });
  symlinkSync("main", `${stage.path}/refs/heads/alias`);
  const listed = listRefs(stage.repository);
  const byOstree = execFileSync("ostree", ["refs", `--repo=${stage.path}`])
    .toString()
    .trim()
    .split("\n");
  assert.deepEqual(listed.map(({ name }) => name).toSorted(), byOstree.toSorted());
  assert.equal(listed.find(({ name }) => name === "alias")?.alias, "main");
  await move(stage, { name: "main", commit: b });
  assert.equal(readRef(stage.repository, "alias"), b);
  mkdirSync(`${stage.path}/refs/heads/empty`);
  assert.equal(readRef(stage.repository, "empty"), undefined);
  assert.equal(readRef(stage.repository, "main/below"), undefined);
});

test("a ref moves only from where it was expected, and several move together or not at all", async (t) => {
  const stage = stageFor(t);
  const [a, b, c] = stage.commits as [Checksum, Checksum, Checksum];
  const tips = (): unknown[] => ["main", "other"].map((name) => readRef(stage.repository, name));
  assert.ok(await move(stage, { name: "main", commit: a, expected: null }));
  assert.ok(!(await move(stage, { name: "main", commit: b, expected: null })));
  assert.ok(!(await move(stage, { name: "main", commit: b, expected: c })));
  assert.ok(!(await move(stage, { name: "other", commit: b }, { name: "main", commit: b, expected: c })));
  assert.deepEqual(tips(), [a, undefined]);
  assert.ok(await move(stage, { name: "other", commit: b }, { name: "main", commit: b, expected: a }));
  assert.deepEqual(tips(), [b, b]);
  assert.ok(await move(stage, { name: "other", commit: undefined }, { name: "main", commit: c }));
  assert.deepEqual(tips(), [c, undefined]);
  assert.deepEqual(readdirSync(`${stage.path}/regrow`), ["refs.lock"]);
});

test("a name is a ref or a folder of refs; who is refused leaves nothing that would stop the next", async (t) => {
  const stage = stageFor(t);
  const [a, b] = stage.commits as [Checksum, Checksum];
  await move(stage, { name: "x", commit: a });
  await move(stage, { name: "y/z", commit: a });
  for (const name of ["x/below", "y"]) {
    await assert.rejects(move(stage, { name: "main", commit: b }, { name, commit: b }), { code: "exists" }, name);
    assert.equal(readRef(stage.repository, "main"), undefined);
  }
  assert.ok(await move(stage, { name: "main", commit: b }));
});

test("left-overs of others in tmp/ are removed by the next transaction, those of the living are not", async (t) => {
  const stage = stageFor(t);
  const { path: repository } = stage;
  mkdirSync(`${repository}/tmp/regrow-old-1-0-abcd-0/ab`, { recursive: true });
  writeFileSync(`${repository}/tmp/regrow-old-1-0-abcd-0/ab/object`, "");
  writeFileSync(`${repository}/tmp/regrow-old-2-0-abcd-0.lock`, "");
  mkdirSync(`${repository}/tmp/staging-of-ostree`);
  await withTransaction(stage.repository, undefined, async () => {
    assert.equal(readdirSync(`${repository}/tmp`).length, 4, "cache, ostree's, ours and its lock");
    await withTransaction(stage.repository, undefined, async () => {
      assert.equal(readdirSync(`${repository}/tmp`).length, 6);
    });
  });
  assert.deepEqual(readdirSync(`${repository}/tmp`).toSorted(), ["cache", "staging-of-ostree"]);
});

test("an unfinished stat cache that was left long ago is removed, a young one is not", async (t) => {
  const stage = stageFor(t);
  const folder = `${stage.path}/regrow/stat-cache`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/.young-1.tmp`, "");
  mkdirSync(`${stage.path}/../tree`);
  writeFileSync(`${stage.path}/../tree/file`, "x");
  utimesSync(`${stage.path}/../tree/file`, 1, 1);
  await commitTree(stage.repository, { sources: [{ kind: "dir", path: `${stage.path}/../tree` }], workers: 1 });
  assert.ok(readdirSync(folder).includes(".young-1.tmp"));
});

test("a config that is none, or whose values make no sense, is named", (t) => {
  const home = mkdtempSync(path.join(fastFolder(), "regrow-config-"));
  t.after(() => rmSync(home, { recursive: true }));
  initRepository(`${home}/repo`, { mode: "archive" });
  const config = `${home}/repo/config`;
  for (const [text, code] of [
    ["[core]\nrepo_version=2\nmode=bare\n", "unsupported"],
    ["[core]\nrepo_version=1\nmode=zip\n", "unsupported"],
    ["[core]\nrepo_version=1\nmode=bare\nextensions=future;\n", "unsupported"],
    ["[core]\nrepo_version=1\nmode=bare\nmin-free-space-size=much\n", "unsupported"],
    ["[core]\nrepo_version=1\nmode=bare\nfsync=perhaps\n", "unsupported"],
    ["[core]\nrepo_version=1\nmode=bare\nlock-timeout-secs=-5\n", "unsupported"],
    ["repo_version=1\n", "corrupt"],
    ["", "unsupported"],
  ] as const) {
    writeFileSync(config, text);
    assert.throws(() => openRepository(`${home}/repo`), { code, path: config }, text);
  }
  writeFileSync(config, `[core]\nrepo_version=1\nmode=bare\nparent=${home}/repo\n`);
  assert.throws(() => openRepository(`${home}/repo`), { code: "corrupt" }, "its own parent");
  rmSync(config);
  assert.throws(() => openRepository(`${home}/repo`), { code: "no-repository" });
  mkdirSync(config);
  assert.throws(() => openRepository(`${home}/repo`), { name: /RegrowError|SystemError/ });
});
