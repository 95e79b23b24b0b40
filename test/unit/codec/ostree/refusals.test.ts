/** What the object codecs refuse: names that lead elsewhere, order, twins, forms that are not the one normal form. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ByteString, bytesOf } from "../../../../src/base/byte-string.ts";
import { encodeVariant } from "../../../../src/codec/gvariant/encode.ts";
import type { GValue } from "../../../../src/codec/gvariant/value.ts";
import { checksumFromRaw, parseChecksum } from "../../../../src/codec/ostree/checksum.ts";
import { decodeCommit } from "../../../../src/codec/ostree/commit.ts";
import {
  MAX_HEADER,
  decodeBareUserMeta,
  decodeContentHeader,
  decodeFilezHeader,
  headerLength,
} from "../../../../src/codec/ostree/content.ts";
import { decodeDirMeta, encodeDirMeta } from "../../../../src/codec/ostree/dirmeta.ts";
import { decodeDirTree, isEntryName } from "../../../../src/codec/ostree/dirtree.ts";
import { looseName, objectText, parseLooseName } from "../../../../src/codec/ostree/object-name.ts";
import { decodeSummary } from "../../../../src/codec/ostree/summary.ts";
import { decodeXattrs } from "../../../../src/codec/ostree/xattrs.ts";
import { rawDirTree } from "../../../support/raw-objects.ts";

const CORRUPT = { name: "RegrowError", code: "corrupt" };
const HOSTILE = { name: "RegrowError", code: "hostile" };

for (const name of ["", ".", "..", "a/b", "/", "../x", "a\0b", "\0", "bad\xff", "\xed\xa0\x80"]) {
  test(`a dirtree's entry called ${JSON.stringify(name)}`, () => {
    const refusal = name.includes("\0") ? CORRUPT : HOSTILE;
    assert.throws(() => decodeDirTree(rawDirTree([name], [])), refusal);
    assert.throws(() => decodeDirTree(rawDirTree([], [name])), refusal);
  });
}

for (const [what, files, dirs] of [
  ["the same file twice", ["a", "a"], []],
  ["the same folder twice", [], ["a", "a"]],
  ["a file and a folder of the same name", ["a", "b"], ["b", "c"]],
  ["files out of order", ["b", "a"], []],
  ["folders out of order", [], ["b", "a"]],
  ["an order by letters in place of bytes", ["a", "B"], []],
] as const) {
  test(`a dirtree with ${what}`, () => {
    assert.throws(() => decodeDirTree(rawDirTree(files, dirs)), CORRUPT);
  });
}

test("a dirtree whose checksums have another length, or that is no dirtree", () => {
  const tree = (files: GValue, dirs: GValue): Buffer => encodeVariant("(a(say)a(sayay))", [files, dirs]);
  const sum = Buffer.alloc(32);
  for (const data of [
    tree([["a", Buffer.alloc(31)]], []),
    tree([["a", Buffer.alloc(33)]], []),
    tree([], [["a", sum, Buffer.alloc(0)]]),
    tree([], [["a", Buffer.alloc(16), Buffer.alloc(48)]]),
    Buffer.alloc(0),
    Buffer.from([1]),
    Buffer.alloc(300),
    Buffer.from("ffff", "hex"),
  ]) {
    assert.throws(() => decodeDirTree(data), CORRUPT);
  }
  assert.deepEqual(decodeDirTree(Buffer.from([0])), { files: [], dirs: [] });
});

test("names that a folder can hold", () => {
  for (const name of ["a", "...", ".a", " ", "-", "\n", "a".repeat(300)]) assert.ok(isEntryName(name));
  for (const name of ["", ".", "..", "/", "a/", "a\0"]) assert.ok(!isEntryName(name));
});

function fixed(uid: number, gid: number, mode: number): Buffer {
  const data = Buffer.alloc(12);
  for (const [index, value] of [uid, gid, mode].entries()) data.writeUInt32BE(value, index * 4);
  return data;
}

const pairs = (...names: readonly string[]): Buffer =>
  encodeVariant(
    "a(ayay)",
    names.map((name) => [Buffer.from(name, "latin1"), Buffer.from("v")]),
  );

test("extended attributes with broken names", () => {
  for (const names of [["a"], ["\0"], [""], ["a\0b\0"], ["b\0", "a"]]) {
    assert.throws(() => decodeXattrs(pairs(...names)), CORRUPT);
    assert.throws(() => decodeDirMeta(Buffer.concat([fixed(0, 0, 0o40755), pairs(...names)])), CORRUPT);
    assert.throws(() => decodeBareUserMeta(Buffer.concat([fixed(0, 0, 0o100644), pairs(...names)])), CORRUPT);
  }
  assert.deepEqual(decodeXattrs(pairs("a\0", "b\0")).length, 2);
  // Out of order, and twice, as ostree takes them from archives.
  for (const names of [
    ["b\0", "a\0"],
    ["a\0", "a\0"],
  ]) {
    const data = Buffer.concat([fixed(0, 0, 0o40755), pairs(...names)]);
    assert.deepEqual(encodeDirMeta(decodeDirMeta(data)), data);
  }
});

test("a dirmeta that is no folder's", () => {
  for (const mode of [0o100755, 0o120777, 0o755, 0o240755, 0xffffffff])
    assert.throws(() => decodeDirMeta(fixed(0, 0, mode)), CORRUPT);
  assert.throws(() => decodeDirMeta(Buffer.alloc(11)), CORRUPT);
});

/** V of a content header, put together by the generic codec. */
function header(mode: number, target: string, xattrs: GValue = [], rdev = 0): Buffer {
  const swapped = (value: number): number => Buffer.from(fixed(value, 0, 0)).readUInt32LE(0);
  return encodeVariant("(uuuusa(ayay))", [0, 0, swapped(mode), rdev, target, xattrs]);
}

