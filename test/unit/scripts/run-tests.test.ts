/** The runner counts leaf tests, and nothing that goes wrong in a test file is lost. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";

const root = path.join(import.meta.dirname, "../../..");
const HEAD = `import { describe, test, before } from "node:test";\nimport assert from "node:assert/strict";\n`;

test("leaf tests count, suites and parents don't", (t) => {
  const { status, output, lastLine } = runTests(t, {
    "unit/nested.test.ts": `${HEAD}
      describe("suite", () => {
        test("one", () => {});
        describe("inner", () => { test("two", () => {}); });
      });
      test("parent", async (t) => { await t.test("three", () => {}); await t.test("four", () => {}); });
      test("five", () => {});`,
  });
  assert.deepEqual([status, lastLine], [0, "5 passed, 0 failed, 0 skipped"], output);
  assert.match(output, /suite > inner > two \(test\/unit\/nested.test.ts:\d+\)/);
  assert.match(output, /s {2}parent > four \(/);
});

test("every way to fail is a failure, shown in full", (t) => {
  const { status, output, lastLine } = runTests(t, {
    "unit/assert.test.ts": `${HEAD} console.log("seed 4711"); test("outer", async (t) => { await t.test("sum", () => { assert.equal(1 + 1, 3); }); });`,
    "unit/parent.test.ts": `${HEAD} test("late", async (t) => { await t.test("fine", () => {}); throw new Error("after its subtests"); });`,
    "unit/hook.test.ts": `${HEAD} describe("hooked", () => { before(() => { throw new Error("no hook"); }); test("never", () => {}); });`,
    "unit/import.test.ts": `import "./nowhere.ts";`,
    "unit/empty.test.ts": `export {};`,
    "unit/crash.test.ts": `${HEAD} test("quick", () => {}); test("crash", () => { process.kill(process.pid, "SIGKILL"); });`,
    "vm/heavy.test.ts": `${HEAD} test("heavy", () => {});`,
  });
  assert.equal(status, 1);
  assert.match(output, /outer > sum \(test\/unit\/assert.test.ts:\d+\)\n(.*\n)*? +2 !== 3/);
  assert.match(output, /Output of test\/unit\/assert.test.ts:\nseed 4711/);
  for (const text of ["after its subtests", "no hook", "nowhere.ts", "The file holds no test", "crash.test.ts"]) {
    assert.ok(output.slice(output.indexOf("Failed:")).includes(text), `${text} in\n${output}`);
  }
  const [, passed, failed] = /^(\d+) passed, (\d+) failed, 0 skipped$/.exec(lastLine)!;
  assert.ok(Number(passed) >= 2 && Number(failed) >= 6, lastLine);
});

test("a skipped test is named with what it lacks, and fails the run with CI=true", (t) => {
  const files = { "unit/skip.test.ts": `${HEAD} test("disk", (t) => t.skip("needs root")); test("plain", () => {});` };
  const relaxed = runTests(t, files);
  assert.deepEqual([relaxed.status, relaxed.lastLine], [0, "1 passed, 0 failed, 1 skipped"]);
  assert.match(relaxed.output, /Skipped:\n {2}disk \(test\/unit\/skip.test.ts:\d+\): needs root/);
  const strict = runTests(t, files, { CI: "true" });
  assert.deepEqual([strict.status, strict.lastLine], [1, "1 passed, 0 failed, 1 skipped"]);
});

test("filters choose files; a filter that matches nothing is an error", (t) => {
  const files = { "unit/a.test.ts": `${HEAD} test("a", () => {});`, "unit/b.test.ts": `${HEAD} test("b", () => {});` };
  assert.equal(runTests(t, files, {}, ["unit/b"]).lastLine, "1 passed, 0 failed, 0 skipped");
  assert.equal(runTests(t, files, {}, ["unit/c"]).status, 1);
});

test("what the tests started ends with them", async (t) => {
  const folder = folderWith(t, {
    "unit/long.test.ts": `${HEAD}
      import { spawn } from "node:child_process";
      import { renameSync, writeFileSync } from "node:fs";
      test("long", async () => {
        const child = spawn("sleep", ["300"]);
        writeFileSync("pid.tmp", String(child.pid));
        renameSync("pid.tmp", "pid");
        await new Promise((resolve) => child.on("exit", resolve));
      });`,
  });
  const runner = spawn(process.execPath, [path.join(root, "scripts/test.mjs")], { env: environment(folder), stdio: "ignore" });
  const pidFile = path.join(folder, "pid");
  while (!existsSync(pidFile)) await new Promise((resolve) => setTimeout(resolve, 20));
  const sleeper = Number(readFileSync(pidFile, "utf8"));
  assert.equal(isRunning(sleeper), true);
  runner.kill("SIGTERM");
  assert.deepEqual(await once(runner, "exit"), [143, null]);
  for (let tries = 0; isRunning(sleeper) && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isRunning(sleeper), false);
});

interface Outcome {
  readonly status: number | null;
  readonly output: string;
  readonly lastLine: string;
}

function runTests(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  more: NodeJS.ProcessEnv = {},
  args: string[] = [],
): Outcome {
  const env = { ...environment(folderWith(t, files)), ...more };
  const runner = path.join(root, "scripts/run-tests.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...args], { encoding: "utf8", env, timeout: 60_000 });
  return { status, output: stdout + stderr, lastLine: stdout.trimEnd().split("\n").at(-1)! };
}

function environment(folder: string): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _context, CI: _ci, ...rest } = process.env;
  return { ...rest, REGROW_TEST_ROOT: folder, REGROW_NO_INSTALL: "1" };
}

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "regrow-runner-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, "test", name)), { recursive: true });
    writeFileSync(path.join(folder, "test", name), text);
  }
  return folder;
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
