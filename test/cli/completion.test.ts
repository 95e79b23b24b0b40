/** What the shells offer, asked of the real shells. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { before, test } from "node:test";
import { COMMANDS } from "../../src/cli/command-table.ts";
import { workbench } from "../support/cli.ts";
import { requires } from "../support/requires.ts";

const bench = workbench();

before(() => {
  bench.write("tree/file", "content\n");
  bench.ok("init", "--mode=bare-user");
  bench.ok("commit", "-q", "-b", "main", "tree");
  bench.ok("-q", "refs", "--create=side/line", "main");
  bench.ok("init", "-q", "--mode=bare-user", "other");
  bench.ok("commit", "-q", "--repo=other", "-b", "elsewhere", "tree");
});

const CASES: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["com"], ["commit", "completion"]],
  [["--rep"], ["--repo="]],
  [["log", "--one"], ["--oneline"]],
  [
    ["log", ""],
    ["main", "side/line"],
  ],
  [["log", "-n", ""], []],
  [["show", "ma"], ["main"]],
  [["show", "main", ""], []],
  [["commit", "-b", "si"], ["side/line"]],
  [["commit", "--branch=si"], ["--branch=side/line"]],
  [["init", "--mode=bare-user-"], ["--mode=bare-user-only"]],
  [["--repo", "other", "log", ""], ["elsewhere"]],
  [["--repo=other", "log", ""], ["elsewhere"]],
  [["--repo=nowhere", "log", ""], []],
  [["ls", "main", ""], []],
  [["ls", "--", "--"], []],
  [["help", "sh"], ["show"]],
  [
    ["completion", ""],
    ["bash", "zsh", "fish"],
  ],
  [["commit", "tr"], [":folder"]],
  [["commit", "--tree=ref=main", "tr"], [":folder"]],
  [["import", ""], [":file"]],
  [["xyzzy", ""], []],
];

test("candidates", () => {
  for (const [words, expected] of CASES) {
    const lines = bench
      .ok("__complete", "fish", ...words)
      .split("\n")
      .filter((line) => line !== "");
    assert.deepEqual({ words, found: lines.map((line) => line.split("\t")[0]) }, { words, found: expected });
  }
  assert.equal(bench.ok("__complete", "zsh", "").split("\n").length, COMMANDS.length);
});

test("bash", () => {
  assert.deepEqual(inBash("com"), ["commit", "completion"]);
  assert.deepEqual(inBash("log", ""), ["main", "side/line"]);
  assert.deepEqual(inBash("--repo", "=", "other", "log", ""), ["elsewhere"]);
  assert.deepEqual(inBash("commit", "--branch", "=", "si"), ["side/line"]);
  assert.deepEqual(inBash("commit", "--branch", "="), ["main", "side/line"]);
  assert.deepEqual(inBash("commit", "--bra"), ["--branch="]);
  assert.deepEqual(inBash("commit", "tr"), ["tree"]);
  assert.deepEqual(inBash("--repo", "=", "ot"), ["other"]);
});

test("fish", (t) => {
  if (!requires(t, { programs: ["fish"] })) return;
  assert.deepEqual(inFish("regrow com"), ["commit", "completion"]);
  assert.deepEqual(inFish("regrow log "), ["main", "side/line"]);
  assert.deepEqual(inFish("regrow commit --branch=si"), ["--branch=side/line"]);
  assert.deepEqual(inFish("regrow commit tre"), ["tree/"]);
  assert.deepEqual(inFish("regrow --repo=oth"), ["--repo=other/"]);
});

test("zsh", (t) => {
  if (!requires(t, { programs: ["zsh"] })) return;
  assert.deepEqual(inZsh("regrow com"), ["commit", "completion"]);
  assert.deepEqual(inZsh("regrow log "), ["main", "side/line"]);
  assert.deepEqual(inZsh("regrow commit --branch=si"), ["--branch=side/line"]);
  assert.deepEqual(inZsh("regrow commit --bra"), ["--branch="]);
  assert.deepEqual(inZsh("regrow --repo=other log else"), ["elsewhere"]);
});

function inBash(...words: readonly string[]): string[] {
  const script = `
source <(regrow completion bash)
compopt() { :; }
COMP_WORDS=(regrow "$@"); COMP_CWORD=$#
_regrow; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return shell("bash", ["-c", script, "bash", ...words]);
}

function inFish(line: string): string[] {
  const found = shell("fish", ["--no-config", "-c", `regrow completion fish | source; complete -C '${line}'`]);
  return found.map((candidate) => candidate.split("\t")[0]!);
}

/** The functions that hand candidates to zsh's line editor say here what they were given. */
function inZsh(line: string): string[] {
  const words = line.split(" ");
  const script = `
_describe() {
  local -a entries; entries=("\${(@P)4}")
  for entry in $entries; do print -r -- "\${entry%%:*}"; done
}
compset() { :; }; compdef() { :; }; _files() { print -r -- :file; }
words=("$@"); CURRENT=$#; PREFIX=$words[-1]
source <(regrow completion zsh)
_regrow`;
  return shell("zsh", ["-f", "-c", script, "zsh", ...words]).sort();
}

function shell(program: string, args: readonly string[]): string[] {
  const path = `${bench.program.replace(/\/[^/]+$/, "")}:${process.env["PATH"]}`;
  const env = { ...bench.environment, PATH: path };
  const out = execFileSync(program, args, { cwd: bench.folder, env, encoding: "utf8" });
  return out.split("\n").filter((line) => line !== "");
}
