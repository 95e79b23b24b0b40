/** On a terminal: questions, the progress bar, Ctrl-C. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";
import { requires } from "../support/requires.ts";
import { type Key, type OnTerminal, onTerminal } from "../support/terminal.ts";

const bench = workbench();
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

before(() => {
  bench.write("tree/file", "content\n");
  bench.ok("init", "--mode=bare-user");
  bench.ok("commit", "-q", "-b", "main", "tree");
  bench.ok("refs", "-q", "--create=other", "main");
});

test("a question is answered with yes, no, Ctrl-C or the end of the input", (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  const answers: readonly (readonly [string, number, RegExp])[] = [
    ["n\n", 14, /regrow: Declined: nothing was changed\./],
    ["\n", 14, /regrow: Declined/],
    ["yellow\n", 14, /regrow: Declined/],
    [CTRL_D, 14, /regrow: Declined/],
    [CTRL_C, 130, /regrow: Cancelled\./],
  ];
  for (const [press, code, pattern] of answers) {
    const ran = run(["refs", "--delete", "other"], { appears: "[y/N] ", press });
    assert.equal(ran.code, code, ran.screen);
    assert.match(ran.screen, /Delete this ref\? \[y\/N\] /);
    assert.match(ran.screen, pattern);
    assert.equal(bench.ok("refs"), "main\nother");
  }
  assert.equal(run(["refs", "--delete", "other"], { appears: "[y/N] ", press: "y\n" }).code, 0);
  assert.equal(bench.ok("refs"), "main");
});

test("what takes longer than a second shows how far it is, on one line that goes away", (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  makeLargeTree();
  const ran = run(["commit", "-b", "large", "large"]);
  assert.equal(ran.code, 0);
  assert.match(ran.screen, /\r\u001b\[K(scan {2}\d+ {2}[\d.]+ [kMG]B|write {2}\[#+)/);
  assert.match(ran.screen, /\r\u001b\[K81 files in 1 folder[^\u001b]*\r\n[0-9a-f]{64}\r\n$/);
  const quick = run(["commit", "-b", "main", "tree"]);
  assert.doesNotMatch(quick.screen, /\u001b/);
});

test("without a terminal progress is a line now and then, with --quiet there is none", () => {
  makeLargeTree();
  const lines = bench.regrow("commit", "--orphan", "--no-xattrs", "large").err.split("\n");
  assert.ok(lines.filter((line) => line.startsWith("scan ")).length <= 1);
  assert.equal(bench.regrow("commit", "-q", "--orphan", "--owner-uid=1", "large").err, "");
});

test("Ctrl-C stops a commit", (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  makeLargeTree();
  const ran = run(["commit", "--orphan", "--owner-uid=2", "large"], { appears: "scan", press: CTRL_C });
  assert.equal(ran.code, 130, ran.screen);
});

function run(args: readonly string[], ...keys: readonly Key[]): OnTerminal {
  const env = { ...bench.environment, TERM: "xterm", COLUMNS: "80" };
  return onTerminal({ program: bench.program, args, cwd: bench.folder, env, keys });
}

let isMade = false;

/** Long enough to be read in more than a second, in files that share nothing. */
function makeLargeTree(): void {
  if (isMade) return;
  const data = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef\n");
  bench.write("large/first", "");
  for (let index = 0; index < 80; index++) {
    data.writeUInt32LE(index);
    writeFileSync(bench.at("large", `file-${index}`), data);
  }
  isMade = true;
}
