/**
 * The power is cut while `regrow prune` removes objects: each ref still leads to a whole commit, for the real ostree nothing is
 * missing that should be there, and the next prune removes what the first should have.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { looseName } from "../../src/codec/ostree/object-name.ts";
import { commitTree } from "../../src/store/commit.ts";
import { deleteRefs } from "../../src/store/point-ref.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import { fastFolder } from "../support/fast-folder.ts";
import { objectsOf, refsOf } from "../support/histories.ts";
import type { RigFileSystem } from "../support/power-cut/mounted-device.ts";
import { besideNeighbour } from "../support/power-cut/neighbour.ts";
import { expectOldOrNew } from "../support/power-cut/report.ts";
import { type PowerCutReport, cutStates, requiresPowerCutRig, withPowerCutRig } from "../support/power-cut/rig.ts";
import { seed } from "../support/property.ts";
import { ostreeRoot } from "../support/repositories.ts";
import { assertRefsResolve, judgeByOstree, makeVersion } from "../support/repository-judge.ts";
import { startRegrow } from "../support/run-child.ts";

for (const fileSystem of ["btrfs", "ext4"] as const) {
  test(`a prune on ${fileSystem} leaves a sound repository after a power cut`, async (t) => {
    if (!requiresPowerCutRig(t, fileSystem, ["ostree"])) return;
    expectOldOrNew(t, `prune on ${fileSystem}`, await cutPrunes(t, fileSystem, cutStates(16)));
  });
}

/** Old: nothing is gone yet. New: something is; after the end, all of it. */
async function cutPrunes(t: TestContext, fileSystem: RigFileSystem, states: number): Promise<PowerCutReport> {
  const home = mkdtempSync(join(fastFolder(), "regrow-prune-"));
  t.after(() => rmSync(home, { recursive: true }));
  for (const version of [1, 2, 3, 4]) {
    mkdirSync(`${home}/v${version}`);
    makeVersion(`${home}/v${version}`, version);
  }
  let [refs, root, before, after]: unknown[] = [];
  return withPowerCutRig({
    fileSystem,
    megabytes: 256,
    states,
    seed,
    prepare: async ({ path }) => {
      const repository = `${path}/repo`;
      await makeHistory(repository, home);
      before = objectsOf(repository);
      root = ostreeRoot(repository, "main");
      refs = await refsIn(repository);
    },
    operation: async ({ path }) => {
      await besideNeighbour(`${path}/neighbour`, () => prune(`${path}/repo`));
      after = objectsOf(`${path}/repo`);
    },
    judge: async ({ path, isAcknowledged }) => {
      const repository = `${path}/repo`;
      const found = objectsOf(repository);
      judgeByOstree(repository);
      await assertRefsResolve(repository);
      if (isAcknowledged) assert.deepEqual(found, after);
      await prune(repository);
      judgeByOstree(repository);
      assert.deepEqual(objectsOf(repository), after);
      assert.deepEqual(await refsIn(repository), refs);
      assert.deepEqual(ostreeRoot(repository, "main"), root);
      return found.join() === (before as string[]).join() ? "old" : "new";
    },
  });
}

/** Three commits of `main`, the first two to be thinned, and one that no ref leads to any more, with detached metadata. */
async function makeHistory(path: string, home: string): Promise<void> {
  initRepository(path, { mode: "bare" });
  await withRepository(path, async (repository) => {
    const commit = (branch: string, version: number) =>
      commitTree(repository, { branch, sources: [{ kind: "dir", path: `${home}/v${version}` }], workers: 1 });
    for (const version of [1, 2, 3]) await commit("main", version);
    const { commit: gone } = await commit("gone", 4);
    writeFileSync(`${path}/objects/${looseName(gone, "commitmeta")}`, "");
    await deleteRefs(repository, ["gone"]);
  });
}

async function prune(repository: string): Promise<void> {
  const { code, stderr } = await startRegrow(["-q", "-y", "--repo", repository, "prune", "--depth=0", "--refs-only"]).ended;
  assert.equal(code, 0, stderr);
}

function refsIn(path: string): Promise<unknown> {
  return withRepository(path, async (repository) => refsOf(repository));
}
