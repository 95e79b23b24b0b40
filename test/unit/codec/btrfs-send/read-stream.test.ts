/** Streams of the real `btrfs send`, read, told as `btrfs receive --dump` does, and written again byte for byte. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../../../../src/base/byte-string.ts";
import type { SendCommand, StreamPart, StreamVersion } from "../../../../src/codec/btrfs-send/command.ts";
import { crc32c } from "../../../../src/codec/btrfs-send/crc32c.ts";
import { encodeCommand, encodeHeader } from "../../../../src/codec/btrfs-send/encode-command.ts";
import { openStreamReader, readStream } from "../../../../src/codec/btrfs-send/read-stream.ts";
import { dumpLine, madeStreams, partsOf } from "../../../support/send-streams.ts";

const STREAMS = madeStreams();

test("the sum of a known text", () => {
  // The check value of CRC-32/ISCSI (E3069283), which begins with ones and ends inverted.
  const text = Buffer.from("123456789");
  assert.equal((crc32c(0xffffffff, text) ^ 0xffffffff) >>> 0, 0xe3069283);
  for (let cut = 0; cut <= text.length; cut++) {
    assert.equal((crc32c(crc32c(0xffffffff, text, 0, cut), text, cut) ^ 0xffffffff) >>> 0, 0xe3069283);
  }
});

for (const { name, data, dump } of STREAMS) {
  test(`a real stream: ${name}`, () => {
    const parts = partsOf(data);
    assert.deepEqual(
      dumpOf(parts).slice(0, dump.length),
      dump.map((line) => line.replaceAll(/ +/g, " ").trimEnd()),
    );
    let version: StreamVersion = 1;
    const again = parts.map((part) => {
      if (part.kind !== "header") return encodeCommand(part, version);
      version = part.version;
      return encodeHeader(version);
    });
    assert.deepEqual(Buffer.concat(again), data);
  });
}

test("the streams hold what they were made for", () => {
  const kinds = new Map(STREAMS.map(({ name, data }) => [name, partsOf(data).map(({ kind }) => kind)]));
  const countOf = (name: string, kind: string): number => kinds.get(name)!.filter((one) => one === kind).length;
  assert.equal(countOf("two", "header"), 2);
  assert.equal(countOf("two", "end"), 2);
  assert.equal(countOf("two without end", "header"), 1);
  assert.equal(countOf("two without end", "subvol"), 2);
  assert.equal(countOf("two without end", "end"), 1);
  assert.ok(countOf("compressed", "encoded-write") > 0);
  assert.ok(countOf("no data", "update-extent") > 0);
  assert.ok(countOf("no data", "fileattr") > 0);
});

test("data within one chunk are not copied", () => {
  const { data } = STREAMS[0]!;
  let views = 0;
  const reader = openStreamReader((part) => {
    if (part.kind === "write" && part.data.buffer === data.buffer) views++;
  });
  reader.push(data);
  reader.end();
  assert.ok(views > 0);
});

test("an asynchronous source hands out what came before the damage", async () => {
  const { data } = STREAMS[0]!;
  const parts: StreamPart[] = [];
  const source = [data.subarray(0, 1000), Buffer.alloc(20_000, 0xff)];
  await assert.rejects(
    async () => {
      for await (const part of readStream(source)) parts.push(part);
    },
    { code: "corrupt" },
  );
  assert.ok(parts.length > 5);
});

test("a long stream takes no more memory than a short one", async () => {
  const chunks = function* (count: number): Generator<Buffer> {
    yield encodeHeader(2);
    yield encodeCommand({ kind: "subvol", path: bytesOf("s"), uuid: "0".repeat(32), ctransid: 1 }, 2);
    const write = encodeCommand({ kind: "write", path: bytesOf("f"), offset: 0, data: Buffer.alloc(131_072, "data") }, 2);
    // Cut so that each command has to be put together.
    const twice = Buffer.concat([write, write]);
    for (let index = 0; index < count; index++) yield* [twice.subarray(0, 100_000), twice.subarray(100_000)];
    yield encodeCommand({ kind: "end" }, 2);
  };
  let [bytes, most] = [0, 0];
  const before = process.memoryUsage().arrayBuffers;
  for await (const part of readStream(chunks(2000))) {
    if (part.kind !== "write") continue;
    bytes += part.data.length;
    if (bytes % 2 ** 24 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  assert.equal(bytes, 4000 * 131_072);
  assert.ok(most < 128 * 2 ** 20, `${most} bytes of ${bytes}`);
});

test("nothing is read after a failure", () => {
  const { data } = STREAMS[0]!;
  const reader = openStreamReader(() => {});
  assert.throws(() => reader.push(Buffer.from("something that is no stream")), { code: "corrupt" });
  assert.throws(() => reader.push(data), { code: "corrupt" });
  assert.throws(() => reader.end(), { code: "corrupt" });
});

function dumpOf(parts: readonly StreamPart[]): string[] {
  let subvolume = "";
  return parts
    .filter((part): part is SendCommand => part.kind !== "header")
    .filter(({ kind }) => kind !== "end")
    .map((command) => {
      if (command.kind === "subvol" || command.kind === "snapshot") subvolume = command.path;
      return dumpLine(command, subvolume);
    });
}
