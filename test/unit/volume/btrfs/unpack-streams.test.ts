/** Unpacking as any user: trees that were written by the writer, several at once, and what killed processes have left. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { bytesOf } from "../../../../src/base/byte-string.ts";
import { writeFullStream } from "../../../../src/codec/btrfs-send/write/write-full.ts";
import type { TreeEntry } from "../../../../src/codec/btrfs-send/write/tree-entry.ts";
import { unpackStreams } from "../../../../src/volume/btrfs/unpack/unpack-streams.ts";
import { scratchFolder } from "../../../support/scratch.ts";

const UUID = "00112233445566778899aabbccddeeff";
const OWNER = { uid: process.getuid!(), gid: process.getgid!() };
const MTIME = { seconds: -5, nanoseconds: 7 };

function entry(path: string, mode: number, more: Partial<TreeEntry> = {}): TreeEntry {
  return { path: bytesOf(path), mode, ...OWNER, mtime: MTIME, xattrs: [], ...more };
}

const TREE: readonly TreeEntry[] = [
  entry("", 0o040755),
  entry("folder", 0o040700),
  entry("folder/file", 0o100640, { size: 6, read: () => [{ offset: 0, data: Buffer.from("text") }] }),
  entry("folder/same", 0o100640, { sameAs: bytesOf("folder/file") }),
  entry("link", 0o120777, { target: bytesOf("/etc/passwd") }),
];

function stream(name: string): AsyncGenerator<Buffer> {
  return writeFullStream(TREE, { name: bytesOf(name), uuid: UUID, ctransid: 1 });
}

test("a tree", async (t) => {
  const target = scratchFolder(t);
  assert.deepEqual(await unpackStreams(stream("tree"), target), [{ name: "tree", uuid: UUID, ctransid: 1 }]);
  assert.deepEqual(readdirSync(target), ["tree"]);
  assert.equal(readFileSync(`${target}/tree/folder/file`, "latin1"), "text\0\0");
  const { mode, mtimeNs, nlink } = statSync(`${target}/tree/folder/file`, { bigint: true });
  assert.deepEqual([mode, mtimeNs, nlink], [0o100640n, -4_999_999_993n, 2n]);
  assert.equal(statSync(`${target}/tree/folder`, { bigint: true }).mtimeNs, -4_999_999_993n);
  assert.equal(readlinkSync(`${target}/tree/link`), "/etc/passwd");
  await assert.rejects(unpackStreams(stream("tree"), target), { code: "exists" });
  await assert.rejects(unpackStreams(stream(".regrow-unpack-x.partial"), target), { code: "hostile" });
});

test("several at once, of which none disturbs another", async (t) => {
  const target = scratchFolder(t);
  const names = Array.from({ length: 6 }, (_, index) => `tree${index}`);
  await Promise.all(names.map((name) => unpackStreams(slowly(stream(name)), target)));
  assert.deepEqual(readdirSync(target).toSorted(), names);
});

test("what others left goes, what only looks like it stays", async (t) => {
  const target = scratchFolder(t);
  mkdirSync(`${target}/.regrow-unpack-1.partial/trees/half`, { recursive: true });
  writeFileSync(`${target}/.regrow-unpack-2.partial`, "a file");
  symlinkSync(target, `${target}/.regrow-unpack-3.partial`);
  mkdirSync(`${target}/.regrow-unpack-other`);
  await unpackStreams(stream("tree"), target);
  assert.deepEqual(readdirSync(target).toSorted(), [
    ".regrow-unpack-2.partial",
    ".regrow-unpack-3.partial",
    ".regrow-unpack-other",
    "tree",
  ]);
});

test("a source that fails, and a call that is cancelled", async (t) => {
  const target = scratchFolder(t);
  const failing = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream("tree")) yield chunk;
    throw new Error("the network is gone");
  };
  await assert.rejects(unpackStreams(failing(), target), /the network is gone/);
  const controller = new AbortController();
  const cancelled = unpackStreams(slowly(stream("tree")), target, { signal: controller.signal });
  await setTimeout(5);
  controller.abort();
  await assert.rejects(cancelled, { code: "cancelled" });
  assert.deepEqual(readdirSync(target), []);
  await assert.rejects(unpackStreams(stream("tree"), `${target}/nowhere`), { code: "not-found" });
  assert.equal(existsSync(`${target}/nowhere`), false);
});

async function* slowly(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    await setTimeout(2);
    yield chunk;
  }
}
