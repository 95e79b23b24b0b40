/** A stream whose subvolume gets another name on the way: nothing else of it is another, however it comes in pieces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../../../../src/base/byte-string.ts";
import { readStream } from "../../../../src/codec/btrfs-send/read-stream.ts";
import { renameSubvolume } from "../../../../src/codec/btrfs-send/rename-subvolume.ts";
import { madeStreams } from "../../../support/send-streams.ts";

async function* pieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function renamed(data: Uint8Array, size: number): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const piece of renameSubvolume(pieces(data, size), bytesOf("another name"))) found.push(Buffer.from(piece));
  return Buffer.concat(found);
}

async function partsOf(data: Uint8Array): Promise<unknown[]> {
  const parts: unknown[] = [];
  for await (const part of readStream(pieces(data, data.length))) parts.push(structuredClone(part));
  return parts;
}

const SINGLE = madeStreams().filter(({ name }) => name === "full" || name === "incremental");

for (const { name, data } of SINGLE) {
  test(`the ${name} stream`, async () => {
    const [header, subvolume, ...rest] = await partsOf(data);
    for (const size of [1, 7, 4096, data.length]) {
      const [newHeader, newSubvolume, ...newRest] = await partsOf(await renamed(data, size));
      assert.deepEqual(newHeader, header);
      assert.deepEqual(newSubvolume, { ...(subvolume as object), path: "another name" });
      assert.deepEqual(newRest, rest);
    }
  });
}

test("a stream that is cut, or holds two subvolumes, is refused", async () => {
  const { data } = SINGLE[0]!;
  for (const length of [5, 40, data.length >> 1, data.length - 1])
    await assert.rejects(renamed(data.subarray(0, length), 100), { code: "corrupt" }, `${length}`);
  await assert.rejects(renamed(Buffer.concat([data, data]), 100), { code: "unsupported" });
});
