/** On a terminal: questions, the progress bar, Ctrl-C. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
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
  const ran = slowImport(":");
  assert.match(ran.screen, /\r\u001b\[Kimport {2}[\d,]+ {2}[\d.]+ [kMG]B/);
  assert.match(ran.screen, /\r\u001b\[K3,000 files in 2 folders[^\u001b]*\r\n[0-9a-f]{64}\r\ncode 0\r\n$/);
  const quick = run(["commit", "-b", "main", "tree"]);
  assert.doesNotMatch(quick.screen, /\u001b/);
});

test("Ctrl-C stops what waits for more", (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  const ran = slowImport("echo waiting > /dev/tty; sleep 5", { appears: "waiting", press: CTRL_C });
  assert.match(ran.screen, /\^C[^\n]*regrow: Cancelled\.\r\ncode 130\r\n$/);
});

test("without a terminal, and with --quiet, a short work says nothing on the way", () => {
  const lines = bench.regrow("commit", "--orphan", "tree").err.trimEnd().split("\n");
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^1 file in 1 folder/);
  assert.equal(bench.regrow("commit", "-q", "--orphan", "tree").err, "");
});

function run(args: readonly string[], ...keys: readonly Key[]): OnTerminal {
  return onTerminal({ program: bench.program, args, cwd: bench.folder, env: terminalEnvironment(), keys });
}

/** An archive that comes in three parts: a pause of more than a second, and `between` before the last. */
function slowImport(between: string, ...keys: readonly Key[]): OnTerminal {
  if (!existsSync(bench.at("many.tar"))) {
    for (let index = 0; index < 3000; index++) bench.write(`many/folder/file-${index}`, String(index));
    bench.ok("commit", "-q", "-b", "many", "many");
    bench.ok("export", "-q", "many", "many.tar");
  }
  const parts = `head -c 9999 many.tar; sleep 1.5; tail -c +10000 many.tar | head -c 2000000; ${between}; tail -c +2010000 many.tar`;
  const script = `trap : INT; (${parts}) 2> /dev/null | "$0" import -b slow -; echo "code \${PIPESTATUS[1]}"`;
  const args = ["-c", script, bench.program];
  return onTerminal({ program: "/bin/bash", args, cwd: bench.folder, env: terminalEnvironment(), keys });
}

function terminalEnvironment(): NodeJS.ProcessEnv {
  return { ...bench.environment, TERM: "xterm", COLUMNS: "80" };
}
