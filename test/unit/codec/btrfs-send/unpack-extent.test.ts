/** Extents as btrfs has compressed them, unpacked; and damaged ones, which are refused or give as many bytes as they say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, zstdCompressSync } from "node:zlib";
import { RegrowError } from "../../../../src/base/errors.ts";
import type { EncodedWrite } from "../../../../src/codec/btrfs-send/command.ts";
import { unpackLzo } from "../../../../src/codec/btrfs-send/lzo.ts";
import { unpackExtent } from "../../../../src/codec/btrfs-send/unpack-extent.ts";
import { zstdFrameLength } from "../../../../src/codec/btrfs-send/zstd-frame.ts";
import { damagedCopies } from "../../../support/damage.ts";
import { madeStreams, partsOf } from "../../../support/send-streams.ts";

const WRITES = partsOf(madeStreams().find(({ name }) => name === "all kinds of compression")!.data).filter(
  (part): part is EncodedWrite => part.kind === "encoded-write",
);
const NUMBERS = Array.from({ length: 2500 }, (_, index) => `${index + 1}\n`).join("");

for (const kind of ["zlib", "zstd", "lzo"]) {
  const write = WRITES.find(({ path }) => path === kind)!;

  test(`${kind}, as btrfs has packed it`, () => {
    const content = NUMBERS + `${kind}\n`.repeat(6000).slice(0, 6000);
    assert.equal(unpackExtent(write).toString("latin1"), content);
    const middle = { ...write, unencodedOffset: 5000, unencodedFileLength: 9000 };
    assert.equal(unpackExtent(middle).toString("latin1"), content.slice(5000, 14_000));
  });

  test(`${kind}, damaged`, (t) => {
    const data = Buffer.from(write.data);
    let [unpacked, refused] = [0, 0];
    for (const damaged of damagedCopies(data, 800)) {
      try {
        assert.equal(unpackExtent({ ...write, data: damaged.data }).length, write.unencodedFileLength, damaged.what);
        unpacked++;
      } catch (error) {
        assert.ok(error instanceof RegrowError && error.code === "corrupt", `${damaged.what}: ${String(error)}`);
        refused++;
      }
    }
    t.diagnostic(`${unpacked} unpacked, ${refused} refused`);
    assert.ok(refused > 200);
  });
}

test("LZO instructions that btrfs never writes, by the description of the format", () => {
  const END = [17, 0, 0];
  // Two literals and no run: then a match of two bytes, at most 1 KiB back.
  assert.equal(unpackPieces([19, 0x61, 0x62, 4, 0, ...END], 4), "abab");
  // A run of 2100 literals: then a match of three bytes, 2 to 3 KiB back.
  const run = Array.from({ length: 2100 }, (_, index) => 0x61 + (index % 26));
  const long = [0, ...Array.from({ length: 8 }, () => 0), 42, ...run];
  assert.equal(unpackPieces([...long, 12, 12, ...END], 2103), `${Buffer.from(run).toString("latin1")}abc`);
  for (const bad of [
    [19, 0x61, 0x62, 8, 0, ...END],
    [19, 0x61],
    [...long, 12, 13, ...END],
    [19, 0x61, 0x62, 4],
  ]) {
    assert.throws(() => unpackPieces(bad, 4096), { code: "corrupt" });
  }
});

function unpackPieces(piece: readonly number[], size: number): string {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(8 + piece.length);
  lengths.writeUInt32LE(piece.length, 4);
  return unpackLzo(Buffer.concat([lengths, Buffer.from(piece)]), size, 4096).toString("latin1");
}

test("the length of zstd frames of all kinds", () => {
  for (const size of [0, 1, 100, 255, 256, 300, 65_536, 70_000, 300_000]) {
    for (const content of [
      Buffer.alloc(size, "a"),
      Buffer.from(Array.from({ length: size }, (_, at) => (at * at * 31) & 0xff)),
    ]) {
      const frame = zstdCompressSync(content);
      assert.equal(zstdFrameLength(Buffer.concat([frame, Buffer.alloc(50, 7)])), frame.length);
      assert.throws(() => zstdFrameLength(frame.subarray(0, -1)), { code: "corrupt" });
    }
  }
});

test("bombs and extents without compression", () => {
  const base = { kind: "encoded-write" as const, path: WRITES[0]!.path, offset: 0, unencodedOffset: 0 };
  for (const [compression, data] of [
    [1, deflateSync(Buffer.alloc(2 ** 24))] as const,
    [2, zstdCompressSync(Buffer.alloc(2 ** 24))] as const,
  ]) {
    const write = { ...base, compression, data, unencodedLength: 4096, unencodedFileLength: 4096 };
    assert.throws(() => unpackExtent(write), { code: "corrupt" });
  }
  const plain = { ...base, data: Buffer.from("content"), unencodedLength: 10, unencodedFileLength: 10 };
  assert.equal(unpackExtent(plain).toString("latin1"), "content\0\0\0");
});
