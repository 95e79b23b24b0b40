import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../src/cli/suggest.ts";

const COMMANDS = ["commit", "checkout", "log", "ls", "cat", "diff", "show"];

test("the nearest word, by typing mistakes", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["comit", "commit"],
    ["commmit", "commit"],
    ["ocmmit", "commit"],
    ["comm", "commit"],
    ["chekout", "checkout"],
    ["shwo", "show"],
    ["sl", "ls"],
    ["lgo", "log"],
    ["x", undefined],
    ["xyzzy", undefined],
    ["", undefined],
  ];
  for (const [word, expected] of cases) assert.equal(nearest(word, COMMANDS), expected, word);
});