test("content headers that are neither file nor link, or both", () => {
  assert.equal(decodeContentHeader(header(0o100644, "")).mode, 0o100644);
  for (const data of [
    header(0o100644, "target"),
    header(0o120777, ""),
    header(0o040755, ""),
    header(0o020644, ""),
    header(0o010644, ""),
    header(0o644, ""),
    header(0xffffffff, ""),
    header(0o100644, "", [], 1),
    Buffer.alloc(0),
    header(0o100644, "").subarray(1),
  ]) {
    assert.throws(() => decodeContentHeader(data), CORRUPT);
  }
});

test("header lengths that can't be", () => {
  const prefix = (length: number, zero = 0): Buffer => {
    const data = Buffer.alloc(8);
    data.writeUInt32BE(length, 0);
    data.writeUInt32BE(zero, 4);
    return data;
  };
  for (const data of [prefix(0), prefix(16), prefix(MAX_HEADER + 1), prefix(0xffffffff), prefix(40, 1), Buffer.alloc(7)]) {
    assert.throws(() => headerLength(data), CORRUPT);
  }
  assert.equal(headerLength(prefix(40)), 40);
});

test("a .filez that claims a size beyond all bounds", () => {
  const size = Buffer.alloc(8, 0xff);
  assert.throws(() => decodeFilezHeader(Buffer.concat([size, header(0o100644, "")])), CORRUPT);
});

test("commits with checksums of other lengths, or a time out of range", () => {
  const sum = Buffer.alloc(32);
  const commit = (parent: Buffer, time: bigint, tree: Buffer, meta: Buffer): Buffer =>
    encodeVariant("(a{sv}aya(say)sstayay)", [[], parent, [], "", "", time, tree, meta]);
  assert.equal(decodeCommit(commit(Buffer.alloc(0), 0n, sum, sum)).parent, undefined);
  for (const data of [
    commit(Buffer.alloc(31), 0n, sum, sum),
    commit(sum, 0n, Buffer.alloc(0), sum),
    commit(sum, 0n, sum, Buffer.alloc(33)),
    commit(sum, 0xffn, sum, sum),
    Buffer.alloc(0),
  ]) {
    assert.throws(() => decodeCommit(data), CORRUPT);
  }
});

test("a summary with a size out of range, or a checksum that is none", () => {
  const summary = (size: bigint, sum: Buffer): Buffer =>
    encodeVariant("(a(s(taya{sv}))a{sv})", [[["main", [size, sum, []]]], []]);
  assert.equal(decodeSummary(summary(5n, Buffer.alloc(32))).refs.length, 1);
  assert.throws(() => decodeSummary(summary(2n ** 60n, Buffer.alloc(32))), CORRUPT);
  assert.throws(() => decodeSummary(summary(5n, Buffer.alloc(3))), CORRUPT);
  assert.throws(() => decodeSummary(Buffer.alloc(0)), CORRUPT);
});

test("checksums and the names of objects", () => {
  const sum = parseChecksum("ab".repeat(32));
  assert.equal(looseName(sum, "filez"), `ab/${"ab".repeat(31)}.filez`);
  assert.deepEqual(parseLooseName("ab", `${"ab".repeat(31)}.filez`), { kind: "file", checksum: sum });
  assert.equal(objectText({ kind: "file", checksum: sum }), `${sum}.file`);
  for (const name of [`${"ab".repeat(31)}.commitmeta`, `${"ab".repeat(31)}`, `${"AB".repeat(31)}.file`, "x.file", ".file"]) {
    assert.equal(parseLooseName("ab", name), undefined);
  }
  for (const text of ["", "ab", "AB".repeat(32), `${"ab".repeat(32)}\n`, "zz".repeat(32)]) {
    assert.throws(() => parseChecksum(text), CORRUPT);
  }
  assert.throws(() => checksumFromRaw(Buffer.alloc(20)), CORRUPT);
  assert.equal(bytesOf("x" as ByteString), "x");
});
