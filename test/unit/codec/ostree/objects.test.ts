/** The object codecs against objects that ostree made: read, compared with what is known to be in them, written to the byte. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { EMPTY } from "../../../../src/base/byte-string.ts";
import { checksumOf, parseChecksum } from "../../../../src/codec/ostree/checksum.ts";
import { decodeCommit, encodeCommit } from "../../../../src/codec/ostree/commit.ts";
import {
  decodeContentHeader,
  decodeFilezHeader,
  encodeContentHeader,
  encodeFilezHeader,
  headerLength,
} from "../../../../src/codec/ostree/content.ts";
import { decodeDetachedMetadata, encodeDetachedMetadata } from "../../../../src/codec/ostree/detached-metadata.ts";
import { decodeDirMeta, encodeDirMeta } from "../../../../src/codec/ostree/dirmeta.ts";
import { decodeDirTree, encodeDirTree } from "../../../../src/codec/ostree/dirtree.ts";
import { decodeSummary, encodeSummary } from "../../../../src/codec/ostree/summary.ts";
import { lookUp } from "../../../../src/codec/gvariant/value.ts";

interface MadeObject {
  readonly kind: string;
  readonly checksum: string;
  readonly data: Buffer;
}

const objects: MadeObject[] = (
  JSON.parse(readFileSync(new URL("objects.json", import.meta.url), "utf8")) as (Omit<MadeObject, "data"> & { hex: string })[]
).map(({ kind, checksum, hex }) => ({ kind, checksum, data: Buffer.from(hex, "hex") }));

function ofKind(kind: string): MadeObject[] {
  const found = objects.filter((object) => object.kind === kind);
  assert.ok(found.length > 0, "made by make-objects.sh");
  return found;
}

test("dirtrees", () => {
  const trees = ofKind("dirtree").map(({ checksum, data }) => {
    assert.equal(checksumOf(data), checksum);
    const tree = decodeDirTree(data);
    assert.deepEqual(encodeDirTree(tree), data);
    return tree;
  });
  const names = trees.map(({ files, dirs }) => [files.map(({ name }) => name).join(" "), dirs.map(({ name }) => name).join(" ")]);
  assert.deepEqual(
    names.toSorted((a, b) => a.join("|").localeCompare(b.join("|"))),
    [
      ["", ""],
      ["1 10 2 3 4 5 6 7 8 9 link", ""],
      ["hello nothing", "empty sub"],
    ],
  );
});

test("dirmetas", () => {
  const metas = ofKind("dirmeta").map(({ checksum, data }) => {
    assert.equal(checksumOf(data), checksum);
    const meta = decodeDirMeta(data);
    assert.deepEqual(encodeDirMeta(meta), data);
    return meta;
  });
  metas.sort((a, b) => a.mode - b.mode);
  assert.deepEqual(metas, [
    { uid: 1000, gid: 2, mode: 0o40700, xattrs: [] },
    { uid: 1000, gid: 2, mode: 0o40755, xattrs: [] },
  ]);
});

test("commits", () => {
  const commits = ofKind("commit").map(({ checksum, data }) => {
    assert.equal(checksumOf(data), checksum);
    const commit = decodeCommit(data);
    assert.deepEqual(encodeCommit(commit), data);
    return { checksum, commit };
  });
  const [first, second] = commits.sort((a, b) => a.commit.timestamp - b.commit.timestamp);
  assert.equal(first!.commit.parent, undefined);
  assert.equal(first!.commit.timestamp, Date.UTC(2001, 1, 3, 4, 5, 6) / 1000);
  assert.deepEqual([first!.commit.subject, first!.commit.body], ["Subject", "Body"]);
  assert.equal(lookUp(first!.commit.metadata, "version", "s"), "1.2");
  assert.deepEqual(lookUp(first!.commit.metadata, "k", "(is)"), [5, "x"]);
  assert.deepEqual(lookUp(first!.commit.metadata, "ostree.ref-binding", "as"), ["main"]);
  assert.equal(second!.commit.parent, first!.checksum);
  assert.equal(second!.commit.tree, first!.commit.tree);
});

test("content: the header in the file, the header that is hashed, and the payload", () => {
  const contents = ofKind("filez").map(({ checksum, data }) => {
    const length = headerLength(data);
    const { meta, size } = decodeFilezHeader(data.subarray(8, 8 + length));
    assert.deepEqual(encodeFilezHeader(meta, size), data.subarray(0, 8 + length));
    const payload = meta.target === EMPTY ? inflateRawSync(data.subarray(8 + length)) : Buffer.alloc(0);
    assert.equal(payload.length, size);
    const header = encodeContentHeader(meta);
    assert.deepEqual(decodeContentHeader(header.subarray(8)), meta);
    assert.equal(checksumOf(Buffer.concat([header, payload])), checksum);
    return { meta, payload: payload.toString() };
  });
  const byPayload = (payload: string): unknown => contents.find((content) => content.payload === payload)!.meta;
  assert.deepEqual(byPayload("hello\n"), { uid: 1000, gid: 2, mode: 0o104755, target: "", xattrs: [] });
  assert.deepEqual(contents.find(({ meta }) => meta.target !== "")!.meta, {
    uid: 1000,
    gid: 2,
    mode: 0o120777,
    target: "../hello",
    xattrs: [],
  });
  const xattrs = contents.find(({ meta }) => meta.xattrs.length > 0)!.meta.xattrs;
  assert.deepEqual(
    xattrs.map(({ name, value }) => [name, value.toString()]),
    [
      ["user.a", "one"],
      ["user.b", "two"],
    ],
  );
});

test("detached metadata", () => {
  const [{ data }] = ofKind("commitmeta") as [MadeObject];
  const metadata = decodeDetachedMetadata(data);
  assert.equal(lookUp(metadata, "d", "s"), "e");
  assert.deepEqual(encodeDetachedMetadata(metadata), data);
});

test("the summary", () => {
  const [{ data }] = ofKind("summary") as [MadeObject];
  const summary = decodeSummary(data);
  assert.deepEqual(encodeSummary(summary), data);
  const [ref] = summary.refs;
  const commit = objects.find((object) => object.kind === "commit" && object.checksum === ref!.commit)!;
  assert.deepEqual([summary.refs.length, ref!.name, ref!.size], [1, "main", commit.data.length]);
  assert.equal(lookUp(summary.details, "ostree.summary.mode", "s"), "archive-z2");
  assert.equal(parseChecksum(ref!.commit), commit.checksum);
});
