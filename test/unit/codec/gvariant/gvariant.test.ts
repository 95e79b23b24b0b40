import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeVariant } from "../../../../src/codec/gvariant/decode.ts";
import { encodeVariant } from "../../../../src/codec/gvariant/encode.ts";
import { offsetSize, offsetSizeOfTotal, parseType } from "../../../../src/codec/gvariant/type.ts";
import { type GValue, lookUp } from "../../../../src/codec/gvariant/value.ts";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

/** The examples of the GVariant specification, section 2.5. */
const SPECIFICATION: readonly [what: string, type: string, value: GValue, hex: string][] = [
  ["a string", "s", "hello world", "68 65 6c 6c 6f 20 77 6f 72 6c 64 00"],
  ["a maybe string", "ms", "hello world", "68 65 6c 6c 6f 20 77 6f 72 6c 64 00 00"],
  ["an array of booleans", "ab", [true, false, false, true, true], "01 00 00 01 01"],
  ["a structure", "(si)", ["foo", -1], "66 6f 6f 00 ff ff ff ff 04"],
  [
    "an array of structures",
    "a(si)",
    [
      ["hi", -2],
      ["bye", -1],
    ],
    "68 69 00 00 fe ff ff ff 03 00 00 00 62 79 65 00 ff ff ff ff 04 09 15",
  ],
  [
    "an array of strings",
    "as",
    ["i", "can", "has", "strings?"],
    "69 00 63 61 6e 00 68 61 73 00 73 74 72 69 6e 67 73 3f 00 02 06 0a 13",
  ],
  [
    "a nested structure",
    "((ys)as)",
    [
      [0x69, "can"],
      ["has", "strings?"],
    ],
    "69 63 61 6e 00 68 61 73 00 73 74 72 69 6e 67 73 3f 00 04 0d 05",
  ],
  ["a simple structure", "(yy)", [0x70, 0x80], "70 80"],
  ["a padded structure", "(iy)", [96, 0x70], "60 00 00 00 70 00 00 00"],
  [
    "an array of padded structures",
    "a(iy)",
    [
      [96, 0x70],
      [648, 0xf7],
    ],
    "60 00 00 00 70 00 00 00 88 02 00 00 f7 00 00 00",
  ],
  ["bytes", "ay", Buffer.from([4, 5, 6, 7]), "04 05 06 07"],
  ["an array of integers", "ai", [4, 258], "04 00 00 00 02 01 00 00"],
  ["a dictionary entry", "{si}", ["a key", 514], "61 20 6b 65 79 00 00 00 02 02 00 00 06"],
];

for (const [what, type, value, hex] of SPECIFICATION) {
  test(`the specification's example: ${what}`, () => {
    assert.deepEqual(encodeVariant(type, value), bytes(hex));
    assert.deepEqual(decodeVariant(type, bytes(hex)), value);
  });
}

interface GlibCase {
  readonly type: string;
  readonly text: string;
  /** `{78*250}` stands for 250 times the byte 78. */
  readonly hex: string;
}

test("what GLib writes is read, and written again to the byte", () => {
  const cases = JSON.parse(readFileSync(new URL("glib-cases.json", import.meta.url), "utf8")) as GlibCase[];
  assert.ok(cases.length >= 45, "made by make-glib-cases.py");
  for (const { type, text, hex } of cases) {
    const data = bytes(hex.replace(/\{78\*(\d+)\}/, (_, count: string) => "78".repeat(Number(count))));
    assert.deepEqual(encodeVariant(type, decodeVariant(type, data)), data, `${type} ${text}`);
  }
});

/** What GLib calls not normal, each for one reason. */
const NOT_NORMAL: readonly [reason: string, type: string, hex: string][] = [
  ["a boolean that is 2", "b", "02"],
  ["an integer of three bytes", "i", "000000"],
  ["an empty string without a NUL", "s", ""],
  ["a string without a NUL", "s", "61"],
  ["a string with two", "s", "610000"],
  ["a string that is not UTF-8", "s", "ff00"],
  ["half a surrogate pair", "s", "eda08000"],
  ["a character in too many bytes", "s", "c08000"],
  ["no object path", "o", "6100"],
  ["an object path with an empty piece", "o", "2f2f6100"],
  ["no signature", "g", "7a00"],
  ["a maybe without its end mark", "ms", "7800"],
  ["a maybe of fixed size, too long", "mi", "0000000000"],
  ["a variant without a type", "v", ""],
  ["a variant with an empty type", "v", "0000"],
  ["a variant of two types", "v", "01006969"],
  ["a variant of an indefinite type", "v", "01002a"],
  ["an empty tuple that is not zero", "()", "01"],
  ["padding that is not zero", "(yi)", "01 ff 00 00 02 00 00 00"],
  ["padding at the end that is not zero", "(iy)", "01 00 00 00 02 00 ff 00"],
  ["padding within a variant tuple that is not zero", "(si)", "6100 ff 00 01000000 02"],
  ["an empty container in place of a tuple", "(sas)", ""],
  ["an array's offset beyond its end", "as", "610009"],
  ["an array's offsets that run backwards", "as", "610062000200"],
  ["an array's offsets that are wider than need be", "as", `${"78".repeat(300)}00 2d01 0000`],
  ["an array's table that is not of whole offsets", "as", `${"78".repeat(300)}00 2d01 00`],
  ["a tuple's offset beyond its end", "(ss)", "61006200 09"],
  ["a tuple's last member before its offset", "(sss)", "6100620063000204"],
  ["a tuple with bytes left over", "(si)", "6100000001000000000002"],
  ["a tuple shorter than its offsets", "(sss)", "00"],
  ["a broken member of fixed size", "a(ii)", "00000000000000"],
];

