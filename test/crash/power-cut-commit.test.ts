/**
 * The power is cut while `regrow commit` writes into a repository: the branch is the old or the new commit, all of it is there for
 * the real ostree, and the next commit works. The same without flushes must be found broken.
 */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readRef } from "../../src/store/refs.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import { commitTree } from "../../src/store/commit.ts";
import type { StoreWork } from "../support/drive-store.ts";
import { fastFolder } from "../support/fast-folder.ts";
import { besideNeighbour, flushOnce } from "../support/power-cut/neighbour.ts";
import { expectBroken, expectOldOrNew } from "../support/power-cut/report.ts";
import { type PowerCutReport, cutStates, requiresPowerCutRig, withPowerCutRig } from "../support/power-cut/rig.ts";
import type { MountedDevice, RigFileSystem } from "../support/power-cut/mounted-device.ts";
import { run } from "../support/programs.ts";
import { seed } from "../support/property.ts";
import { ostreeRoot } from "../support/repositories.ts";
import {
  assertCompanions,
  assertNoLeftOvers,
  assertRefsResolve,
  judgeByOstree,
  makeVersion,
} from "../support/repository-judge.ts";
import { startRegrow, startStore } from "../support/run-child.ts";

const FILE_SYSTEMS = ["btrfs", "ext4"] as const;

for (const fileSystem of FILE_SYSTEMS) {
  test(`a commit on ${fileSystem} is old or new after a power cut`, async (t) => {
    if (!requiresPowerCutRig(t, fileSystem, ["ostree"])) return;
    const report = await cutCommits(t, fileSystem, {
      states: cutStates(32),
      operation: ({ path }, home) => besideNeighbour(`${path}/neighbour`, () => commitByProgram(path, home)),
    });
    expectOldOrNew(t, `commit on ${fileSystem}`, report);
  });

  test(`a commit on ${fileSystem} that finds everything there, after a killed one, is old or new after a power cut`, async (t) => {
    if (!requiresPowerCutRig(t, fileSystem, ["ostree"])) return;
    const report = await cutCommits(t, fileSystem, {
      states: cutStates(16),
      operation: ({ path }, home) => commitKilledAndAgain(path, home),
    });
    expectOldOrNew(t, `commit after a killed one on ${fileSystem}`, report);
  });

  test(`a commit without flushes on ${fileSystem} is found broken`, async (t) => {
    if (!requiresPowerCutRig(t, fileSystem, ["ostree"])) return;
    const report = await cutCommits(t, fileSystem, {
      states: 12,
      config: "fsync=false\n",
      // What is not flushed stays in memory for half a minute; another program makes the file system write its own tables before.
      operation: async ({ path }, home) => {
        const commit = await commitByProgram(path, home);
        if (fileSystem === "ext4") flushOnce(`${path}/neighbour`);
        else run("btrfs", ["subvolume", "snapshot", `${path}/other`, `${path}/snapshot`]);
        return commit;
      },
    });
    expectBroken(t, `commit without flushes on ${fileSystem}`, report);
  });
}

interface Cut {
  readonly states: number;
  readonly config?: string;
  /** Makes a commit of `v2` in the folder `home`, and tells its name. */
  readonly operation: (mounted: MountedDevice, home: string) => Promise<string>;
}

async function cutCommits(
  t: TestContext,
  fileSystem: RigFileSystem,
  { states, config, operation }: Cut,
): Promise<PowerCutReport> {
  const home = mkdtempSync(join(fastFolder(), "regrow-commit-"));
  t.after(() => rmSync(home, { recursive: true }));
  for (const version of [1, 2]) {
    mkdirSync(`${home}/v${version}`);
    makeVersion(`${home}/v${version}`, version);
  }
  const tips: Record<string, "old" | "new"> = {};
  let root: unknown;
  return withPowerCutRig({
    fileSystem,
    megabytes: 256,
    states,
    seed,
    prepare: async ({ path }) => {
      if (fileSystem === "btrfs") run("btrfs", ["subvolume", "create", `${path}/other`]);
      initRepository(`${path}/repo`, { mode: "bare" });
      if (config !== undefined) appendFileSync(`${path}/repo/config`, config);
      tips[await commitVersion(`${path}/repo`, `${home}/v1`)] = "old";
    },
    operation: async (mounted) => {
      tips[await operation(mounted, home)] = "new";
      root = ostreeRoot(`${mounted.path}/repo`, "main");
    },
    judge: async ({ path }) => {
      const repository = `${path}/repo`;
      judgeByOstree(repository);
      await assertRefsResolve(repository);
      const tip = readFileSync(`${repository}/refs/heads/main`, "utf8").trim();
      const state = tips[tip];
      if (state === undefined) throw new Error(`main names ${tip}`);
      await commitVersion(repository, `${home}/v2`);
      judgeByOstree(repository);
      assert.deepEqual(ostreeRoot(repository, "main"), root);
      assertNoLeftOvers(repository);
      return state;
    },
  });
}

async function commitByProgram(path: string, home: string): Promise<string> {
  const { code, stdout, stderr } = await startRegrow(["-q", "--repo", `${path}/repo`, "commit", "-b", "main", `${home}/v2`])
    .ended;
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

/** The first is killed when its objects have their names, but not for sure on the disk. */
async function commitKilledAndAgain(path: string, home: string): Promise<string> {
  const work: StoreWork = { kind: "commit", path: `${home}/v2`, branches: ["main"] };
  run("cp", ["-a", `${path}/repo`, `${home}/repo`]);
  assert.equal((await startStore(`${home}/repo`, work, { REGROW_FAIL_TRACE: `${home}/trace` }).ended).code, 0);
  const lastFlush = readFileSync(`${home}/trace`, "utf8").split("\n").lastIndexOf("syncfs");
  const first = await startStore(`${path}/repo`, work, { REGROW_FAIL_AT: `${lastFlush + 1}` }).ended;
  assert.equal(first.signal, "SIGKILL", first.stderr);
  const { code, stdout, stderr } = await startStore(`${path}/repo`, work).ended;
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout.slice(stdout.indexOf("["))) as [string])[0];
}

/** The next commit, with the cache of the one that was cut; returns the branch's commit. */
function commitVersion(path: string, folder: string): Promise<string> {
  return withRepository(path, async (repository) => {
    await commitTree(repository, { branch: "main", sources: [{ kind: "dir", path: folder }], workers: 1 });
    assertCompanions(repository);
    return readRef(repository, "main")!;
  });
}
