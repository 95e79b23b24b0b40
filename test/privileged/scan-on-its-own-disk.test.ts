import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { randomBytes } from "node:crypto";
import { commitTree } from "../../src/store/commit.ts";
import { diffCommitFolder } from "../../src/store/diff/diff.ts";
import { checkRepository } from "../../src/store/fsck/fsck.ts";
import { prune } from "../../src/store/prune/prune.ts";
import { filesOf } from "../support/histories.ts";
import { newRepository } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { atEnd, mountedFileSystem, scratchFolder } from "../support/scratch.ts";

/** Writes through a mapping, and again into the same page whenever a line comes. */
const MAPPED_WRITER = `
import mmap, sys
file = open(sys.argv[1], "r+b")
page = mmap.mmap(file.fileno(), 4096)
for word in [b"one", b"two"]:
    page[0:3] = word
    print("written", flush=True)
    sys.stdin.readline()
`;

test("a second write through the same mapping is seen, though it changes no times by itself", async (t) => {
  if (!requires(t, { root: true, programs: ["python3", "mkfs.ext4", "mount"] })) return;
  const mounted = mountedFileSystem(t, "ext4", 16);
  const repository = newRepository(t, `${scratchFolder(t)}/repo`, "bare-user");
  mkdirSync(`${mounted}/tree`);
  const file = `${mounted}/tree/database`;
  writeFileSync(file, Buffer.alloc(4096));
  execFileSync("sync");
  const writer = spawn("python3", ["-c", MAPPED_WRITER, file], { stdio: ["pipe", "pipe", "inherit"] });
  atEnd(t, () => void writer.kill());
  await once(writer.stdout, "data");
  // Old enough for the stat cache.
  await sleep(200);
  const commit = async (): Promise<string> => {
    const sources = [{ kind: "dir", path: `${mounted}/tree` }] as const;
    const result = await commitTree(repository, { branch: "main", sources, workers: 1 });
    return filesOf(repository, result.commit)["database"]!.slice(4, 7);
  };
  assert.equal(await commit(), "one");
  const second = once(writer.stdout, "data");
  writer.stdin.write("\n");
  await second;
  assert.equal(readFileSync(file, "latin1").slice(0, 3), "two");
  assert.equal(await commit(), "two");
  const ended = once(writer, "close");
  writer.stdin.end("\n");
  await ended;
});

test("files whose blocks are shared do not count against the space that is left", async (t) => {
  if (!requires(t, { root: true, programs: ["mkfs.btrfs", "mount"], filesystems: ["btrfs"] })) return;
  const mounted = mountedFileSystem(t, "btrfs", 256);
  mkdirSync(`${mounted}/tree`);
  for (let index = 0; index < 6; index++) writeFileSync(`${mounted}/tree/${index}`, randomBytes(20 * 2 ** 20));
  execFileSync("sync");
  await sleep(200);
  const repository = newRepository(t, `${mounted}/repo`, "bare");
  const sources = [{ kind: "dir", path: `${mounted}/tree` }] as const;
  const { counts } = await commitTree(repository, { branch: "main", sources });
  assert.equal(counts.stagedBytes, 120 * 2 ** 20);
});

test("a repository that can only be read is checked and compared", async (t) => {
  if (!requires(t, { root: true, programs: ["mkfs.ext4", "mount"] })) return;
  const mounted = mountedFileSystem(t, "ext4", 16);
  const tree = `${scratchFolder(t)}/tree`;
  mkdirSync(tree);
  writeFileSync(`${tree}/file`, "content");
  const repository = newRepository(t, `${mounted}/repo`, "bare-user");
  const { commit } = await commitTree(repository, { branch: "main", sources: [{ kind: "dir", path: tree }] });
  execFileSync("mount", ["-o", "remount,ro", mounted]);
  assert.deepEqual((await checkRepository(repository)).bad, []);
  assert.deepEqual((await prune(repository, { dryRun: true })).deletedCommits, []);
  utimesSync(`${tree}/file`, 1, 1);
  const { changes } = await diffCommitFolder(repository, commit, tree);
  assert.deepEqual(
    changes.map(({ path }) => path),
    ["file"],
  );
  assert.equal(statSync(repository.path).mode & 0o777, 0o700);
});
