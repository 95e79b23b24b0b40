/** Deflated data: round trips, limits, bombs, trailing bytes, and ends that come too early; all in bounded memory. */
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { deflateBuffer, deflateFile, inflateBuffer, inflateFile } from "../../../src/sys/deflate.ts";

const CORRUPT = { name: "RegrowError", code: "corrupt" };
const MIB = 2 ** 20;
/** A promise that never settles must fail its test, not hang it. */
const OPTIONS = { timeout: 60_000 };

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "regrow-deflate-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function inflateWhole(folder: string, packed: Buffer, size: number): Promise<Buffer> {
  writeFileSync(`${folder}/packed`, packed);
  const fd = openSync(`${folder}/packed`, "r");
  const parts: Buffer[] = [];
  try {
    await inflateFile({ fd, start: 0, end: packed.length }, size, (piece) => parts.push(Buffer.from(piece)));
  } finally {
    closeSync(fd);
  }
  return Buffer.concat(parts);
}

const text = Buffer.from("0123456789 ".repeat(300_000));

test("what is deflated comes back, in memory and through files, at every level", OPTIONS, async (t) => {
  const folder = folderOf(t);
  writeFileSync(`${folder}/plain`, text);
  for (const data of [Buffer.alloc(0), Buffer.from("x"), text]) {
    for (const level of [1, 6, 9]) {
      const packed = deflateBuffer(data, level);
      assert.deepEqual(packed, deflateRawSync(data, { level, memLevel: 8 }));
      assert.deepEqual(inflateBuffer(packed, data.length), data);
      assert.deepEqual(await inflateWhole(folder, packed, data.length), data);
    }
  }
  const source = openSync(`${folder}/plain`, "r");
  const target = openSync(`${folder}/packed`, "w+");
  let seen = 0;
  await deflateFile({ fd: source, start: 0, end: text.length }, target, 5, 6, (piece) => (seen += piece.length));
  closeSync(source);
  closeSync(target);
  assert.equal(seen, text.length);
  assert.deepEqual(inflateRawSync(readFileSync(`${folder}/packed`).subarray(5)), text);
});

test("another count of bytes than was said is refused, in memory and streamed", OPTIONS, async (t) => {
  const folder = folderOf(t);
  const packed = deflateRawSync(text);
  for (const size of [0, 1, text.length - 1, text.length + 1, 2 * text.length]) {
    assert.throws(() => inflateBuffer(packed, size), CORRUPT);
    await assert.rejects(inflateWhole(folder, packed, size), CORRUPT);
  }
});

test("bytes after the end are refused, in memory and streamed", OPTIONS, async (t) => {
  const folder = folderOf(t);
  for (const length of [1, 100, 3 * MIB]) {
    const packed = Buffer.concat([deflateRawSync(text), Buffer.alloc(length)]);
    assert.throws(() => inflateBuffer(packed, text.length), CORRUPT);
    await assert.rejects(inflateWhole(folder, packed, text.length), CORRUPT);
  }
});

test("an end that comes too early, or damage in the middle", OPTIONS, async (t) => {
  const folder = folderOf(t);
  const packed = deflateRawSync(text);
  for (const length of [0, 1, 2, packed.length >> 1, packed.length - 1]) {
    const cut = packed.subarray(0, length);
    assert.throws(() => inflateBuffer(cut, text.length), CORRUPT);
    await assert.rejects(inflateWhole(folder, cut, text.length), CORRUPT);
  }
  const broken = Buffer.from(packed);
  broken.fill(0xff, 20, 40);
  assert.throws(() => inflateBuffer(broken, text.length), CORRUPT);
  await assert.rejects(inflateWhole(folder, broken, text.length), CORRUPT);
});

test("a bomb is stopped at the size that its header says", OPTIONS, async (t) => {
  const folder = folderOf(t);
  const bomb = deflateRawSync(Buffer.alloc(400 * MIB), { level: 1 });
  const before = process.memoryUsage().rss;
  const startedAt = Date.now();
  assert.throws(() => inflateBuffer(bomb, 1000), CORRUPT);
  await assert.rejects(inflateWhole(folder, bomb, 40 * MIB), CORRUPT);
  const grown = (process.memoryUsage().rss - before) / MIB;
  t.diagnostic(`a bomb of 400 MiB: ${Date.now() - startedAt} ms, ${grown.toFixed(0)} MiB more`);
  assert.ok(grown < 200);
});

test("a file of any size is inflated in the memory of a few chunks", OPTIONS, async (t) => {
  const folder = folderOf(t);
  const packed = deflateRawSync(Buffer.alloc(300 * MIB), { level: 1 });
  writeFileSync(`${folder}/packed`, packed);
  const fd = openSync(`${folder}/packed`, "r");
  const before = process.memoryUsage().rss;
  let most = 0;
  let total = 0;
  await inflateFile({ fd, start: 0, end: packed.length }, 300 * MIB, (piece) => {
    total += piece.length;
    most = Math.max(most, process.memoryUsage().rss - before);
  });
  closeSync(fd);
  assert.equal(total, 300 * MIB);
  assert.ok(most < 100 * MIB, `${most / MIB} MiB`);
});

test("what the taker throws is what the caller gets", OPTIONS, async (t) => {
  const folder = folderOf(t);
  writeFileSync(`${folder}/packed`, deflateRawSync(text));
  const fd = openSync(`${folder}/packed`, "r");
  const mine = new Error("mine");
  await assert.rejects(
    inflateFile({ fd, start: 0, end: deflateRawSync(text).length }, text.length, () => {
      throw mine;
    }),
    mine,
  );
  closeSync(fd);
});
