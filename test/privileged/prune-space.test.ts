/** What `--to-free` foretells and what really comes free, by the file system's own count. */
import assert from "node:assert/strict";
import { statfsSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { isPartial } from "../../src/store/partial-commits.ts";
import { pinnedSpace } from "../../src/store/prune/pinned-space.ts";
import { planThinning } from "../../src/store/prune/plan-thinning.ts";
import { prune } from "../../src/store/prune/prune.ts";
import { commitFiles } from "../support/histories.ts";
import { run } from "../support/programs.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem, scratchFolder } from "../support/scratch.ts";

const MIB = 2 ** 20;

function freeBytes(folder: string): number {
  run("sync", ["-f", folder]);
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

for (const kind of ["ext4", "btrfs"] as const) {
  test(`what comes free on ${kind} lies within what was foretold`, async (t) => {
    if (!requires(t, { root: true, programs: [`mkfs.${kind}`, "ostree"], filesystems: [kind] })) return;
    const place = mountedFileSystem(t, kind, 256);
    const scratch = scratchFolder(t);
    const repository = newRepository(t, `${place}/repo`, "bare");
    const shared = randomBytes(3 * MIB);
    const commits: Checksum[] = [];
    for (let number = 0; number < 5; number++) {
      const tree = { shared, own: randomBytes((number + 1) * MIB), [`pair-${number >> 1}`]: Buffer.alloc(2 * MIB, number >> 1) };
      commits.push(await commitFiles(repository, scratch, tree, { timestamp: 1000 + number }));
    }
    // 1 MiB comes with the first; the 2 MiB of the first pair with the second.
    const foretold = async (toFree: number): Promise<number> => (await planThinning(repository, { toFree })).thinCommits.length;
    assert.deepEqual(
      [await foretold(1), await foretold(1.5 * MIB), await foretold(4.9 * MIB), await foretold(99 * MIB)],
      [1, 2, 2, 4],
    );
    const { commits: pins, shared: several } = await pinnedSpace(repository);
    assert.deepEqual(
      pins.map(({ commit, own }) => [commit, Math.floor(own.most / MIB)]),
      [
        [4, 7],
        [3, 4],
        [2, 3],
        [1, 2],
        [0, 1],
      ].map(([index, mebibytes]) => [commits[index!], mebibytes]),
    );
    assert.equal(Math.floor(several.most / MIB), 7);
    // A copy beside it that shares the blocks of the second commit's own file, as a snapshot does.
    if (kind === "btrfs") {
      const largest = run("find", [`${place}/repo/objects`, "-size", "2048k", "-name", "*.file"])
        .toString()
        .split("\n");
      for (const name of largest.filter((file) => file !== ""))
        run("cp", ["--reflink=always", name, `${place}/${name.slice(-20)}`]);
    }
    const { thinCommits } = await planThinning(repository, { toFree: 4 * MIB });
    assert.deepEqual(thinCommits, commits.slice(0, 2));
    const before = freeBytes(place);
    const report = await prune(repository, { thinCommits, measure: true });
    const freed = freeBytes(place) - before;
    const { leastFreedBytes: least, freedBytes: most } = report;
    t.diagnostic(`${kind}: foretold ${least} to ${most}, freed ${freed}, measured ${report.measuredBytes}`);
    // Beside the content the file system's own books move: names, inodes, trees.
    assert.ok(freed >= least! - MIB / 2 && freed <= most + MIB / 2, `${least} ${freed} ${most}`);
    assert.ok(Math.abs(report.measuredBytes! - freed) <= MIB / 2);
    if (kind === "btrfs") assert.ok(least! < 2 * MIB && most > 4 * MIB);
    else assert.equal(least, most);
    assert.deepEqual(
      commits.map((commit) => isPartial(repository, commit)),
      [true, true, false, false, false],
    );
    assert.match(ostree(repository.path, "fsck"), /no errors/);
    assert.equal(ostree(repository.path, "log", "main").match(/^commit /gm)!.length, 5);
    ostree(repository.path, "prune", "--refs-only");
    assert.match(ostree(repository.path, "fsck"), /no errors/);
  });
}
