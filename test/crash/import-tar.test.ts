/** An import that is killed, or runs out of space, before any of its changes: ostree finds nothing wrong, and the next import succeeds. */
import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { ByteString } from "../../src/base/byte-string.ts";
import type { TarWriteEntry } from "../../src/codec/tar/entry.ts";
import { writeTar } from "../../src/codec/tar/write.ts";
import { initRepository } from "../../src/store/repository.ts";
import { requires } from "../support/requires.ts";
import { collect } from "../support/tar-archive.ts";
import { runText as run } from "../support/programs.ts";
import { scratchFolder } from "../support/scratch.ts";
import { tally } from "../support/tally.ts";

const PROGRAM = new URL("../support/import-tar-program.ts", import.meta.url).pathname;
const MOST_VARIATION = 15;
const LARGE = 33 * 2 ** 20;
const FACTS = { uid: 0, gid: 0, mtime: { seconds: 1, nanoseconds: 5 } };

test("an import that is cut at any change leaves a sound repository", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const folder = scratchFolder(t);
  const [before, after] = [`${folder}/before.tar`, `${folder}/after.tar`];
  writeFileSync(before, await collect(writeTar(entries("old", 4096))));
  writeFileSync(after, await collect(writeTar(entries("new", LARGE))));
  const changes = traceChanges(folder, before, after);
  assert.ok(changes.includes("ftruncate") && changes.includes("syncfs") && changes.some((name) => name.startsWith("rename")));
  const old = importInto(`${folder}/prepared`, before);
  const outcomes = { killed: 0, full: 0, old: 0, new: 0 };
  for (const [index, at] of choosePoints(changes).entries()) {
    const path = `${folder}/repository-${at}`;
    run("cp", ["-a", `${folder}/prepared`, path]);
    const isKill = index % 2 === 0;
    const { status, signal, stderr } = start(path, after, { REGROW_FAIL_AT: isKill ? `${at}` : `${at}:ENOSPC` });
    // Threads take turns as they like: there may be some changes more or less.
    if (isKill) assert.ok(signal === "SIGKILL" || (status === 0 && at > changes.length - MOST_VARIATION), `${status}: ${stderr}`);
    else assert.ok(status === 13 || status === 0, stderr);
    if (!isKill || signal === "SIGKILL") outcomes[isKill ? "killed" : "full"]++;
    run("ostree", [`--repo=${path}`, "fsck"]);
    outcomes[readFileSync(`${path}/refs/heads/main`, "utf8").trim() === old ? "old" : "new"]++;
    importInto(path, after);
    assert.deepEqual(
      readdirSync(`${path}/tmp`).filter((name) => name !== "cache"),
      [],
    );
    run("rm", ["-r", path]);
  }
  t.diagnostic(`${changes.length} changes, ${JSON.stringify(outcomes)}`);
  assert.ok(Math.min(outcomes.killed, outcomes.full, outcomes.old, outcomes.new) > 0);
  tally("kill points", "import", outcomes.killed);
  tally("failing changes", "import", outcomes.full);
});

/** The first change of each kind, and more of the renames: between them is what a commit is made of. */
function choosePoints(changes: readonly string[]): number[] {
  const points = new Set([...new Set(changes)].map((name) => changes.indexOf(name) + 1));
  const renames = changes.flatMap((name, index) => (name.startsWith("rename") ? [index + 1] : []));
  for (let index = 1; index < renames.length; index += 9) points.add(renames[index]!);
  points.add(renames.at(-1)!).add(changes.length);
  return [...points].toSorted((a, b) => a - b);
}

function traceChanges(folder: string, before: string, after: string): string[] {
  const path = `${folder}/traced`;
  importInto(path, before);
  const { status, stderr } = start(path, after, { REGROW_FAIL_TRACE: `${folder}/trace` });
  assert.equal(status, 0, stderr);
  return readFileSync(`${folder}/trace`, "utf8").trim().split("\n");
}

function importInto(path: string, archive: string): string {
  if (!existsSync(path)) initRepository(path, { mode: "bare-user" });
  const { status, stdout, stderr } = start(path, archive, {});
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

function start(path: string, archive: string, env: Record<string, string>): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [PROGRAM, path, archive], { encoding: "utf8", env: { ...process.env, ...env } });
}

function* entries(text: string, size: number): Generator<TarWriteEntry> {
  yield { ...FACTS, name: "./" as ByteString, type: "directory", mode: 0o755 };
  yield { ...FACTS, name: "same" as ByteString, type: "file", mode: 0o644, size: 4, content: [Buffer.from("same")] };
  yield { ...FACTS, name: "dir/small" as ByteString, type: "file", mode: 0o644, size: 3, content: [Buffer.from(text)] };
  yield { ...FACTS, name: "dir/large" as ByteString, type: "file", mode: 0o644, size, sparse: [], content: [] };
  yield { ...FACTS, name: "hard" as ByteString, type: "hardlink", mode: 0o644, linkName: "dir/small" as ByteString };
  yield { ...FACTS, name: "link" as ByteString, type: "symlink", mode: 0o777, linkName: text as ByteString };
  yield { ...FACTS, name: "pipe" as ByteString, type: "fifo", mode: 0o600 };
}
