import assert from "node:assert/strict";
import test from "node:test";
import { osTitle, parseOsRelease } from "../../../src/codec/os-release.ts";

test("assignments with and without quotes", () => {
  const values = parseOsRelease(
    `# comment\nID=debian\nNAME="Debian \\"GNU\\" \\$x"\nVERSION='12 (bookworm)'\nnot an assignment\nEMPTY=\n`,
  );
  assert.deepEqual(
    [...values],
    [
      ["ID", "debian"],
      ["NAME", 'Debian "GNU" $x'],
      ["VERSION", "12 (bookworm)"],
      ["EMPTY", ""],
    ],
  );
});

test("a title is always found", () => {
  assert.equal(osTitle(parseOsRelease("ID=a\nNAME=B\nPRETTY_NAME='C 1'\n")), "C 1");
  assert.equal(osTitle(parseOsRelease("ID=a\nNAME=B\n")), "B");
  assert.equal(osTitle(parseOsRelease("ID=a\n")), "a");
  assert.equal(osTitle(parseOsRelease("")), "Linux");
});
