/**
 * Deflated data: round trips, limits, bombs, trailing bytes, and ends that come too early; all in bounded memory, and with each
 * engine that may do the work. The judge is Node's zlib, called here by itself.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { DeflateEngine } from "../../../src/sys/deflate-engine.ts";
import { deflateBuffer, deflateFile, inflateBuffer, inflateFile } from "../../../src/sys/deflate.ts";
import { libdeflateEngine } from "../../../src/sys/libdeflate-engine.ts";
import { zlibEngine } from "../../../src/sys/zlib-engine.ts";
import { LIBDEFLATE } from "../../support/libdeflate.ts";
import { requires } from "../../support/requires.ts";

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
const NO_HEADER = Buffer.alloc(0);
const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** The test once with zlib, and once with libdeflate, which is where the machine has it. */
function testEachEngine(name: string, check: (engine: DeflateEngine, t: TestContext) => void | Promise<void>): void {
  test(`${name}: zlib`, OPTIONS, (t) => check(zlibEngine, t));
  test(`${name}: libdeflate`, OPTIONS, (t) => {
    if (!requires(t, { files: [LIBDEFLATE] })) return;
    const engine = libdeflateEngine();
    assert.ok(engine, "the library is there and could not be used");
    return check(engine, t);
  });
}

testEachEngine("what is deflated stands behind its header and comes back, at every level", (engine) => {
  const header = Buffer.from("header");
  for (const data of [Buffer.alloc(0), Buffer.from("x"), text, randomBytes(100_000), randomBytes(5 * MIB)]) {
    for (const level of LEVELS) {
      const whole = engine.deflate(header, data, level);
      assert.deepEqual(whole.subarray(0, header.length), header);
      const packed = Buffer.from(whole.subarray(header.length));
      assert.deepEqual(inflateRawSync(packed), data);
      assert.deepEqual(engine.inflate(packed, data.length), data);
      // What cannot be packed is stored, in pieces that take a few bytes each.
      assert.ok(packed.length <= data.length + data.length / 1000 + 16, `level ${level}: ${data.length} became ${packed.length}`);
    }
  }
});

testEachEngine("a result is right whatever was packed before it", (engine) => {
  for (const size of [3 * MIB, 10, 5 * MIB, 0, 70_000]) {
    const data = randomBytes(size);
    assert.deepEqual(inflateRawSync(engine.deflate(NO_HEADER, data, 6)), data);
  }
});

testEachEngine("what zlib has packed is unpacked, at every level and strategy", (engine) => {
  const mixed = Buffer.concat([text.subarray(0, 100_000), randomBytes(100_000), Buffer.alloc(100_000)]);
  for (const level of LEVELS) {
    for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_RLE, constants.Z_FIXED]) {
      for (const memLevel of [1, 9]) {
        const packed = deflateRawSync(mixed, { level, strategy, memLevel });
        assert.deepEqual(engine.inflate(packed, mixed.length), mixed);
      }
    }
  }
});

testEachEngine("a program is packed about as small as by zlib, or smaller, at every level", (engine) => {
  const program = readFileSync(process.execPath).subarray(0, 3 * MIB);
  for (const level of LEVELS.slice(1)) {
    const size = engine.deflate(NO_HEADER, program, level).length;
    const zlibs = deflateRawSync(program, { level, memLevel: 8 }).length;
    assert.ok(size <= zlibs * 1.02, `level ${level}: ${size}, zlib ${zlibs}`);
  }
});

test("what is deflated comes back, in memory and through files, at every level", OPTIONS, async (t) => {
  const folder = folderOf(t);
  writeFileSync(`${folder}/plain`, text);
  for (const data of [Buffer.alloc(0), Buffer.from("x"), text]) {
    for (const level of LEVELS) {
      const packed = Buffer.from(deflateBuffer(NO_HEADER, data, level));
      assert.deepEqual(inflateRawSync(packed), data);
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

testEachEngine("another count of bytes than was said is refused, in memory and streamed", async (engine, t) => {
  const folder = folderOf(t);
  const packed = deflateRawSync(text);
  for (const size of [0, 1, text.length - 1, text.length + 1, 2 * text.length]) {
    assert.throws(() => engine.inflate(packed, size), CORRUPT);
    await assert.rejects(inflateWhole(folder, packed, size), CORRUPT);
  }
});

testEachEngine("the most that deflate can grow is unpacked, and a header that says more takes no memory", (engine) => {
  const zeroes = Buffer.alloc(30 * MIB);
  const packed = deflateRawSync(zeroes, { level: 9 });
  assert.ok(zeroes.length / packed.length > 1000);
  assert.ok(engine.inflate(packed, zeroes.length).equals(zeroes));
  const before = process.memoryUsage().arrayBuffers;
  assert.throws(() => engine.inflate(deflateRawSync(Buffer.from("x")), 2 ** 31 - 1), CORRUPT);
  assert.ok(process.memoryUsage().arrayBuffers - before < 100 * MIB);
});

testEachEngine("bytes after the end are refused, in memory and streamed", async (engine, t) => {
  const folder = folderOf(t);
  for (const length of [1, 100, 3 * MIB]) {
    const packed = Buffer.concat([deflateRawSync(text), Buffer.alloc(length)]);
    assert.throws(() => engine.inflate(packed, text.length), CORRUPT);
    await assert.rejects(inflateWhole(folder, packed, text.length), CORRUPT);
  }
});

testEachEngine("an end that comes too early, or damage in the middle", async (engine, t) => {
  const folder = folderOf(t);
  const packed = deflateRawSync(text);
  for (const length of [0, 1, 2, packed.length >> 1, packed.length - 1]) {
    const cut = packed.subarray(0, length);
    assert.throws(() => engine.inflate(cut, text.length), CORRUPT);
    await assert.rejects(inflateWhole(folder, cut, text.length), CORRUPT);
  }
  const broken = Buffer.from(packed);
  broken.fill(0xff, 20, 40);
  assert.throws(() => engine.inflate(broken, text.length), CORRUPT);
  await assert.rejects(inflateWhole(folder, broken, text.length), CORRUPT);
});

testEachEngine("a bomb is stopped at the size that its header says", async (engine, t) => {
  const folder = folderOf(t);
  const bomb = deflateRawSync(Buffer.alloc(400 * MIB), { level: 1 });
  const before = process.memoryUsage().rss;
  const startedAt = Date.now();
  assert.throws(() => engine.inflate(bomb, 1000), CORRUPT);
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
