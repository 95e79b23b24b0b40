/** Locks: the kind that ostree takes, seen by it and by us, and gone with who held them. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { takeLock, tryLock } from "../../../src/sys/lock.ts";
import { requires } from "../../support/requires.ts";
import { startChild } from "../../support/run-child.ts";

function stageFor(t: TestContext): { home: string; fd: number } {
  const home = mkdtempSync(path.join(os.tmpdir(), "regrow-lock-"));
  const fd = openSync(home, "r");
  t.after(() => {
    closeSync(fd);
    rmSync(home, { recursive: true });
  });
  return { home, fd };
}

test("shared locks stand beside each other, an exclusive one alone", async (t) => {
  const { fd } = stageFor(t);
  const first = tryLock(fd, "lock", "shared")!;
  const second = tryLock(fd, "lock", "shared")!;
  assert.equal(tryLock(fd, "lock", "exclusive"), undefined);
  first.release();
  assert.equal(tryLock(fd, "lock", "exclusive"), undefined);
  second.release();
  const alone = tryLock(fd, "lock", "exclusive")!;
  assert.equal(tryLock(fd, "lock", "shared"), undefined);
  await assert.rejects(takeLock(fd, "lock", { kind: "shared", timeoutSeconds: 0 }), { code: "locked", path: "lock" });
  const startedAt = Date.now();
  await assert.rejects(takeLock(fd, "lock", { kind: "shared", timeoutSeconds: 0.2 }), { code: "locked" });
  assert.ok(Date.now() - startedAt >= 190);
  setTimeout(() => alone.release(), 100);
  (await takeLock(fd, "lock", { kind: "exclusive", timeoutSeconds: -1 })).release();
});

test("who waits can be called off", async (t) => {
  const { fd } = stageFor(t);
  const held = tryLock(fd, "lock", "exclusive")!;
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(takeLock(fd, "lock", { kind: "shared", timeoutSeconds: -1, signal: controller.signal }), {
    code: "cancelled",
  });
  held.release();
});

test("whether the locked file is still the one of that name", (t) => {
  const { home, fd } = stageFor(t);
  const lock = tryLock(fd, "lock", "exclusive")!;
  assert.ok(lock.isAt(fd, "lock"));
  rmSync(`${home}/lock`);
  assert.ok(!lock.isAt(fd, "lock"));
  writeFileSync(`${home}/lock`, "");
  assert.ok(!lock.isAt(fd, "lock"));
  lock.release();
});

test("a lock ends with the process that held it", async (t) => {
  const { home, fd } = stageFor(t);
  const lockFile = new URL("../../../src/sys/lock.ts", import.meta.url).href;
  const script = `
    const { tryLock } = await import(process.argv[1]);
    tryLock(-100, process.argv[2], "exclusive");
    console.log("held");
    setInterval(() => {}, 1000);
  `;
  const holder = startChild(process.execPath, ["--input-type=module", "-e", script, lockFile, `${home}/lock`]);
  await holder.begun;
  assert.equal(tryLock(fd, "lock", "shared"), undefined);
  holder.process.kill("SIGKILL");
  await holder.ended;
  tryLock(fd, "lock", "exclusive")!.release();
});

test("ostree stands beside our shared lock and waits for our exclusive one", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { home } = stageFor(t);
  execFileSync("ostree", ["init", `--repo=${home}/repo`, "--mode=archive"]);
  execFileSync("ostree", ["config", `--repo=${home}/repo`, "set", "core.lock-timeout-secs", "1"]);
  mkdirSync(`${home}/tree`);
  const commit = (): { status: number | null; stderr: string } => {
    const { status, stderr } = spawnSync("ostree", [
      "commit",
      `--repo=${home}/repo`,
      "-b",
      "main",
      "--no-xattrs",
      `${home}/tree`,
    ]);
    return { status, stderr: stderr.toString() };
  };
  assert.equal(commit().status, 0);
  const repositoryFd = openSync(`${home}/repo`, "r");
  t.after(() => closeSync(repositoryFd));

  const alone = tryLock(repositoryFd, ".lock", "exclusive")!;
  const refused = commit();
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr, /lock/i);
  alone.release();

  const shared = tryLock(repositoryFd, ".lock", "shared")!;
  assert.equal(commit().status, 0, "writers stand beside each other");
  const prune = spawnSync("ostree", ["prune", `--repo=${home}/repo`, "--refs-only"]);
  assert.notEqual(prune.status, 0, "who removes things waits for writers");
  shared.release();
  assert.equal(spawnSync("ostree", ["prune", `--repo=${home}/repo`, "--refs-only"]).status, 0);
});
