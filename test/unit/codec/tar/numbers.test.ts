import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOctal, largestOctal, parseHeaderNumber } from "../../../../src/codec/tar/header-numbers.ts";
import { formatPaxTime, parsePaxTime } from "../../../../src/codec/tar/pax-time.ts";

const HEADER_NUMBERS: readonly (readonly [field: string, value: number | undefined])[] = [
  ["0000644\0", 0o644],
  ["000644 \0", 0o644],
  ["   644 \0", 0o644],
  ["    644 ", 0o644],
  ["\x000000644", 0o644],
  ["77777777", 0o77777777],
  ["00000000000\0", 0],
  ["777777777777", 0o777777777777],
  ["\0\0\0\0\0\0\0\0", 0],
  ["        ", 0],
  ["0000648\0", undefined],
  ["-000644\0", undefined],
  ["0x00644\0", undefined],
  ["garbage\0", undefined],
  ["\x80\0\0\0\0\0\0\x01", 1],
  ["\x80\0\0\0\0\0\0\0\0\0\x01\x00", 256],
  ["\x80\0\0\0\0\x1f\xff\xff\xff\xff\xff\xff", Number.MAX_SAFE_INTEGER],
  ["\x80\0\0\0\0\x20\0\0\0\0\0\0", undefined],
  ["\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", undefined],
  ["\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", -1],
  ["\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", -256],
  ["\xff\xff\xff\xff\xff\xff\xff\xff", -1],
  ["\xc0\0\0\0\0\0\0\0\0\0\0\0", undefined],
];

test("header numbers: octal in all its spellings, binary of both signs, and what is none", () => {
  for (const [field, value] of HEADER_NUMBERS) {
    assert.equal(parseHeaderNumber(Buffer.from(field, "latin1")), value, JSON.stringify(field));
  }
});

test("the largest octal number fits its field, the next one does not", () => {
  for (const width of [8, 12]) {
    assert.equal(formatOctal(largestOctal(width), width).length, width);
    assert.equal(formatOctal(largestOctal(width) + 1, width).length, width + 1);
    assert.equal(parseHeaderNumber(Buffer.from(formatOctal(largestOctal(width), width))), largestOctal(width));
  }
});

const TIMES: readonly (readonly [text: string, seconds: number, nanoseconds: number])[] = [
  ["0", 0, 0],
  ["-0", 0, 0],
  ["1700000000", 1700000000, 0],
  ["1700000000.", 1700000000, 0],
  ["1700000000.5", 1700000000, 500000000],
  ["1.000000001", 1, 1],
  ["1.0000000019", 1, 1],
  ["-1", -1, 0],
  ["-1.5", -2, 500000000],
  ["-0.000000001", -1, 999999999],
  ["-0.0000000001", -1, 999999999],
  ["-1.9999999999", -2, 0],
  ["1e-05", 0, 10000],
  ["-1e-05", -1, 999990000],
  ["1.5e3", 1500, 0],
  ["1.23456e+2", 123, 456000000],
  ["9007199254740991.25", Number.MAX_SAFE_INTEGER, 250000000],
];

test("PAX times are decimal numbers, rounded down, with the exponents that Python writes", () => {
  for (const [text, seconds, nanoseconds] of TIMES) assert.deepEqual(parsePaxTime(text), { seconds, nanoseconds }, text);
});

test("what is no time, or beyond 2^53 seconds, is refused", () => {
  for (const text of [
    "",
    ".",
    ".5",
    "x",
    "1 ",
    " 1",
    "0x10",
    "--1",
    "1e",
    "1e999",
    "9007199254740992",
    "-9007199254740992",
    "nan",
    "1".repeat(65),
  ]) {
    assert.equal(parsePaxTime(text), undefined, text);
  }
});

test("a time is written in its shortest form and means the same", () => {
  const written: readonly (readonly [string, number, number])[] = [
    ["5", 5, 0],
    ["5.5", 5, 500000000],
    ["5.000000001", 5, 1],
    ["-2", -2, 0],
    ["-1.5", -2, 500000000],
    ["-0.5", -1, 500000000],
    ["-0.000000001", -1, 999999999],
  ];
  for (const [text, seconds, nanoseconds] of written) {
    assert.equal(formatPaxTime({ seconds, nanoseconds }), text);
    assert.deepEqual(parsePaxTime(text), { seconds, nanoseconds });
  }
});
