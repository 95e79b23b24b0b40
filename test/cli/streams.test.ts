/** Pipes that close, signals, and what is left behind. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";

const bench = workbench();
/** Enough to be at work for some seconds. */
const FILES = 100;
const FILE_SIZE = 4 * 1024 * 1024;

before(() => {
  bench.write("tree/file", "content\n");
  bench.ok("init", "--mode=bare-user");
  for (let count = 0; count < 3; count++) bench.ok("commit", "-q", "-b", "main", "tree");
});

test("who reads only the beginning of the output is no error", () => {
  bench.write("wide/file", "content\n");
  for (let count = 0; count < 4000; count++) writeFileSync(bench.at("wide", "a-name-that-is-rather-long-".repeat(4) + count), "");
  bench.ok("commit", "-q", "-b", "wide", "wide");
  for (const command of ["log", "ls -R wide", "ls -R --nul-filenames-only wide", "ls --json wide", "help", "cat main /file"]) {
    const script = `set -o pipefail; "$0" ${command} | true; echo "\${PIPESTATUS[*]}"; "$0" ${command} | head -c 1 > /dev/null`;
    const { stdout, stderr } = bash(script);
    assert.deepEqual({ command, stdout, stderr }, { command, stdout: "0 0\n", stderr: "" });
  }
});

test("a closed stdout doesn't hinder the work", () => {
  const { stderr } = bash('"$0" commit -b piped tree | true; "$0" refs > refs.txt');
  assert.doesNotMatch(stderr, /EPIPE|Error/);
  assert.match(bench.ok("refs"), /^piped$/m);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends a commit with exit code 130 and leaves nothing behind`, async () => {
    makeLargeTree();
    const refs = bench.ok("refs", "-v");
    const objects = countObjects();
    const child = start("commit", "-b", "large", "large");
    await untilStaging(child);
    child.kill(signal);
    const { code, err } = await ended(child);
    assert.equal(code, 130, err);
    assert.match(err, /regrow: Cancelled/);
    assert.deepEqual(readdirSync(bench.at("repo/tmp")), ["cache"]);
    assert.equal(countObjects(), objects);
    assert.equal(bench.ok("refs", "-v"), refs);
  });
}

test("a process that is killed leaves a staging folder, which the next commit removes", async () => {
  makeLargeTree();
  const child = start("commit", "-b", "large", "large");
  await untilStaging(child);
  child.kill("SIGKILL");
  await ended(child);
  assert.ok(readdirSync(bench.at("repo/tmp")).length > 1);
  bench.ok("commit", "-q", "-b", "main", "tree");
  assert.deepEqual(readdirSync(bench.at("repo/tmp")), ["cache"]);
});

test("SIGINT ends a checkout and leaves no half of a folder", async () => {
  makeLargeTree();
  bench.ok("commit", "-q", "-b", "large", "large");
  const child = start("checkout", "--fsync", "large", "out");
  await until(() => child.exitCode !== null || readdirSync(bench.folder).some((name) => name.endsWith(".partial")));
  child.kill("SIGINT");
  const { code } = await ended(child);
  assert.equal(code, 130);
  const left = readdirSync(bench.folder).filter((name) => name === "out" || name.endsWith(".partial"));
  assert.deepEqual(left, []);
});

function start(...args: readonly string[]): ChildProcess {
  return spawn(bench.program, args, { cwd: bench.folder, env: bench.environment, stdio: ["ignore", "pipe", "pipe"] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; err: string }> {
  let err = "";
  child.stderr!.on("data", (piece: Buffer) => (err += piece.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, err };
}

/** Until the child has written objects that are not part of the repository yet. */
function untilStaging(child: ChildProcess): Promise<void> {
  return until(() => {
    assert.equal(child.exitCode, null, "the commit was over before it could be stopped");
    const staging = readdirSync(bench.at("repo/tmp")).find((name) => /^regrow-.*\d$/.test(name));
    return staging !== undefined && readdirSync(bench.at("repo/tmp", staging)).length > 3;
  });
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, "it took too long");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function makeLargeTree(): void {
  mkdirSync(bench.at("large"), { recursive: true });
  if (readdirSync(bench.at("large")).length > 0) return;
  const data = Buffer.alloc(FILE_SIZE, "0123456789abcdef\n");
  for (let index = 0; index < FILES; index++) {
    data.writeUInt32LE(index);
    bench.write(`large/folder-${index}/file`, data);
  }
}

function countObjects(): number {
  return readdirSync(bench.at("repo/objects"), { recursive: true }).length;
}

function bash(script: string): { stdout: string; stderr: string } {
  const options = { cwd: bench.folder, env: bench.environment, encoding: "utf8" } as const;
  const stdout = execFileSync("bash", ["-c", `${script} 2> err.txt`, bench.program], options);
  const stderr = execFileSync("cat", [bench.at("err.txt")], options);
  return { stdout, stderr };
}
