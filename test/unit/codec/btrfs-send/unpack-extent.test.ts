/** Extents as btrfs has compressed them, unpacked; and damaged ones, which are refused or give as many bytes as they say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, zstdCompressSync } from "node:zlib";
import { RegrowError } from "../../../../src/base/errors.ts";
import type { EncodedWrite } from "../../../../src/codec/btrfs-send/command.ts";
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
