/** Thinning by a policy that is killed at each of its changes is finished by the next run, and two at once never take a branch's last tree. */
import assert from "node:assert/strict";
import { type SpawnSyncReturns, execFile, spawnSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { hasWholeCommit } from "../../src/store/partial-commits.ts";
import { pointRef } from "../../src/store/point-ref.ts";
import { type Repository, withRepository } from "../../src/store/repository.ts";
import { commitFiles, filesOf, objectsOf, refsOf } from "../support/histories.ts";
import { run } from "../support/programs.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";
import { tally } from "../support/tally.ts";

const execute = promisify(execFile);
const child = path.join(import.meta.dirname, "../support/policy-child.ts");

interface Prepared {
  readonly scratch: string;
  readonly before: Repository;
  readonly commits: readonly Checksum[];
}

/** Four commits of four days, of which the first is tagged. */
async function prepare(t: TestContext): Promise<Prepared> {
  const scratch = scratchFolder(t);
  const before = newRepository(t, `${scratch}/before`, "bare-user");
  const commits: Checksum[] = [];
  for (let day = 0; day < 4; day++) {
    commits.push(
      await commitFiles(before, scratch, { "etc/a": `${day}`, same: "same" }, { timestamp: 1_700_000_000 + day * 86_400 }),
    );
  }
  await pointRef(before, "tag/v1", commits[0]!);
  return { scratch, before, commits };
}

function startOver(before: Repository, target: string): void {
  rmSync(target, { recursive: true, force: true });
  run("cp", ["-a", before.path, target]);
}

function thin(target: string, policy: object, env: Record<string, string> = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [child, target, JSON.stringify(policy)], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

test("thinning killed before any of its changes", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, before, commits } = await prepare(t);
  const [target, trace] = [`${scratch}/target`, `${scratch}/trace`];
  startOver(before, target);
  const outcome = thin(target, { daily: 2 }, { REGROW_FAIL_TRACE: trace });
  assert.equal(outcome.status, 0, outcome.stderr);
  const changes = readFileSync(trace, "utf8").trimEnd().split("\n");
  const marks = readdirSync(`${target}/state`);
  const after = objectsOf(target);
  assert.ok(after.length < objectsOf(before.path).length && marks.length === 2, "one commit and its sidecar are thinned");
  const kept = [commits[0]!, commits[2]!, commits[3]!];
  const files = kept.map((commit) => filesOf(before, commit));
  for (const [index, change] of changes.entries()) {
    const at = `killed before change ${index + 1} of ${changes.length} (${change})`;
    startOver(before, target);
    assert.equal(thin(target, { daily: 2 }, { REGROW_FAIL_AT: `${index + 1}` }).signal, "SIGKILL", at);
    assert.match(ostree(target, "fsck"), /no errors/, at);
    assert.equal(ostree(target, "log", "main").match(/^commit /gm)!.length, 4, at);
    await withRepository(target, (repository) => {
      assert.deepEqual(refsOf(repository), refsOf(before), at);
      assert.deepEqual(
        kept.map((commit) => filesOf(repository, commit)),
        files,
        at,
      );
    });
    assert.equal(thin(target, { daily: 2 }).status, 0, at);
    assert.deepEqual(objectsOf(target), after, at);
    assert.deepEqual(
      readdirSync(`${target}/state`).filter((name) => name.endsWith(".commitpartial")),
      marks,
      at,
    );
  }
  assert.match(ostree(target, "fsck"), /no errors/);
  tally("kill points", "prune by a policy", changes.length);
});

test("two policies at once leave each branch its newest tree", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, before, commits } = await prepare(t);
  const target = `${scratch}/target`;
  startOver(before, target);
  await Promise.all(
    [{ daily: 2 }, { last: 1 }].map((policy) => execute(process.execPath, [child, target, JSON.stringify(policy)])),
  );
  await withRepository(target, (repository) => {
    assert.deepEqual(
      commits.map((commit) => hasWholeCommit(repository, commit)),
      [true, false, false, true],
    );
  });
  assert.match(ostree(target, "fsck"), /no errors/);
});
