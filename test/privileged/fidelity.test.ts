/**
 * A commit checked out is the tree that was committed, in every respect that rsync, lsattr and lseek can see, on ext4, btrfs and
 * xfs and in every mode that keeps owners. REGROW_LONG=1 takes a folder of 100,000 files and all modes on all file systems.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { FIDELITY_PROGRAMS, KEEPING_MODES, assertComesBack } from "../support/fidelity.ts";
import { makeNastyTree } from "../support/nasty-tree.ts";
import { run, runText } from "../support/programs.ts";
import { newRepository } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { type FileSystem, mountedFileSystem, scratchFolder } from "../support/scratch.ts";

const isLong = process.env["REGROW_LONG"] === "1";
const PROGRAMS = [...FIDELITY_PROGRAMS, "mount"];
const MEGABYTES = 2500;

const PLACES: readonly {
  readonly name: string;
  readonly kind: FileSystem | undefined;
  readonly modes: readonly RepositoryMode[];
}[] = [
  { name: "the file system of /var/tmp", kind: undefined, modes: KEEPING_MODES },
  { name: "btrfs", kind: "btrfs", modes: isLong ? KEEPING_MODES : ["bare"] },
  { name: "xfs", kind: "xfs", modes: isLong ? KEEPING_MODES : ["bare"] },
];

for (const { name, kind, modes } of PLACES) {
  test(`a nasty tree comes back whole on ${name}`, async (t) => {
    const needs = kind === undefined ? {} : { filesystems: [kind] };
    if (!requires(t, { root: true, programs: [...PROGRAMS, ...(kind === undefined ? [] : [`mkfs.${kind}`])], ...needs })) return;
    const folder = kind === undefined ? scratchFolder(t) : mountedFileSystem(t, kind, MEGABYTES);
    const counts = makeNastyTree(`${folder}/tree`, {
      root: true,
      odd: true,
      oddtarget: true,
      nodes: true,
      emptyxattr: true,
      flags: true,
      large: true,
      nocow: kind === "btrfs",
      bigxattr: kind !== undefined,
      deep: 500,
      many: isLong ? 100_000 : 5000,
    });
    t.diagnostic([...counts].map(([what, count]) => `${what}: ${count}`).join(", "));
    for (const [what, count] of counts) assert.ok(count > 0, what);
    assert.ok(counts.get("flags")! > 8);
    await assertComesBack(t, `${folder}/tree`, folder, modes, counts.get("socket"));
  });
}

test("inode flags that the other file system lacks cost no others", async (t) => {
  if (!requires(t, { root: true, programs: [...PROGRAMS, "mkfs.btrfs", "mkfs.xfs"], filesystems: ["btrfs", "xfs"] })) return;
  const [from, to] = [mountedFileSystem(t, "btrfs", 300), mountedFileSystem(t, "xfs", 400)];
  run("mkdir", [`${from}/tree`]);
  run("chattr", ["+CAd", `${from}/tree`]);
  run("touch", [`${from}/tree/file`]);
  run("chattr", ["+Adi", `${from}/tree/file`]);
  const repository = newRepository(t, `${from}/repository`, "archive");
  const { commit } = await commitTree(repository, { sources: [{ kind: "dir", path: `${from}/tree` }] });
  const progress = await checkoutCommit(repository, commit, `${to}/out`);
  assert.equal(progress.refusedFlags, 2);
  assert.deepEqual(letters(`${to}/out`, "-d"), ["A", "d"]);
  assert.deepEqual(letters(`${to}/out/file`), ["A", "d", "i"]);
});

for (const kind of [undefined, "btrfs", "xfs"] as const) {
  test(`the holes of a file are the same whatever is in memory, on ${kind ?? "the file system of /var/tmp"}`, async (t) => {
    const needs = kind === undefined ? {} : { filesystems: [kind] };
    const programs = [...PROGRAMS, "fallocate", ...(kind === undefined ? [] : [`mkfs.${kind}`])];
    if (!requires(t, { root: true, programs, ...needs })) return;
    const folder = kind === undefined ? scratchFolder(t) : mountedFileSystem(t, kind, 400);
    run("mkdir", [`${folder}/tree`]);
    const commands = `fallocate -l 1M reserved; printf x | dd of=reserved bs=1 seek=300000 conv=notrunc status=none
      truncate -s 5M sparse; printf y | dd of=sparse bs=1 seek=4M conv=notrunc status=none`;
    run("bash", ["-ec", commands], { cwd: `${folder}/tree` });
    const repository = newRepository(t, `${folder}/repository`, "archive");
    const commits = new Set<string>();
    for (const before of [
      "",
      "cat *",
      "sync -f .",
      "dd if=reserved iflag=nocache count=0; dd if=sparse iflag=nocache count=0",
      "cat *",
    ]) {
      run("bash", ["-ec", before], { cwd: `${folder}/tree` });
      for (const useCache of [true, false]) {
        const options = { branch: "x", skipUnchanged: true, useCache };
        commits.add((await commitTree(repository, { ...options, sources: [{ kind: "dir", path: `${folder}/tree` }] })).commit);
      }
    }
    assert.equal(commits.size, 1);
  });
}

function letters(path: string, ...options: readonly string[]): string[] {
  const flags = runText("lsattr", [...options, path]).split(" ")[0]!;
  return flags
    .split("")
    .filter((letter) => letter !== "-")
    .toSorted();
}
