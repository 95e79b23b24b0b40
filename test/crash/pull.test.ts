/** A pull that is killed, or runs out of space, at each of its changes in turn leaves a sound repository, and the next one completes it. */
import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { cpSync, readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { repositorySource } from "../../src/store/pull/object-source.ts";
import { pull } from "../../src/store/pull/pull.ts";
import { closeRepository, openRepository } from "../../src/store/repository.ts";
import { commitFiles, refsOf } from "../support/histories.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";
import { tally } from "../support/tally.ts";

const child = path.join(import.meta.dirname, "../support/pull-child.ts");

interface Stage {
  readonly source: string;
  /** A target that has the first commit, to be copied for each run. */
  readonly before: string;
  readonly target: string;
  /** Refs of the target before and after. */
  readonly refs: readonly Record<string, string>[];
  /** Names of the changes that a pull makes, in order. */
  readonly changes: readonly string[];
}

function runChild({ source, target }: Pick<Stage, "source" | "target">, env: Record<string, string>): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [child, source, target], { encoding: "utf8", env: { ...process.env, ...env } });
}

async function prepare(t: TestContext): Promise<Stage> {
  const scratch = scratchFolder(t);
  const source = newRepository(t, `${scratch}/source`, "bare-user");
  const before = newRepository(t, `${scratch}/before`, "archive");
  await commitFiles(source, scratch, { "etc/a": "1", "etc/same": "same" });
  await pull(before, repositorySource(source));
  const old = refsOf(before);
  await commitFiles(source, scratch, { "etc/a": "2", "etc/same": "same", "usr/link": { link: "new" } });
  const target = `${scratch}/target`;
  const trace = `${scratch}/trace`;
  cpSync(before.path, target, { recursive: true });
  const outcome = runChild({ source: source.path, target }, { REGROW_FAIL_TRACE: trace });
  assert.equal(outcome.status, 0, outcome.stderr);
  const changes = readFileSync(trace, "utf8").trimEnd().split("\n");
  return { source: source.path, before: before.path, target, refs: [old, refsOf(source)], changes };
}

function startOver({ before, target }: Stage): void {
  rmSync(target, { recursive: true });
  cpSync(before, target, { recursive: true });
}

function checkSound({ target, refs }: Stage, at: string): void {
  assert.match(ostree(target, "fsck"), /no errors/, at);
  const repository = openRepository(target);
  try {
    for (const [name, commit] of Object.entries(refsOf(repository))) {
      assert.ok(
        refs.some((known) => known[name] === commit),
        `${at}: ${name} is at ${commit}`,
      );
      ostree(target, "ls", "-R", commit);
    }
  } finally {
    closeRepository(repository);
  }
}

async function complete({ source, target, refs }: Stage, at: string): Promise<void> {
  const [from, to] = [openRepository(source), openRepository(target)];
  try {
    await pull(to, repositorySource(from));
    assert.deepEqual(refsOf(to), refs[1], at);
  } finally {
    closeRepository(from);
    closeRepository(to);
  }
  assert.deepEqual(readdirSync(`${target}/tmp`), ["cache"], at);
  assert.match(ostree(target, "fsck"), /no errors/, at);
}

test("a pull killed before any of its changes", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const stage = await prepare(t);
  for (const [index, change] of stage.changes.entries()) {
    const at = `killed before change ${index + 1} of ${stage.changes.length} (${change})`;
    startOver(stage);
    assert.equal(runChild(stage, { REGROW_FAIL_AT: `${index + 1}` }).status, null, at);
    checkSound(stage, at);
    await complete(stage, at);
  }
  t.diagnostic(`killed at ${stage.changes.length} points: ${[...new Set(stage.changes)].join(", ")}`);
  tally("kill points", "pull", stage.changes.length);
});

test("a pull of which one change fails for want of space, at every third, with REGROW_LONG=1 at each", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const stage = await prepare(t);
  let failing = 0;
  for (const [index, change] of stage.changes.entries()) {
    if (process.env["REGROW_LONG"] !== "1" && index % 3 !== 1) continue;
    failing++;
    const at = `no space at change ${index + 1} of ${stage.changes.length} (${change})`;
    startOver(stage);
    const { status, stdout, stderr } = runChild(stage, { REGROW_FAIL_AT: `${index + 1}:ENOSPC` });
    // What fails in tidying up, when all is done, is told to nobody: the next who writes does it.
    const isTold = status === 13 && stdout === "no-space\n";
    assert.ok(isTold || (status === 0 && /unlinkat|rmdir/.test(change)), `${at}: exit ${status} ${stdout} ${stderr}`);
    checkSound(stage, at);
    await complete(stage, at);
  }
  tally("failing changes", "pull", failing);
});
