/**
 * GVariant: every value comes back as it was written, bytes have one reading and a value one form, and on what is
 * normal form at all this codec and GLib agree, for well-formed, damaged and random bytes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RegrowError } from "../../src/base/errors.ts";
import { decodeVariant } from "../../src/codec/gvariant/decode.ts";
import { encodeVariant } from "../../src/codec/gvariant/encode.ts";
import { parseType } from "../../src/codec/gvariant/type.ts";
import type { GValue } from "../../src/codec/gvariant/value.ts";
import { GLIB_NEEDS, type TypedBytes, judgeByGlib } from "../support/glib.ts";
import { check, seed, times } from "../support/property.ts";
import { requires } from "../support/requires.ts";
import { tally } from "../support/tally.ts";

interface Typed {
  readonly type: string;
  readonly value: GValue;
}

const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((value) => !value.includes("\0"));
const longText = fc.integer({ min: 240, max: 270 }).map((length) => "n".repeat(length));
const BASIC: Record<string, fc.Arbitrary<GValue>> = {
  y: fc.integer({ min: 0, max: 255 }),
  b: fc.boolean(),
  n: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
  q: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  i: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  u: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  x: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  t: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  d: fc.double({ noNaN: true }),
  s: fc.oneof({ weight: 9, arbitrary: text }, longText),
  o: fc.constantFrom("/", "/a", "/org/x_1"),
  g: fc.constantFrom("", "a{sv}", "ii(s)"),
};
const basicType = fc.constantFrom(...Object.keys(BASIC));

const { type: typeArbitrary } = fc.letrec<{ type: string; member: string }>((tie) => ({
  member: fc.oneof({ weight: 3, arbitrary: basicType }, fc.constant("v"), tie("type")),
  type: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    basicType,
    fc.constantFrom("v", "ay", "aay", "()"),
    tie("member").map((element) => `a${element}`),
    tie("member").map((element) => (element.startsWith("m") ? element : `m${element}`)),
    fc.array(tie("member"), { minLength: 1, maxLength: 4 }).map((members) => `(${members.join("")})`),
    fc.tuple(basicType, tie("member")).map(([key, value]) => `{${key}${value}}`),
  ),
}));

function valueOf(type: string): fc.Arbitrary<GValue> {
  const { kind, members } = parseType(type);
  if (kind in BASIC) return BASIC[kind]!;
  if (kind === "v") return boxed;
  if (type === "ay") return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  if (kind === "array") return fc.array(valueOf(type.slice(1)), { maxLength: 6 });
  if (kind === "maybe") return fc.option(valueOf(type.slice(1)), { nil: undefined });
  return fc.tuple(...splitMembers(type.slice(1, -1), members.length).map(valueOf)) as fc.Arbitrary<GValue>;
}

const boxed: fc.Arbitrary<GValue> = fc
  .constantFrom("s", "i", "ay", "as", "(yt)", "(ss)", "a{ss}", "ms", "()")
  .chain((type) => valueOf(type).map((value) => ({ type, value })));

function splitMembers(text: string, count: number): string[] {
  const members: string[] = [];
  for (let start = 0; members.length < count;) {
    let end = start + 1;
    while (!isType(text.slice(start, end))) end++;
    members.push(text.slice(start, end));
    start = end;
  }
  return members;
}

function isType(text: string): boolean {
  try {
    parseType(text);
    return true;
  } catch (error) {
    if (error instanceof RegrowError) return false;
    throw error;
  }
}

const typed: fc.Arbitrary<Typed> = typeArbitrary.chain((type) => valueOf(type).map((value) => ({ type, value })));

test("a value comes back as it was written", (t) => {
  check(
    t,
    1500,
    fc.property(typed, ({ type, value }) => {
      assert.deepEqual(decodeVariant(type, encodeVariant(type, value)), value);
    }),
  );
});

/** Bytes for `type`: as they should be, or with a few bytes changed, cut, doubled or put in. */
const damaged: fc.Arbitrary<TypedBytes> = typed.chain(({ type, value }) => {
  const data = encodeVariant(type, value);
  const at = fc.nat({ max: Math.max(0, data.length - 1) });
  const byte = fc.oneof(fc.constantFrom(0, 1, 2, 0xff), fc.integer({ min: 0, max: 255 }));
  return fc.oneof(
    fc.constant({ type, data }),
    fc.tuple(at, byte).map(([index, code]) => ({ type, data: replaced(data, index, index + 1, [code]) })),
    fc.tuple(at, byte).map(([index, code]) => ({ type, data: replaced(data, index, index, [code]) })),
    fc.tuple(at, at).map(([a, b]) => ({ type, data: replaced(data, Math.min(a, b), Math.max(a, b), []) })),
    at.map((end) => ({ type, data: data.subarray(0, end) })),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => ({ type, data: Buffer.from(bytes) })),
  );
});

function replaced(data: Buffer, start: number, end: number, by: readonly number[]): Buffer {
  return Buffer.concat([data.subarray(0, start), Buffer.from(by), data.subarray(end)]);
}

test("what is read at all is written again to the byte; all else is corrupt", (t) => {
  let read = 0;
  let refused = 0;
  check(
    t,
    4000,
    fc.property(damaged, ({ type, data }) => {
      const value = valueIn(type, data);
      if (value === undefined) refused++;
      else {
        read++;
        assert.deepEqual(encodeVariant(type, value.value), data);
      }
    }),
  );
  t.diagnostic(`${read} read, ${refused} refused`);
  assert.ok(read > 500 && refused > 500);
});

test("GLib and this codec agree on what is normal form", (t) => {
  if (!requires(t, GLIB_NEEDS)) return;
  const samples = fc.sample(damaged, { numRuns: times(6000), seed });
  const verdicts = judgeByGlib(samples);
  const counts = { normal: 0, other: 0, invalid: 0 };
  for (const [index, { type, data }] of samples.entries()) {
    const verdict = verdicts[index]!;
    counts[verdict]++;
    const isRead = valueIn(type, data) !== undefined;
    // GLib lets nothing at all pass for a tuple whose framing would need bytes; the same value has a form with them.
    if (data.length === 0 && verdict === "normal" && !isRead) continue;
    assert.equal(isRead, verdict === "normal", `${type} ${data.toString("hex")}: GLib says ${verdict}`);
  }
  t.diagnostic(`seed ${seed} (FC_SEED), normal: ${counts.normal}, other: ${counts.other}`);
  tally("damaged inputs", "GVariant", samples.length);
  assert.ok(counts.normal > 500 && counts.other > 500 && counts.invalid === 0);
});

test("GLib and this codec agree on what is a type", (t) => {
  if (!requires(t, GLIB_NEEDS)) return;
  const letters = fc.constantFrom(...Array.from("ybnqiuxtdhsogvam(){}?*rz"));
  const samples = fc.sample(fc.array(letters, { maxLength: 7 }), { numRuns: times(4000), seed });
  const types = samples.map((sample) => sample.join("")).filter((type) => !/[?*r]|mm/.test(type));
  const verdicts = judgeByGlib(types.map((type) => ({ type, data: Buffer.alloc(0) })));
  for (const [index, type] of types.entries()) assert.equal(isType(type), verdicts[index] !== "invalid", type);
});

function valueIn(type: string, data: Buffer): { value: GValue } | undefined {
  try {
    return { value: decodeVariant(type, data) };
  } catch (error) {
    if (error instanceof RegrowError && error.code === "corrupt") return undefined;
    throw error;
  }
}
