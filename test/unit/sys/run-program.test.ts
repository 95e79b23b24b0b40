import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { CWD, O, closeFd, openAt } from "../../../src/sys/open.ts";
import { findProgram, requireProgram } from "../../../src/sys/program-packages.ts";
import { runProgram, startProgram } from "../../../src/sys/run-program.ts";

const sh = (script: string, ...rest: readonly string[]) =>
  ({ program: "sh", args: ["-c", script, "sh", ...rest], effect: "read" }) as const;

test("input goes in, output comes out, arguments reach no shell", async () => {
  const input = Buffer.from([0, 255, 10, 128]);
  const { stdout, exitCode } = await runProgram({ program: "cat", args: [], effect: "read" }, input);
  assert.deepEqual([stdout, exitCode], [input, 0]);
  const echoed = await runProgram({ program: "printf", args: ["%s|", "a b", "$(id)", "*", "; ls"], effect: "read" });
  assert.equal(echoed.stdout.toString(), "a b|$(id)|*|; ls|");
});

test("large input and output pass, and input that the program doesn't read is no failure", async () => {
  const large = Buffer.alloc(3 << 20, "x");
  const { stdout } = await runProgram({ program: "cat", args: [], effect: "read" }, large);
  assert.equal(stdout.length, large.length);
  assert.equal((await runProgram(sh("exit 0"), large)).exitCode, 0);
});

test("a failure says the exit code and the last lines of stderr; an expected code is an answer", async () => {
  const script = "for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 3";
  await assert.rejects(runProgram(sh(script)), {
    code: "program-failed",
    message: /sh failed with exit code 3: line 3\nline 4\n.*line 7$/s,
  });
  assert.equal((await runProgram({ ...sh(script), answers: [3] })).exitCode, 3);
  await assert.rejects(runProgram(sh("echo 'write: No space left on device' >&2; exit 1")), { code: "no-space" });
  await assert.rejects(runProgram(sh("kill -9 $$")), { code: "program-failed", message: /SIGKILL/ });
});

test("a missing program is named with its Debian package", async () => {
  await assert.rejects(runProgram({ program: "/nonexistent/tool", args: [], effect: "read" }), { code: "missing-program" });
  const path = process.env["PATH"];
  assert.equal(findProgram("no-such-program-here"), undefined);
  assert.throws(() => requireProgram("no-such-program-here"), {
    code: "missing-program",
    exitCode: 15,
    hint: /apt install no-such-program-here/,
  });
  process.env["PATH"] = "/nonexistent";
  try {
    assert.match(findProgram("sh") ?? "", /bin\/sh$/, "system folders are searched even if PATH leaves them out");
  } finally {
    process.env["PATH"] = path;
  }
});

test("a raised signal stops the program, and keeps another from starting", async () => {
  const controller = new AbortController();
  const running = runProgram({ ...sh("sleep 60"), signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  const began = Date.now();
  await assert.rejects(running, { code: "cancelled", exitCode: 130 });
  assert(Date.now() - began < 4000);
  assert.throws(() => startProgram({ ...sh("exit 0"), signal: controller.signal }), { code: "cancelled" });
});

test("a program runs in an open folder, in the C locale", async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "regrow-run-")));
  t.after(() => rmSync(folder, { recursive: true }));
  const fd = openAt(CWD, folder, O.RDONLY | O.DIRECTORY);
  try {
    const { stdout } = await runProgram({ ...sh('pwd; echo "$LC_ALL $MORE"'), folderFd: fd, environment: { MORE: "more" } });
    assert.equal(stdout.toString(), `${folder}\nC more\n`);
  } finally {
    closeFd(fd);
  }
});

test("streams: output can be read while input is still written", async () => {
  const running = startProgram({ program: "cat", args: [], effect: "read" });
  const read = running.stdout[Symbol.asyncIterator]();
  for (const word of ["one", "two"]) {
    running.stdin.write(word);
    assert.equal(String((await read.next()).value), word);
  }
  running.stdin.end();
  assert.equal((await read.next()).done, true);
  assert.equal((await running.finished).exitCode, 0);
});
