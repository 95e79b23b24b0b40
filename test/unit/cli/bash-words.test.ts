import assert from "node:assert/strict";
import { test } from "node:test";
import { joinBashWords } from "../../../src/cli/completion/bash-words.ts";

test("words that bash broke at = and : are whole again", () => {
  const cases: readonly (readonly [readonly string[], readonly string[], number])[] = [
    [["log", "ma"], ["log", "ma"], 0],
    [["--repo", "=", "x", "log", ""], ["--repo=x", "log", ""], 0],
    [["--repo", "=", "x"], ["--repo=x"], 7],
    [["--repo", "="], ["--repo="], 7],
    [["show", "origin", ":", "ma"], ["show", "origin:ma"], 7],
    [["commit", "--tree", "=", "ref", "=", "ma"], ["commit", "--tree=ref=ma"], 11],
    [["="], ["="], 0],
    [[""], [""], 0],
  ];
  for (const [given, words, cut] of cases) assert.deepEqual(joinBashWords(given), { words, cut });
});
