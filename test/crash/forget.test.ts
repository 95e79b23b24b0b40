/** A forget that is killed at each of its changes leaves the old history or the new one, and the next prune takes away what is left of the other. */
import assert from "node:assert/strict";
import { type SpawnSyncReturns, execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { checkRepository, isSound } from "../../src/store/fsck/fsck.ts";
import { pointRef } from "../../src/store/point-ref.ts";
import { prune } from "../../src/store/prune/prune.ts";
import { type Repository, withRepository } from "../../src/store/repository.ts";
import { commitFiles, filesOf, objectsOf, refsOf, writeTreeTo } from "../support/histories.ts";
import { run, tryRun } from "../support/programs.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";
import { tally } from "../support/tally.ts";

const SECRET = "correct-horse-battery-staple";
const execute = promisify(execFile);
const support = (name: string): string => path.join(import.meta.dirname, "../support", name);

/** A thinned commit, a tagged one that has the path, and one after them. */
async function prepare(t: TestContext): Promise<{ scratch: string; before: Repository; tip: Checksum }> {
  const scratch = scratchFolder(t);
  const before = newRepository(t, `${scratch}/before`, "bare-user");
  const thinned = await commitFiles(before, scratch, { "etc/a": "2", "etc/secret": SECRET });
  await pointRef(before, "tag/v1", await commitFiles(before, scratch, { "etc/a": "3", "etc/secret": SECRET }));
  const tip = await commitFiles(before, scratch, { "etc/a": "4", b: "b" });
  await prune(before, { thinCommits: [thinned] });
  return { scratch, before, tip };
}

function startOver(before: Repository, target: string): void {
  rmSync(target, { recursive: true, force: true });
  run("cp", ["-a", before.path, target]);
}

function runForget(target: string, env: Record<string, string>): SpawnSyncReturns<string> {
  const args = [support("forget-child.ts"), target, "etc/secret"];
  return spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, ...env } });
}

function marksOf(target: string): string[] {
  return readdirSync(`${target}/state`).filter((name) => name.endsWith(".commitpartial"));
}

test("a forget killed before any of its changes", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, before, tip } = await prepare(t);
  const [target, trace] = [`${scratch}/target`, `${scratch}/trace`];
  startOver(before, target);
  const outcome = runForget(target, { REGROW_FAIL_TRACE: trace });
  assert.equal(outcome.status, 0, outcome.stderr);
  const changes = readFileSync(trace, "utf8").trimEnd().split("\n");
  const whole = (folder: string): Promise<object> =>
    withRepository(folder, (repository) => ({ refs: refsOf(repository), objects: objectsOf(folder), marks: marksOf(folder) }));
  const [old, anew] = [await whole(before.path), await whole(target)];
  const files = filesOf(before, tip);
  assert.notDeepEqual(old, anew);
  assert.ok(marksOf(target).length > 0);
  const ends = { old: 0, new: 0 };
  for (const [index, change] of changes.entries()) {
    const at = `killed before change ${index + 1} of ${changes.length} (${change})`;
    startOver(before, target);
    assert.equal(runForget(target, { REGROW_FAIL_AT: `${index + 1}` }).signal, "SIGKILL", at);
    assert.match(ostree(target, "fsck"), /no errors/, at);
    await withRepository(target, async (repository) => {
      await prune(repository);
      assert.ok(isSound(await checkRepository(repository, { quick: true })), at);
      assert.deepEqual(filesOf(repository, refsOf(repository)["main"]!), files, at);
    });
    const now = await whole(target);
    const isNew = tryRun("grep", ["-rqF", SECRET, target]).status !== 0;
    ends[isNew ? "new" : "old"]++;
    assert.deepEqual(now, isNew ? anew : old, at);
    assert.ok(!existsSync(`${target}/regrow/forgotten`), at);
  }
  assert.match(ostree(target, "fsck"), /no errors/);
  t.diagnostic(`killed at ${changes.length} points, ${JSON.stringify(ends)}: ${[...new Set(changes)].join(", ")}`);
  assert.ok(ends.old > 0 && ends.new > 0);
  tally("kill points", "forget", changes.length);
});

test("commits, a prune and another forget beside a forget lose nothing, and nothing comes back", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, before } = await prepare(t);
  const target = `${scratch}/target`;
  startOver(before, target);
  const trees = { main: { "etc/a": "5", b: "b" }, side: { c: "new", "etc/a": "1" } };
  for (const [name, tree] of Object.entries(trees)) writeTreeTo(`${scratch}/${name}`, tree);
  const child = (name: string, ...args: string[]): Promise<{ stdout: string }> =>
    execute(process.execPath, [support(name), target, ...args]);
  await Promise.all([
    child("forget-child.ts", "etc/secret"),
    child("commit-child.ts", "main", `${scratch}/main`),
    child("forget-child.ts", "b"),
    child("prune-child.ts", "{}"),
    child("commit-child.ts", "side", `${scratch}/side`),
  ]);
  await withRepository(target, async (repository) => {
    const refs = refsOf(repository);
    // What was committed after the forget of b has it again.
    const { b: _, ...rest } = filesOf(repository, refs["main"]!);
    assert.deepEqual(rest, { "etc/": "755", "etc/a": "644 5" });
    assert.deepEqual(filesOf(repository, refs["side"]!), { c: "644 new", "etc/": "755", "etc/a": "644 1" });
    assert.ok(isSound(await checkRepository(repository, { quick: true })));
  });
  assert.equal(ostree(target, "log", "main").match(/^commit /gm)!.length, 4);
  assert.match(ostree(target, "fsck"), /no errors/);
  assert.equal(tryRun("grep", ["-rF", SECRET, target]).stdout.toString(), "");
});
