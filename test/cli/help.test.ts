/** The help says what there is, and nothing else. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { EXIT } from "../../src/base/exit-codes.ts";
import { COMMANDS } from "../../src/cli/command-table.ts";
import { GLOBAL_OPTIONS } from "../../src/cli/global-options.ts";
import { workbench } from "../support/cli.ts";

const bench = workbench();
const folder = path.join(import.meta.dirname, "../../src/cli/commands");

test("each file of src/cli/commands is a command of the table, and the other way round", () => {
  const files = readdirSync(folder).map((name) => name.replace(/\.ts$/, ""));
  assert.deepEqual(files.sort(), COMMANDS.map(({ name }) => name).sort());
});

test("the screen lists exactly the commands that exist", () => {
  const screen = bench.ok("help");
  const listed = COMMANDS.filter(({ group }) => group !== "Beside").map(({ name }) => name);
  const body = screen.slice(screen.indexOf("\n\n"), screen.indexOf("\n\nCOMMIT:"));
  const found = body.split("\n").flatMap((line) => wordsOfLine(line));
  assert.deepEqual(found.sort(), listed.sort());
  for (const { name, group } of COMMANDS) if (group === "Beside") assert.match(screen, new RegExp(`regrow ${name}\\b`));
  assert.equal(bench.ok(), screen);
  assert.equal(bench.ok("--help"), screen);
  assert.equal(bench.ok("-h"), screen);
});

test("the screen fits on a terminal of 80 columns and 50 lines", () => {
  const lines = bench.ok("help").split("\n");
  assert.ok(lines.length <= 50);
  for (const line of lines) assert.ok(line.length <= 80, line);
});

for (const { name, load } of COMMANDS) {
  test(`the help of ${name} has its options, arguments, examples and exit codes`, async () => {
    const command = await load();
    const text = bench.ok("help", name);
    assert.match(text, new RegExp(`^regrow ${name}: .+\n\nUsage\n  regrow ${name}`));
    const refused = command.dryRun === "refuses" ? "dry-run" : undefined;
    for (const { long } of [...command.options, ...GLOBAL_OPTIONS]) {
      if (long === refused) assert.doesNotMatch(text, /--dry-run {2}/, "what it refuses is not offered");
      else assert.match(text, new RegExp(`--${long}\\b`));
    }
    for (const argument of command.arguments) assert.match(text, new RegExp(`\n  ${argument.name} `));
    assert.ok(command.examples.length > 0);
    for (const { line } of command.examples) assert.ok(text.includes(line));
    for (const code of [EXIT.done, EXIT.failure, EXIT.usage, EXIT.cancelled, ...command.exitCodes]) {
      assert.match(text, new RegExp(`\n  ${code} `));
    }
    const shorts = command.options.map(({ short }) => short).filter((short) => short !== undefined);
    assert.equal(new Set(shorts).size, shorts.length);
  });
}

test("the help of a command can be asked for in four ways", () => {
  const text = bench.ok("help", "tag");
  for (const args of [
    ["tag", "--help"],
    ["tag", "-h"],
    ["--help", "tag"],
    ["-q", "tag", "x", "--help", "--force"],
  ]) {
    assert.equal(bench.ok(...args), text);
  }
});

test("what is no command gets a suggestion and exit code 2", () => {
  assert.deepEqual(bench.regrow("comit"), {
    code: 2,
    out: "",
    err: "regrow: comit: no such command.\nhint: Did you mean `regrow commit`?\n",
  });
  assert.match(bench.regrow("help", "shwo").err, /Did you mean `regrow show`\?/);
  assert.match(bench.regrow("xyzzy").err, /See `regrow help`/);
});

/** A line of a group has either one command and its summary, or many commands. */
function wordsOfLine(line: string): string[] {
  const words = line.trim().split(" ");
  const names = COMMANDS.map(({ name }) => name);
  if (!line.startsWith("  ")) return [];
  return /^ {2}\S+( \S+)*$/.test(line) && words.every((word) => names.includes(word)) ? words : words.slice(0, 1);
}
