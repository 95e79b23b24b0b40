/**
 * Series of random changes of a btrfs subvolume, each committed upon the last increment: root and sidecar must be those of a full scan
 * in another repository, and the root that of the real ostree. FC_SEED repeats a run, REGROW_LONG=1 does ten times as much.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { commitSnapshot } from "../../src/machine/capture/commit-snapshot.ts";
import { commitTree } from "../../src/store/commit.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import type { Repository } from "../../src/store/repository.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";
import { run, runText } from "../support/programs.ts";
import { randomSource, seed, times } from "../support/property.ts";
import { newOstreeRepository, newRepository, ostree, ostreeRoot } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem } from "../support/scratch.ts";
import { changeSubvolume, kindsOfChanges } from "../support/subvolume-changes.ts";
import { tally } from "../support/tally.ts";

const NEEDS = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mount", "python3", "setfacl", "fallocate", "mkswap", "ostree"],
  filesystems: ["btrfs"],
};
const cleaner = new URL("../support/what-ostree-holds.py", import.meta.url).pathname;

interface Roots {
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: Checksum | undefined;
}

test("each increment is what a full scan gives", { timeout: 1_200_000 }, async (t) => {
  if (!requires(t, NEEDS)) return;
  const random = randomSource(17);
  const counts = new Map<string, number>();
  let [rounds, loaded, read, folders] = [0, 0, 0, 0];
  const missing = (): string[] => kindsOfChanges().filter((kind) => (counts.get(kind) ?? 0) === 0);
  const mounted = mountedFileSystem(t, "btrfs", times(3000));
  run("mount", ["-o", "remount,strictatime", mounted]);
  const repository = newRepository(t, `${mounted}/repository`, "bare");
  const judge = newOstreeRepository(`${mounted}/ostree`, "bare-user");
  for (let tree = 0; tree < times(2); tree++) {
    const full = newRepository(t, `${mounted}/full${tree}`, tree % 2 === 0 ? "archive" : "bare-user");
    const folder = `${mounted}/live${tree}`;
    run("btrfs", ["-q", "subvolume", "create", folder]);
    changeSubvolume(folder, tree * 1000, 200, counts, true);
    let before = takeSnapshot(folder, `${mounted}/${tree}-0`);
    let base = await commitSnapshot(repository, { branch: `tree${tree}`, after: before });
    assert.equal(base.isIncremental, false);
    // More where chance has left a kind of change out.
    for (let round = 1; round <= 10 || (missing().length > 0 && round <= 40); round++, rounds++) {
      const where = `seed ${seed} (FC_SEED), tree ${tree}, round ${round}`;
      changeSubvolume(folder, tree * 1000 + round, 1 + random(random(3) === 0 ? 120 : 25), counts, true);
      const after = takeSnapshot(folder, `${mounted}/${tree}-${round}`);
      const next = await commitSnapshot(repository, {
        branch: `tree${tree}`,
        after,
        base: { commit: base.commit, snapshot: before },
      }).catch((error: unknown) => assert.fail(`${where}: ${String(error)}`));
      assert.equal(next.obstacle, undefined, where);
      assert.ok(next.isIncremental, where);
      const roots = rootsOf(repository, next.commit);
      const whole = await commitTree(full, { sources: [{ kind: "dir", path: after }], useCache: false });
      assert.deepEqual(roots, rootsOf(full, whole.commit), where);
      assert.deepEqual({ tree: roots.tree, meta: roots.meta }, ostreeRootOf(judge, after), where);
      loaded += next.foldersLoaded;
      read += next.counts.hashed;
      folders += whole.counts.folders;
      [before, base] = [after, next];
    }
  }
  assert.match(ostree(repository.path, "fsck", "-a"), /no errors found/);
  t.diagnostic(`seed ${seed} (FC_SEED), ${rounds} increments, ${loaded} of ${folders} folders loaded, ${read} files read`);
  t.diagnostic(`changes made: ${[...counts].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
  assert.deepEqual(missing(), [], "kinds of changes that were never made");
  tally("generated trees", "incremental commit", rounds);
});

function rootsOf(repository: Repository, checksum: Checksum): Roots {
  const { tree, meta, ...commit } = loadCommit(repository, checksum);
  const sidecar = sidecarCommitOf({ tree, meta, ...commit });
  return { tree, meta, sidecar: sidecar === undefined ? undefined : loadCommit(repository, sidecar).tree };
}

/** Of the snapshot without what ostree can't hold. */
function ostreeRootOf(repository: string, snapshot: string): { tree: Checksum; meta: Checksum } {
  const plain = `${snapshot}-plain`;
  run("btrfs", ["-q", "subvolume", "snapshot", snapshot, plain]);
  run("python3", [cleaner, plain]);
  return ostreeRoot(
    repository,
    runText("ostree", ["commit", `--repo=${repository}`, "--orphan", "-s", "x", `--tree=dir=${plain}`]),
  );
}

function takeSnapshot(folder: string, name: string): string {
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", folder, name]);
  return name;
}
