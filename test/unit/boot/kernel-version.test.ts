import assert from "node:assert/strict";
import test from "node:test";
import { compareVersions } from "../../../src/boot/kernel-version.ts";

test("an order of releases, oldest first", () => {
  const ordered = [
    "",
    "5.19.17-2-amd64",
    "6.1~rc1",
    "6.1",
    "6.1-rc3",
    "6.1.0-9-amd64",
    "6.1.0-37-amd64",
    "6.1.0-37-cloud",
    "6.9.1-arch1-1",
    "6.10.0",
    "10.0",
  ];
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) {
      assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} against ${b}`);
    }
  }
});
