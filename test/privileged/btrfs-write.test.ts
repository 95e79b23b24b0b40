/** Streams that regrow writes, full and incremental, given to the real `btrfs receive`; rsync compares with where they came from. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { bytesOf } from "../../src/base/byte-string.ts";
import type { StreamVersion } from "../../src/codec/btrfs-send/command.ts";
import { writeFullStream } from "../../src/codec/btrfs-send/write/write-full.ts";
import { writeIncrementalStream } from "../../src/codec/btrfs-send/write/write-incremental.ts";
import { unpackStreams } from "../../src/volume/btrfs/unpack/unpack-streams.ts";
import { seed, times } from "../support/property.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem, scratchFolder } from "../support/scratch.ts";
import { partsOf } from "../support/send-streams.ts";
import { changeSubvolume } from "../support/subvolume-changes.ts";
import { treeEntries } from "../support/tree-entries.ts";

const NEEDS = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mount", "python3", "rsync", "setfacl", "fallocate"],
  filesystems: ["btrfs"],
};

for (const version of [1, 2] as const) {
  test(`written streams of version ${version} are received as the trees that they tell of`, { timeout: 600_000 }, async (t) => {
    if (!requires(t, NEEDS)) return;
    const source = mountedFileSystem(t, "btrfs", 1000);
    const receiver = mountedFileSystem(t, "btrfs", 1000);
    const scratch = scratchFolder(t);
    const unpacked = `${scratch}/unpacked`;
    mkdirSync(unpacked);
    const folder = `${source}/live`;
    run("btrfs", ["-q", "subvolume", "create", folder]);
    const kinds = new Map<string, number>();
    const counts = new Map<string, number>();
    let [streams, bytes] = [0, 0];
    for (let round = 0; round < times(10); round++) {
      if (round === 1) run("sh", ["-c", 'mv "$0/sub" "$0/moved"', folder]);
      changeSubvolume(folder, 900 + round, round === 0 ? 200 : 60, counts);
      // Whatever the random changes did to it: content that the snapshot before has at a path of its own.
      if (round === 1) run("cp", [`${source}/0/sub/long`, `${folder}/long again`]);
      if (round === 0) run("sh", ["-c", 'mkdir "$0/sub"; seq 60000 > "$0/sub/long"; truncate -s 1M "$0/sub/hole"', folder]);
      run("btrfs", ["-q", "subvolume", "snapshot", "-r", folder, `${source}/${round}`]);
      const stream = await collect(streamOf(source, round, version));
      for (const { kind } of partsOf(stream)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      writeFileSync(`${scratch}/stream`, stream);
      run("btrfs", ["-q", "receive", "-f", `${scratch}/stream`, receiver]);
      const where = `seed ${seed} (FC_SEED), round ${round}`;
      assert.equal(differences(`${source}/${round}`, `${receiver}/r${round}`), "", where);
      await unpackStreams(chunksOf(stream), unpacked, { findBase: (_, ctransid) => `${unpacked}/r${ctransid - 1}` });
      assert.equal(differences(`${source}/${round}`, `${unpacked}/r${round}`), "", `unpacked: ${where}`);
      streams++;
      bytes += stream.length;
    }
    t.diagnostic(
      `seed ${seed} (FC_SEED), ${streams} streams of ${bytes} bytes: ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
    );
    for (const kind of [
      "subvol",
      "snapshot",
      "write",
      "link",
      "unlink",
      "rmdir",
      "set-xattr",
      "remove-xattr",
      "truncate",
      "clone",
    ]) {
      assert.ok((kinds.get(kind) ?? 0) > 0, `no ${kind}`);
    }
  });
}

test("a tree that did not change is a stream without changes", async (t) => {
  if (!requires(t, NEEDS)) return;
  const source = mountedFileSystem(t, "btrfs", 500);
  run("btrfs", ["-q", "subvolume", "create", `${source}/0`]);
  changeSubvolume(`${source}/0`, 1, 200, new Map());
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", `${source}/0`, `${source}/1`]);
  const parts = partsOf(await collect(streamOf(source, 1, 1)));
  const defaults = parts.filter((part) => "name" in part && part.name === "system.posix_acl_default");
  // A folder's default ACL is taken away while the folder is walked through, and its time follows.
  const others = parts.filter((part) => !defaults.includes(part) && part.kind !== "utimes");
  assert.deepEqual(
    others.map(({ kind }) => kind),
    ["header", "snapshot", "end"],
  );
});

/** Full in the first round, then against the round before. */
function streamOf(source: string, round: number, version: StreamVersion): AsyncGenerator<Buffer> {
  const options = { name: bytesOf(`r${round}`), version, ...identityOf(round) };
  const entries = treeEntries(`${source}/${round}`);
  if (round === 0) return writeFullStream(entries, options);
  const before = treeEntries(`${source}/${round - 1}`);
  const known = new Map(before.filter(({ size = 0 }) => size > 100_000).map(({ contentKey, path }) => [contentKey!, path]));
  return writeIncrementalStream(before, entries, {
    ...options,
    parent: identityOf(round - 1),
    findInParent: (key) => known.get(key),
  });
}

function identityOf(round: number): { uuid: string; ctransid: number } {
  return { uuid: (0xabc000 + round).toString(16).padStart(32, "5"), ctransid: round + 1 };
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* chunksOf(data: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += 30_000) yield data.subarray(at, at + 30_000);
}

function differences(expected: string, found: string): string {
  return runText("rsync", ["-aHAXn", "--delete", "--checksum", "--modify-window=-1", "-i", `${expected}/`, `${found}/`]);
}
