import assert from "node:assert/strict";
import { test } from "node:test";
import { type ProgressSample, progressLine } from "../../../src/cli/render/progress-line.ts";

const NONE: ProgressSample = { phase: "scan", done: 0, total: 0, bytes: 0, totalBytes: 0, seconds: 0 };

test("what is known is shown, and nothing else", () => {
  assert.equal(progressLine(NONE), "scan");
  assert.equal(progressLine({ ...NONE, done: 1200, bytes: 5_000_000, seconds: 0.5 }), "scan  1,200  5.0 MB");
  assert.equal(progressLine({ ...NONE, done: 1200, bytes: 5_000_000, seconds: 2 }), "scan  1,200  5.0 MB  2.5 MB/s");
});

test("with a total there is a bar, after some seconds the time that is left", () => {
  const half = { ...NONE, done: 5, total: 10, seconds: 1 };
  assert.equal(progressLine(half), "scan  [##########----------] 50 %  5 of 10");
  assert.equal(progressLine({ ...half, seconds: 10 }), "scan  [##########----------] 50 %  5 of 10  10.0 s left");
});

test("bytes tell more than items", () => {
  const line = progressLine({ ...NONE, done: 1, total: 10, bytes: 900, totalBytes: 1000, seconds: 1 });
  assert.equal(line, "scan  [##################--] 90 %  1 of 10  900 B of 1.0 kB  900 B/s");
});

test("it is never wider than the terminal, nor beyond its end", () => {
  const sample = { ...NONE, done: 2000, total: 1000, bytes: 3000, totalBytes: 1000, seconds: 5 };
  assert.match(progressLine(sample), /^scan {2}\[#{20}\] 100 % /);
  for (let columns = 1; columns < 100; columns++) assert.ok(progressLine(sample, columns).length < columns);
  assert.equal(progressLine(NONE, 0), "scan");
});
