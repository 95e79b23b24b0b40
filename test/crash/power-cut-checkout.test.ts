/** The power is cut while `regrow checkout --fsync` makes a folder: it is absent or complete, and the next checkout clears what is left. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { commitTree } from "../../src/store/commit.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import { diskFacts, factDifferences } from "../support/disk-facts.ts";
import { fastFolder } from "../support/fast-folder.ts";
import type { RigFileSystem } from "../support/power-cut/mounted-device.ts";
import { besideNeighbour, flushOnce } from "../support/power-cut/neighbour.ts";
import { expectBroken, expectOldOrNew } from "../support/power-cut/report.ts";
import { type PowerCutReport, cutStates, requiresPowerCutRig, withPowerCutRig } from "../support/power-cut/rig.ts";
import { run } from "../support/programs.ts";
import { seed } from "../support/property.ts";
import { makeVersion } from "../support/repository-judge.ts";
import { startRegrow } from "../support/run-child.ts";

for (const fileSystem of ["btrfs", "ext4"] as const) {
  test(`a flushed checkout on ${fileSystem} is absent or complete after a power cut`, async (t) => {
    if (!requiresPowerCutRig(t, fileSystem, ["python3"])) return;
    const report = await cutCheckouts(t, fileSystem, cutStates(16), (path, checkOut) =>
      besideNeighbour(`${path}/neighbour`, () => checkOut("--fsync")),
    );
    expectOldOrNew(t, `checkout on ${fileSystem}`, report);
  });
}

test("a checkout without --fsync is found broken", async (t) => {
  if (!requiresPowerCutRig(t, "ext4", ["python3"])) return;
  const report = await cutCheckouts(t, "ext4", 8, async (path, checkOut) => {
    await checkOut();
    flushOnce(`${path}/neighbour`);
  });
  expectBroken(t, "checkout without --fsync", report);
});

type CheckOut = (...options: readonly string[]) => Promise<void>;

async function cutCheckouts(
  t: TestContext,
  fileSystem: RigFileSystem,
  states: number,
  operation: (path: string, checkOut: CheckOut) => Promise<void>,
): Promise<PowerCutReport> {
  const home = mkdtempSync(join(fastFolder(), "regrow-checkout-"));
  t.after(() => rmSync(home, { recursive: true }));
  const tree = `${home}/tree`;
  mkdirSync(tree);
  makeVersion(tree, 1);
  run("cp", ["-a", tree, `${home}/expected`]);
  initRepository(`${home}/repo`, { mode: "bare-user" });
  await withRepository(`${home}/repo`, (repository) =>
    commitTree(repository, { branch: "main", sources: [{ kind: "dir", path: tree }] }),
  );
  const checkOut = async (target: string, options: readonly string[]): Promise<void> => {
    const { code, stderr } = await startRegrow(["-q", "--repo", `${home}/repo`, "checkout", ...options, "main", target]).ended;
    assert.equal(code, 0, stderr);
  };
  const expected = diskFacts(`${home}/expected`);
  // Another file system has other holes and flags of its own.
  const differences = (target: string): string[] => factDifferences(expected, diskFacts(target), { except: ["holes", "flags"] });
  return withPowerCutRig({
    fileSystem,
    megabytes: 256,
    states,
    seed,
    prepare: async ({ path }) => mkdirSync(`${path}/folder`),
    operation: ({ path }) => operation(path, (...options) => checkOut(`${path}/folder/target`, options)),
    judge: async ({ path }) => {
      const target = `${path}/folder/target`;
      const isNew = existsSync(target);
      if (isNew) {
        assert.deepEqual(differences(target), []);
        renameSync(target, `${path}/complete`);
      }
      await checkOut(target, []);
      assert.deepEqual(differences(target), []);
      assert.deepEqual(readdirSync(`${path}/folder`), ["target"]);
      return isNew ? "new" : "old";
    },
  });
}
