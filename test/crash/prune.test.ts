/** A prune that is killed at each of its changes in turn leaves a sound repository, and commits beside a prune lose nothing. */
import assert from "node:assert/strict";
import { type SpawnSyncReturns, execFile, spawnSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { looseName } from "../../src/codec/ostree/object-name.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { checkRepository, isSound } from "../../src/store/fsck/fsck.ts";
import { deleteRefs } from "../../src/store/point-ref.ts";
import { type PruneOptions, prune } from "../../src/store/prune/prune.ts";
import { type Repository, openRepository, closeRepository, withRepository } from "../../src/store/repository.ts";
import { takeLock } from "../../src/sys/lock.ts";
import { commitFiles, filesOf, objectsOf, refsOf, writeTreeTo } from "../support/histories.ts";
import { run } from "../support/programs.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { atEnd, scratchFolder } from "../support/scratch.ts";
import { tally } from "../support/tally.ts";

const RULES: PruneOptions = { depth: 0, refsOnly: true };
const execute = promisify(execFile);
const support = (name: string): string => path.join(import.meta.dirname, "../support", name);

function runPrune(repository: string, env: Record<string, string>): SpawnSyncReturns<string> {
  const args = [support("prune-child.ts"), repository, JSON.stringify(RULES)];
  return spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, ...env } });
}

/** Commits to be thinned and to be deleted, both with sidecars, the latter with detached metadata and a static delta, and one that keeps its tree. */
async function prepare(t: TestContext): Promise<{ scratch: string; before: Repository; tip: Checksum }> {
  const scratch = scratchFolder(t);
  const before = newRepository(t, `${scratch}/before`, "bare-user");
  await commitFiles(before, scratch, { "etc/a": "1", "etc/same": "same" });
  const tip = await commitFiles(before, scratch, { "etc/a": "2", "etc/same": "same" });
  const gone = await commitFiles(before, scratch, { b: "gone" }, { branch: "gone" });
  writeFileSync(`${before.path}/objects/${looseName(gone, "commitmeta")}`, "");
  for (const commit of [gone, tip]) ostree(before.path, "static-delta", "generate", "--empty", `--to=${commit}`);
  await deleteRefs(before, ["gone"]);
  return { scratch, before, tip };
}

function deltasOf(repository: string): string[] {
  const folder = `${repository}/deltas`;
  return readdirSync(folder).flatMap((at) => readdirSync(`${folder}/${at}`).map((name) => at + name));
}

function startOver(before: Repository, target: string): void {
  rmSync(target, { recursive: true, force: true });
  run("cp", ["-a", before.path, target]);
}

test("a prune killed before any of its changes", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, before, tip } = await prepare(t);
  const [target, trace] = [`${scratch}/target`, `${scratch}/trace`];
  startOver(before, target);
  const outcome = runPrune(target, { REGROW_FAIL_TRACE: trace });
  assert.equal(outcome.status, 0, outcome.stderr);
  const changes = readFileSync(trace, "utf8").trimEnd().split("\n");
  const [refs, files, after] = [refsOf(before), filesOf(before, tip), objectsOf(target)];
  const marks = readdirSync(`${target}/state`);
  const deltas = deltasOf(target);
  assert.deepEqual([deltas.length, deltasOf(before.path).length], [1, 2]);
  assert.deepEqual(
    after.filter((name) => name.endsWith("commitmeta")),
    [],
  );
  assert.ok(marks.length === 2 && after.length < objectsOf(before.path).length);
  for (const [index, change] of changes.entries()) {
    const at = `killed before change ${index + 1} of ${changes.length} (${change})`;
    startOver(before, target);
    assert.equal(runPrune(target, { REGROW_FAIL_AT: `${index + 1}` }).signal, "SIGKILL", at);
    assert.match(ostree(target, "fsck"), /no errors/, at);
    await withRepository(target, async (repository) => {
      assert.ok(isSound(await checkRepository(repository, { quick: true })), at);
      assert.deepEqual(refsOf(repository), refs, at);
      assert.deepEqual(filesOf(repository, tip), files, at);
      await prune(repository, RULES);
    });
    assert.deepEqual(objectsOf(target), after, at);
    assert.deepEqual(deltasOf(target), deltas, at);
    assert.deepEqual(
      readdirSync(`${target}/state`).filter((name) => name.endsWith(".commitpartial")),
      marks,
      at,
    );
  }
  assert.match(ostree(target, "fsck"), /no errors/);
  t.diagnostic(`killed at ${changes.length} points: ${[...new Set(changes)].join(", ")}`);
  tally("kill points", "prune", changes.length);
});

test("commits beside a prune, in other processes, lose nothing", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, before } = await prepare(t);
  const target = `${scratch}/target`;
  // What "gone" held is to go; the commits need it again. One continues a branch whose older commit is thinned meanwhile.
  const trees = {
    main: { "etc/a": "3", "etc/same": "same" },
    back: { b: "gone" },
    new: { b: "gone", c: "new", "etc/a": "1" },
  };
  for (const [name, tree] of Object.entries(trees)) writeTreeTo(`${scratch}/${name}`, tree);
  const children = (): Promise<[string, Checksum][]> =>
    Promise.all(
      Object.keys(trees).map(async (branch): Promise<[string, Checksum]> => {
        const args = [support("commit-child.ts"), target, branch, `${scratch}/${branch}`];
        const { stdout } = await execute(process.execPath, args);
        return [branch, stdout.trim() as Checksum];
      }),
    );
  for (const order of ["prune waits for them", "all at once"] as const) {
    startOver(before, target);
    const repository = openRepository(target);
    atEnd(t, () => closeRepository(repository));
    // As long as somebody writes the prune can look, but remove nothing.
    const writer = await takeLock(repository.fd, ".lock", { kind: "shared", timeoutSeconds: 0 });
    const pruning = prune(repository, RULES);
    if (order === "all at once") writer.release();
    const commits = await children();
    if (order !== "all at once") writer.release();
    const report = await pruning;
    assert.ok(report.thinnedCommits.length > 0, order);
    assert.match(ostree(target, "fsck"), /no errors/, order);
    for (const [branch, commit] of commits) {
      assert.equal(refsOf(repository)[branch], commit, order);
      rmSync(`${scratch}/out`, { recursive: true, force: true });
      await checkoutCommit(repository, commit, `${scratch}/out`, { workers: 1, verify: true });
      run("diff", ["-r", `${scratch}/${branch}`, `${scratch}/out`]);
    }
    assert.ok(isSound(await checkRepository(repository, { quick: true })), order);
  }
});
