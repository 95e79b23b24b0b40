/**
 * What OSTree's objects and the sidecar's records hold comes back as it was written; and the codecs made for one object
 * write the same bytes as the general GVariant codec for the same type.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ByteString, bufferOf, bytesOf, displayBytes, isUtf8 } from "../../src/base/byte-string.ts";
import { encodeVariant } from "../../src/codec/gvariant/encode.ts";
import type { Dictionary, GValue } from "../../src/codec/gvariant/value.ts";
import { rawChecksum } from "../../src/codec/ostree/checksum.ts";
import { type Commit, decodeCommit, encodeCommit } from "../../src/codec/ostree/commit.ts";
import {
  type ContentMeta,
  decodeBareUserMeta,
  decodeContentHeader,
  decodeFilezHeader,
  encodeBareUserMeta,
  encodeContentHeader,
  encodeFilezHeader,
  headerLength,
} from "../../src/codec/ostree/content.ts";
import { decodeDirMeta, encodeDirMeta } from "../../src/codec/ostree/dirmeta.ts";
import { decodeDirTree, encodeDirTree } from "../../src/codec/ostree/dirtree.ts";
import { decodeSummary, encodeSummary } from "../../src/codec/ostree/summary.ts";
import type { XattrRecord } from "../../src/codec/ostree/xattrs.ts";
import { type EntryRecord, decodeFolderRecord, encodeFolderRecord } from "../../src/codec/sidecar/folder-record.ts";
import { escapeName, unescapeName } from "../../src/codec/sidecar/sidecar-name.ts";
import {
  byteNames,
  checksums,
  entryRecords,
  record,
  treeEntries,
  unsigned,
  utf8Names,
  xattrLists,
} from "../support/arbitraries.ts";
import { check } from "../support/property.ts";

test("dirtrees", (t) => {
  check(
    t,
    600,
    fc.property(treeEntries, (tree) => {
      const data = encodeDirTree(tree);
      assert.deepEqual(decodeDirTree(data), tree);
      const files = tree.files.map(({ name, checksum }) => [textOf(name), rawChecksum(checksum)]);
      const dirs = tree.dirs.map((dir) => [textOf(dir.name), rawChecksum(dir.tree), rawChecksum(dir.meta)]);
      assert.deepEqual(data, encodeVariant("(a(say)a(sayay))", [files, dirs]));
    }),
  );
});

test("large dirtrees, whose offsets take two and four bytes", (t) => {
  check(
    t,
    20,
    fc.property(fc.integer({ min: 1, max: 2500 }), fc.integer({ min: 0, max: 900 }), (fileCount, dirCount) => {
      const sum = "ab".repeat(32) as never;
      const names = (count: number, letter: string): ByteString[] =>
        Array.from({ length: count }, (_, index) => `${letter}${index.toString().padStart(5, "0")}` as ByteString);
      const tree = {
        files: names(fileCount, "f").map((name) => ({ name, checksum: sum })),
        dirs: names(dirCount, "d").map((name) => ({ name, tree: sum, meta: sum })),
      };
      const data = encodeDirTree(tree);
      assert.deepEqual(decodeDirTree(data), tree);
      const raw = rawChecksum(sum);
      const files = tree.files.map(({ name }) => [name, raw]);
      const dirs = tree.dirs.map(({ name }) => [name, raw, raw]);
      assert.deepEqual(data, encodeVariant("(a(say)a(sayay))", [files, dirs]));
    }),
  );
});

test("dirmetas", (t) => {
  const metas = record({
    uid: unsigned,
    gid: unsigned,
    mode: fc.nat({ max: 0o7777 }).map((mode) => mode | 0o40000),
    xattrs: xattrLists,
  });
  check(
    t,
    600,
    fc.property(metas, (meta) => {
      const data = encodeDirMeta(meta);
      assert.deepEqual(decodeDirMeta(data), meta);
      const { uid, gid, mode, xattrs } = meta;
      assert.deepEqual(data, encodeVariant("(uuua(ayay))", [swap(uid), swap(gid), swap(mode), pairs(xattrs)]));
    }),
  );
});

const contentMetas: fc.Arbitrary<ContentMeta> = fc
  .tuple(unsigned, unsigned, fc.nat({ max: 0o7777 }), fc.option(utf8Names, { nil: "" as ByteString }), xattrLists)
  .map(([uid, gid, mode, target, xattrs]) => ({ uid, gid, mode: mode | (target === "" ? 0o100000 : 0o120000), target, xattrs }));

test("content headers, hashed and of .filez", (t) => {
  check(
    t,
    800,
    fc.property(contentMetas, fc.nat({ max: Number.MAX_SAFE_INTEGER }), (meta, size) => {
      const header = encodeContentHeader(meta);
      assert.equal(headerLength(header), header.length - 8);
      assert.deepEqual(decodeContentHeader(header.subarray(8)), meta);
      const { uid, gid, mode, target, xattrs } = meta;
      const fields = [swap(uid), swap(gid), swap(mode), 0, textOf(target), pairs(xattrs)];
      assert.deepEqual(header.subarray(8), encodeVariant("(uuuusa(ayay))", fields));
      const filez = encodeFilezHeader(meta, size);
      assert.deepEqual(decodeFilezHeader(filez.subarray(8)), { meta, size });
      assert.deepEqual(filez.subarray(8), encodeVariant("(tuuuusa(ayay))", [swap64(BigInt(size)), ...fields]));
      assert.deepEqual({ ...decodeBareUserMeta(encodeBareUserMeta(meta)), target }, meta);
    }),
  );
});

test("content headers of links whose targets are any bytes", (t) => {
  check(
    t,
    300,
    fc.property(byteNames, (target) => {
      const meta: ContentMeta = { uid: 0, gid: 0, mode: 0o120777, target, xattrs: [] };
      assert.deepEqual(decodeContentHeader(encodeContentHeader(meta).subarray(8)), meta);
    }),
  );
});

const texts = fc.string({ unit: "grapheme", maxLength: 30 }).filter((text) => !text.includes("\0"));
const dictionaries: fc.Arbitrary<Dictionary> = fc.array(
  fc.tuple(
    texts,
    fc.oneof(
      texts.map((value) => ({ type: "s", value })),
      fc.boolean().map((value) => ({ type: "b", value })),
      fc.array(texts, { maxLength: 3 }).map((value) => ({ type: "as", value })),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ type: "ay", value: Buffer.from(bytes) })),
    ),
  ),
  { maxLength: 4 },
) as fc.Arbitrary<Dictionary>;

test("commits", (t) => {
  const commits = record<Commit>({
    metadata: dictionaries,
    parent: fc.option(checksums, { nil: undefined }),
    subject: texts,
    body: texts,
    timestamp: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    tree: checksums,
    meta: checksums,
  });
  check(
    t,
    600,
    fc.property(commits, (commit) => {
      const data = encodeCommit(commit);
      assert.deepEqual(decodeCommit(data), commit);
      assert.deepEqual(encodeCommit(decodeCommit(data)), data);
    }),
  );
});

test("summaries", (t) => {
  const summaries = record({
    refs: fc.array(
      record({ name: texts, size: fc.nat({ max: Number.MAX_SAFE_INTEGER }), commit: checksums, details: dictionaries }),
      { maxLength: 4 },
    ),
    details: dictionaries,
  });
  check(
    t,
    400,
    fc.property(summaries, (summary) => {
      assert.deepEqual(decodeSummary(encodeSummary(summary)), summary);
    }),
  );
});

test("records of the sidecar: as they were written, and in one form only", (t) => {
  check(
    t,
    1000,
    fc.property(entryRecords, (entries) => {
      const data = encodeFolderRecord(entries);
      const read = decodeFolderRecord(data);
      assert.deepEqual(read.map(withoutUndefined), entries.map(withoutUndefined));
      assert.deepEqual(encodeFolderRecord(read), data);
    }),
  );
});

test("escaped names are UTF-8, come back, and no two names share one", (t) => {
  check(
    t,
    1500,
    fc.property(byteNames, byteNames, (a, b) => {
      const escaped = escapeName(a);
      assert.ok(isUtf8(escaped) && escaped !== "%" && !escaped.startsWith("%."));
      assert.equal(unescapeName(escaped), a);
      assert.equal(escapeName(a) === escapeName(b), a === b);
    }),
  );
});

test("a name on show tells what it is and controls no terminal", (t) => {
  check(
    t,
    1000,
    fc.property(byteNames, byteNames, (a, b) => {
      assert.doesNotMatch(displayBytes(a), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      assert.equal(isUtf8(a), Buffer.from(bufferOf(a).toString("utf8")).equals(bufferOf(a)));
      if (isUtf8(a) === isUtf8(b)) assert.equal(displayBytes(a) === displayBytes(b), a === b);
      assert.equal(bytesOf(textOf(a)) === a, isUtf8(a));
    }),
  );
});

function textOf(name: ByteString): string {
  return bufferOf(name).toString("utf8");
}

function swap(value: number): number {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer.readUInt32LE();
}

function swap64(value: bigint): bigint {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(value);
  return buffer.readBigUInt64LE();
}

function pairs(xattrs: readonly XattrRecord[]): GValue {
  return xattrs.map(({ name, value }) => [bufferOf(`${name}\0` as ByteString), value]);
}

function withoutUndefined(entry: EntryRecord): object {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}