for (const [reason, type, hex] of NOT_NORMAL) {
  test(`refused as corrupt: ${reason}`, () => {
    assert.throws(() => decodeVariant(type, bytes(hex)), { name: "RegrowError", code: "corrupt" });
  });
}

test("types: their alignment and size, and what is none", () => {
  const facts: readonly [string, number, number][] = [
    ["y", 1, 1],
    ["n", 2, 2],
    ["h", 4, 4],
    ["d", 8, 8],
    ["v", 8, 0],
    ["as", 1, 0],
    ["at", 8, 0],
    ["mi", 4, 0],
    ["()", 1, 1],
    ["(yt)", 8, 16],
    ["(yty)", 8, 24],
    ["{ys}", 1, 0],
    ["(a(say)a(sayay))", 1, 0],
    ["(taya{sv})", 8, 0],
  ];
  for (const [type, alignment, fixedSize] of facts) {
    assert.deepEqual([parseType(type).alignment, parseType(type).fixedSize], [alignment, fixedSize], type);
  }
  const none = [
    "",
    "z",
    "ii",
    "a",
    "m",
    "(",
    "(i",
    "i)",
    "{s}",
    "{sss}",
    "{vs}",
    "{(i)s}",
    "a{",
    "*",
    "?",
    "r",
    "a?",
    "i ",
    "mmi",
  ];
  const large = ["a".repeat(80).concat("y"), `(${"y".repeat(200_000)})`, "(".repeat(100_000)];
  for (const type of [...none, ...large]) assert.throws(() => parseType(type), { code: "corrupt" }, type.slice(0, 20));
});

test("framing offsets are as wide as the container needs, on both sides of each limit", () => {
  const cases: readonly [body: number, count: number, width: number][] = [
    [0, 0, 0],
    [0, 1, 1],
    [254, 1, 1],
    [255, 1, 2],
    [250, 5, 1],
    [250, 6, 2],
    [65533, 1, 2],
    [65534, 1, 4],
    [65531, 2, 2],
    [65532, 2, 4],
    [2 ** 32 - 5, 1, 4],
    [2 ** 32 - 4, 1, 8],
  ];
  for (const [body, count, width] of cases) {
    assert.equal(offsetSize(body, count), width, `${body} ${count}`);
    assert.equal(offsetSizeOfTotal(body + count * width), count === 0 ? 0 : width, `${body} ${count}`);
  }
});

test("a variant inside a variant is read to a limit and no further", () => {
  const nested = (depth: number): Buffer => bytes(`01 00 79 ${"0076".repeat(depth)}`);
  let value = decodeVariant("v", nested(50)) as { type: string; value: GValue };
  for (let depth = 0; depth < 50; depth++) value = value.value as typeof value;
  assert.deepEqual(value, { type: "y", value: 1 });
  assert.throws(() => decodeVariant("v", nested(5000)), { code: "corrupt", message: /nested too deeply/ });
});

test("more values than any object holds are refused before they fill the memory", () => {
  const before = process.memoryUsage().rss;
  const many = Buffer.alloc(48 * 2 ** 20);
  const startedAt = Date.now();
  for (const type of ["ab", "a()", "aay", "a(yy)", "aas"]) assert.throws(() => decodeVariant(type, many), { code: "corrupt" });
  assert.ok(process.memoryUsage().rss - before < 1.2 * 2 ** 30);
  assert.ok(Date.now() - startedAt < 20_000);
});

test("a value that does not fit its type is the caller's mistake", () => {
  const cases: readonly [string, unknown][] = [
    ["y", 256],
    ["y", -1],
    ["u", -1],
    ["t", 1],
    ["x", 2n ** 63n],
    ["s", "a\0b"],
    ["s", "\ud800"],
    ["s", 5],
    ["as", "text"],
    ["ay", 5],
    ["(ii)", [1]],
    ["(ii)", 1],
    ["b", 1],
    ["i", 1n],
    ["v", 1],
    ["v", undefined],
    ["v", { type: "i", value: "x" }],
  ];
  for (const [type, value] of cases) {
    assert.throws(() => encodeVariant(type, value as GValue), { name: "RegrowError", code: "usage" }, `${type} ${String(value)}`);
  }
});

test("a dictionary is asked by key and type; of two entries the first counts", () => {
  const dictionary = [
    ["a", { type: "s", value: "one" }],
    ["b", { type: "i", value: 2 }],
    ["a", { type: "i", value: 3 }],
  ] as const;
  assert.equal(lookUp(dictionary, "a", "s"), "one");
  assert.equal(lookUp(dictionary, "a", "i"), undefined);
  assert.equal(lookUp(dictionary, "c", "s"), undefined);
});
