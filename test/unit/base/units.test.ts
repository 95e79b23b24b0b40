import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCount, formatDuration, formatSize, parseSize } from "../../../src/base/units.ts";

test("sizes as people write them", () => {
  const cases: readonly [string, number][] = [
    ["0", 0],
    ["512", 512],
    ["512B", 512],
    ["1K", 1024],
    ["1k", 1024],
    ["512M", 512 * 2 ** 20],
    ["20GiB", 20 * 2 ** 30],
    ["1.5T", 1.5 * 2 ** 40],
    ["100MB", 1e8],
    ["2 GB", 2e9],
    [" 3G ", 3 * 2 ** 30],
  ];
  for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, text);
  for (const text of ["", "G", "-1", "1X", "1.G", "1e3", "0x10", "1 2", "1PB", "NaN", "1iB"]) {
    assert.throws(() => parseSize(text), { code: "usage" }, text);
  }
});

test("sizes, times and counts as people read them", () => {
  const sizes: readonly [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [1449, "1.4 kB"],
    [99_949, "99.9 kB"],
    [99_950, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [1.4e9, "1.4 GB"],
    [5e18, "5000 PB"],
  ];
  for (const [bytes, text] of sizes) assert.equal(formatSize(bytes), text);
  const durations: readonly [number, string][] = [
    [0, "0 ms"],
    [420, "420 ms"],
    [3200, "3.2 s"],
    [999.6, "1.0 s"],
    [59_940, "59.9 s"],
    [59_960, "1 min 0 s"],
    [125_000, "2 min 5 s"],
    [179_700, "3 min 0 s"],
    [3_599_700, "1 h 0 min"],
    [3 * 3_600_000 + 10 * 60_000, "3 h 10 min"],
  ];
  for (const [milliseconds, text] of durations) assert.equal(formatDuration(milliseconds), text);
  assert.equal(formatCount(14_600), "14,600");
});
