import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ByteString,
  bufferOf,
  bytesFromBuffer,
  bytesOf,
  displayBytes,
  isUtf8,
  joinBytes,
} from "../../../src/base/byte-string.ts";

const b = (text: string): ByteString => text as ByteString;

test("text becomes bytes and comes back", () => {
  assert.equal(bytesOf("grün"), "gr\xc3\xbcn");
  assert.equal(bytesOf("😀"), "\xf0\x9f\x98\x80");
  assert.deepEqual(bufferOf(b("\xff\x00a")), Buffer.from([255, 0, 97]));
  assert.equal(bytesFromBuffer(Buffer.from([1, 255, 97, 98]), 1, 3), "\xffa");
  assert.equal(bytesFromBuffer(new Uint8Array([200, 201])), "\xc8\xc9");
});

test("they sort as bytes, not as letters", () => {
  const names = ["ü", "z", "Z", "a", "é"].map(bytesOf);
  assert.deepEqual(
    names.toSorted((x, y) => (x < y ? -1 : 1)),
    names.toSorted((x, y) => Buffer.compare(bufferOf(x), bufferOf(y))),
  );
});

test("paths are joined with one slash", () => {
  assert.equal(joinBytes(b(""), b("a")), "a");
  assert.equal(joinBytes(b("a"), b("")), "a");
  assert.equal(joinBytes(b("a/b"), b("c")), "a/b/c");
});

test("what is UTF-8", () => {
  for (const text of ["", "plain", bytesOf("grün"), bytesOf("😀"), "\xef\xbf\xbf", "\xef\xbb\xbf"])
    assert.ok(isUtf8(b(text)), text);
  for (const text of ["\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\x80"]) assert.ok(!isUtf8(b(text)), text);
});

test("on show, nothing reaches the terminal that could control it", () => {
  const cases: readonly [string, string][] = [
    ["plain name.txt", "plain name.txt"],
    [bytesOf("grün"), "grün"],
    ["a\nb\tc", "a\\nb\\tc"],
    ["a\\b", "a\\\\b"],
    ["\x1b[31m", "\\x1b[31m"],
    ["\x7f", "\\x7f"],
    [bytesOf("\u009b"), "\\x9b"],
    [bytesOf("\u202etxt.exe"), "\\u202etxt.exe"],
    ["bad\xff", "bad\\xff"],
    ["\xff\n", "\\xff\\n"],
  ];
  for (const [bytes, shown] of cases) assert.equal(displayBytes(b(bytes)), shown);
});
