/** What the writer makes of trees in memory, and the trees that it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ByteString, bytesOf } from "../../../../src/base/byte-string.ts";
import type { SendCommand } from "../../../../src/codec/btrfs-send/command.ts";
import { type TreeEntry, compareTreePaths } from "../../../../src/codec/btrfs-send/write/tree-entry.ts";
import { writeFullStream } from "../../../../src/codec/btrfs-send/write/write-full.ts";
import { writeIncrementalStream } from "../../../../src/codec/btrfs-send/write/write-incremental.ts";
import { partsOf } from "../../../support/send-streams.ts";

const UUID = "00112233445566778899aabbccddeeff";
const PARENT = { uuid: "ffeeddccbbaa99887766554433221100", ctransid: 3 };
const OPTIONS = { name: bytesOf("s"), uuid: UUID, ctransid: 4 };
const MTIME = { seconds: 1, nanoseconds: 0 };
const LATER = { seconds: 2, nanoseconds: 0 };
const ROOT = entry("", 0o040755);

function entry(path: string, mode: number, more: Partial<TreeEntry> = {}): TreeEntry {
  return { path: bytesOf(path), mode, uid: 0, gid: 0, mtime: MTIME, xattrs: [], ...more };
}

function file(path: string, content: string, more: Partial<TreeEntry> = {}): TreeEntry {
  const read = (): { offset: number; data: Buffer }[] => [{ offset: 0, data: Buffer.from(content) }];
  return entry(path, 0o100644, { size: content.length, contentKey: content, read, ...more });
}

test("the order of trees", () => {
  const paths = ["", "a", "a/b", "a/b/c", "a/c", "a b", "a!", "a-b", "a.b", "a0", "b", "\xff"];
  const expected = ["", "a", "a/b", "a/b/c", "a/c", "a b", "a!", "a-b", "a.b", "a0", "b", "\xff"];
  assert.deepEqual(paths.toReversed().toSorted(compareTreePaths), expected);
});

test("long content is cut into pieces, in each version", async () => {
  const long = "x".repeat(300_000);
  for (const [version, most] of [[1, 48 * 1024] as const, [2, 128 * 1024] as const]) {
    const parts = partsOf(await collect(writeFullStream([ROOT, file("f", long)], { ...OPTIONS, version })));
    const writes = parts.filter((part): part is Extract<SendCommand, { kind: "write" }> => part.kind === "write");
    assert.equal(Math.max(...writes.map(({ data }) => data.length)), most);
    assert.equal(writes.map(({ data }) => Buffer.from(data).toString("latin1")).join(""), long);
  }
});

test("differences", async () => {
  const xattr = (name: string, value: string): { name: ByteString; value: Buffer } => ({
    name: bytesOf(name),
    value: Buffer.from(value),
  });
  assert.deepEqual(await difference([ROOT, file("f", "1")], [ROOT, file("f", "1")]), []);
  assert.deepEqual(await difference([ROOT, file("f", "1")], [ROOT, file("f", "1", { mtime: LATER })]), ["utimes f"]);
  assert.deepEqual(await difference([ROOT, file("f", "1")], [ROOT, file("f", "2")]), ["truncate f", "write f", "utimes f"]);
  assert.deepEqual(
    await difference([ROOT, file("f", "1", { mode: 0o104755 })], [ROOT, file("f", "1", { mode: 0o104755, uid: 5 })]),
    ["chown f", "chmod f", "utimes f"],
  );
  // A new owner and new content take capabilities away.
  const one = { xattrs: [xattr("security.capability", "1")] };
  assert.deepEqual(await difference([ROOT, file("f", "1", one)], [ROOT, file("f", "1", { ...one, gid: 5 })]), [
    "chown f",
    "chmod f",
    "set-xattr f",
    "utimes f",
  ]);
  assert.deepEqual(await difference([ROOT, file("f", "1", one)], [ROOT, file("f", "2", one)]), [
    "truncate f",
    "write f",
    "set-xattr f",
    "utimes f",
  ]);
  const both = { xattrs: [xattr("user.a", "1"), xattr("user.b", "1")] };
  assert.deepEqual(await difference([ROOT, file("f", "1", both)], [ROOT, file("f", "1", { xattrs: [xattr("user.b", "2")] })]), [
    "remove-xattr f",
    "set-xattr f",
    "utimes f",
  ]);
  assert.deepEqual(
    await difference([ROOT, entry("d", 0o040755), file("d/f", "1"), entry("e", 0o040755)], [ROOT, file("d", "2")]),
    ["unlink d/f", "rmdir d", "mkfile d", "write d", "chown d", "chmod d", "utimes d", "rmdir e", "utimes "],
  );
});

test("files with several names", async () => {
  const link = (path: string, sameAs: string, content = "1"): TreeEntry => file(path, content, { sameAs: bytesOf(sameAs) });
  const pair = [ROOT, file("a", "1"), link("b", "a")];
  // One that is parted: the second gets a file of its own, and the first is not touched.
  assert.deepEqual(await difference(pair, [ROOT, file("a", "1"), file("b", "1")]), [
    "unlink b",
    "mkfile b",
    "write b",
    "chown b",
    "chmod b",
    "utimes b",
    "utimes ",
  ]);
  assert.deepEqual(await difference(pair, [ROOT, file("b", "1")]), ["unlink a", "utimes "]);
  assert.deepEqual(await difference([ROOT, file("a", "1"), file("b", "1")], pair), ["unlink b", "link b", "utimes "]);
  assert.deepEqual(await difference(pair, [ROOT, file("a", "2"), link("b", "a", "2")]), ["truncate a", "write a", "utimes a"]);
});

test("what the parent has is shared", async () => {
  const [a, b] = [
    [ROOT, file("old", "content")],
    [ROOT, file("new", "content")],
  ];
  const options = { ...OPTIONS, parent: PARENT, findInParent: (key: string) => (key === "content" ? bytesOf("old") : undefined) };
  const parts = partsOf(await collect(writeIncrementalStream(a, b, options)));
  assert.deepEqual(
    parts.find(({ kind }) => kind === "clone"),
    {
      kind: "clone",
      path: "new",
      offset: 0,
      length: 7,
      cloneUuid: PARENT.uuid,
      cloneCtransid: 3,
      clonePath: "old",
      cloneOffset: 0,
    },
  );
});

test("trees that are none", async () => {
  const bad: [string, TreeEntry[]][] = [
    ["usage", []],
    ["usage", [file("a", "")]],
    ["usage", [ROOT, ROOT]],
    ["usage", [ROOT, file("b", ""), file("a", "")]],
    ["usage", [ROOT, file("a", ""), file("a/b", "")]],
    ["usage", [ROOT, file("x/y", "")]],
    ["usage", [ROOT, entry("a", 0o040755), entry("b", 0o040755), file("a/c", "")]],
    ["hostile", [ROOT, entry("..", 0o040755)]],
    ["hostile", [ROOT, file("a\0", "")]],
    ["unsupported", [ROOT, entry("a", 0o030644)]],
    ["torn", [ROOT, file("a", "long", { size: 2 })]],
    ["corrupt", [ROOT, entry("a", 0o120777, { target: "" as ByteString })]],
  ];
  for (const [code, entries] of bad) {
    await assert.rejects(collect(writeFullStream(entries, OPTIONS)), { code }, JSON.stringify(entries.map(({ path }) => path)));
    await assert.rejects(collect(writeIncrementalStream([ROOT], entries, { ...OPTIONS, parent: PARENT })), { code });
  }
});

async function difference(a: readonly TreeEntry[], b: readonly TreeEntry[]): Promise<string[]> {
  const parts = partsOf(await collect(writeIncrementalStream(a, b, { ...OPTIONS, parent: PARENT })));
  assert.deepEqual([parts[0]!.kind, parts[1]!.kind, parts.at(-1)!.kind], ["header", "snapshot", "end"]);
  return parts.slice(2, -1).map((part) => ("path" in part ? `${part.kind} ${part.path}` : part.kind));
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
