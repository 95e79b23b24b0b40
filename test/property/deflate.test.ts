/**
 * Deflated data that is damaged: whichever engine unpacks it gives what zlib, called here by itself, gives too, or refuses it as
 * `corrupt` where zlib does. And whatever is packed, at whatever level, zlib unpacks.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { RegrowError } from "../../src/base/errors.ts";
import type { DeflateEngine } from "../../src/sys/deflate-engine.ts";
import { libdeflateEngine } from "../../src/sys/libdeflate-engine.ts";
import { zlibEngine } from "../../src/sys/zlib-engine.ts";
import { damagedCopies } from "../support/damage.ts";
import { LIBDEFLATE } from "../support/libdeflate.ts";
import { check, times } from "../support/property.ts";
import { requires } from "../support/requires.ts";

const WORDS = Buffer.from("when the tree was grown, the tree was cut, and regrew from what the root had kept; ".repeat(40));
const ENGINES: readonly (readonly [name: string, engine: () => DeflateEngine | undefined, files: readonly string[]])[] = [
  ["zlib", () => zlibEngine, []],
  ["libdeflate", libdeflateEngine, [LIBDEFLATE]],
];

for (const [name, engineOf, files] of ENGINES) {
  test(`damage is refused or harmless: ${name}`, (t) => {
    if (!requires(t, { files })) return;
    const engine = engineOf()!;
    let refused = 0;
    let read = 0;
    for (const level of [0, 1, 6, 9]) {
      for (const { what, data } of damagedCopies(deflateRawSync(WORDS, { level }), times(1000), level)) {
        const expected = zlibsAnswer(data);
        try {
          assert.deepEqual(engine.inflate(data, WORDS.length), expected, what);
          read++;
        } catch (error) {
          assert.ok(error instanceof RegrowError && error.code === "corrupt", `${what}: ${String(error)}`);
          assert.equal(expected, undefined, `${what} was refused`);
          refused++;
        }
      }
    }
    t.diagnostic(`${refused} refused, ${read} read`);
    assert.ok(refused > 0 && read > 0);
  });

  test(`zlib unpacks what was packed: ${name}`, (t) => {
    if (!requires(t, { files })) return;
    const engine = engineOf()!;
    const bytes = fc.uint8Array({ maxLength: 3000 });
    const data = fc
      .array(
        fc.oneof(
          bytes,
          bytes.map((piece) => repeated(piece, 50)),
        ),
      )
      .map((pieces) => Buffer.concat(pieces));
    const level = fc.integer({ min: 0, max: 9 });
    const packs = fc.property(bytes, data, level, (header, plain, at) => {
      const whole = engine.deflate(Buffer.from(header), plain, at);
      assert.deepEqual(whole.subarray(0, header.length), Buffer.from(header));
      const packed = Buffer.from(whole.subarray(header.length));
      assert.deepEqual(inflateRawSync(packed), plain);
      assert.deepEqual(engine.inflate(packed, plain.length), plain);
    });
    check(t, 100, packs);
  });
}

/** Undefined where it is no whole stream of as many bytes as `WORDS` that ends with the data. */
function zlibsAnswer(data: Buffer): Buffer | undefined {
  try {
    const options = { maxOutputLength: WORDS.length, info: true } as const;
    const answer = inflateRawSync(data, options) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    const isWhole = answer.buffer.length === WORDS.length && answer.engine.bytesWritten === data.length;
    return isWhole ? answer.buffer : undefined;
  } catch {
    return undefined;
  }
}

function repeated(piece: Uint8Array, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => piece));
}
