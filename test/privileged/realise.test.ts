/**
 * Commits made trees on volumes as the difference to another: each must be what a full checkout would be, by rsync, by system calls
 * alone and by a full scan of it. Random changes of all kinds; the seed and the counts are printed.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { type Realisation, realiseCommit } from "../../src/machine/realise.ts";
import { commitTree } from "../../src/store/commit.ts";
import type { Repository } from "../../src/store/repository.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { makeNastyTree } from "../support/nasty-tree.ts";
import { run, tryRun } from "../support/programs.ts";
import { seed, times } from "../support/property.ts";
import { CHANGING_KINDS, MAKING_KINDS, carryOut, operations, shownCounts } from "../support/random-tree.ts";
import { newRepository } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { changeSubvolume } from "../support/subvolume-changes.ts";
import { VOLUME_NEEDS, type Volume, assertSameTree, mountVolume, unfinishedOn } from "../support/volumes.ts";

const MIB = 2 ** 20;

for (const mode of ["bare", "archive"] as const satisfies readonly RepositoryMode[]) {
  test(`any commit from any other on btrfs, out of a repository of mode ${mode}`, { timeout: 600_000 }, async (t) => {
    if (!requires(t, VOLUME_NEEDS)) return;
    const volume = mountVolume(t, "btrfs", 1500);
    const counts = new Map<string, number>();
    const salt = mode === "bare" ? 7000 : 8000;
    const change = (live: string, number: number): void => {
      changeSubvolume(live, salt + number, number % 10 === 0 ? 150 : 40, counts);
      run("find", [live, "-type", "s", "-delete"]);
    };
    for (let tree = 0; tree < times(1); tree++)
      await series(t, volume, newRepository(t, volume.at(`repo${tree}`), mode), tree, change);
    t.diagnostic(`seed ${seed} (FC_SEED); changes: ${shownCounts(counts)}`);
  });
}

for (const kind of ["ext4", "xfs"] as const) {
  test(`any commit from any other on ${kind}`, { timeout: 600_000 }, async (t) => {
    if (!requires(t, VOLUME_NEEDS)) return;
    const volume = mountVolume(t, kind, 1000);
    const counts = new Map<string, number>();
    const change = (live: string, number: number): void => {
      const lengths = { minLength: 40, maxLength: 40 };
      const kinds = number % 10 === 0 ? MAKING_KINDS : CHANGING_KINDS;
      carryOut(live, fc.sample(operations(kinds, lengths), { seed: seed + number, numRuns: 1 })[0]!, counts);
    };
    await series(t, volume, newRepository(t, volume.at("repo"), "bare"), 0, change);
    t.diagnostic(`seed ${seed} (FC_SEED); changes: ${shownCounts(counts)}`);
  });
}

test("the difference is small, on the disk and as a stream", { timeout: 120_000 }, async (t) => {
  if (!requires(t, VOLUME_NEEDS)) return;
  const volume = mountVolume(t, "btrfs", 1500);
  const live = volume.makeTree("live");
  makeNastyTree(`${live}/nasty`, {
    root: true,
    odd: true,
    nodes: true,
    flags: true,
    nocow: true,
    oddtarget: true,
    emptyxattr: true,
  });
  run("find", [live, "-type", "s", "-delete"]);
  for (const name of ["big", "moved", "kept"]) writeFileSync(`${live}/${name}`, randomBytes(10 * MIB));
  for (const mode of ["bare", "archive"] as const) {
    const repository = newRepository(t, volume.at(mode), mode);
    const first = await commit(repository, live);
    await realise(volume, repository, first, `${mode}-first`, []);
    const file = openSync(`${live}/big`, "r+");
    writeSync(file, randomBytes(4096), 0, 4096, 5 * MIB);
    closeSync(file);
    run("mkdir", ["-p", `${live}/nasty/${mode}`]);
    const [moved] = ["moved", "nasty/bare/moved"].filter((name) => existsSync(`${live}/${name}`));
    renameSync(`${live}/${moved}`, `${live}/nasty/${mode}/moved`);
    const second = await commit(repository, live);
    const made = await realise(volume, repository, second, `${mode}-second`, [[first, `${mode}-first`]]);
    assert.equal(made.base?.commit, first);
    assertSameTree(live, volume.at(`${mode}-second`), mode);
    assert.ok(made.progress.bytes <= 3 * 4096, `${made.progress.bytes} bytes written`);
    assert.ok(made.sharing.shared > 30 * MIB && made.sharing.shared <= made.sharing.total, JSON.stringify(made.sharing));
    const stream = streamBytes(volume, `${mode}-second`, `${mode}-first`);
    t.diagnostic(`${mode}: stream of the difference ${stream} bytes, of the whole ${streamBytes(volume, `${mode}-second`)}`);
    assert.ok(stream < 64 * 1024, `${stream}`);
  }
});

test("the nearest base is taken, and what fails leaves nothing", { timeout: 120_000 }, async (t) => {
  if (!requires(t, VOLUME_NEEDS)) return;
  const volume = mountVolume(t, "btrfs", 600);
  const live = volume.makeTree("live");
  const repository = newRepository(t, volume.at("repo"), "bare");
  const commits: Checksum[] = [];
  for (const step of [0, 1, 2, 3]) {
    run("mkdir", ["-p", `${live}/${step}/a/b`]);
    writeFileSync(`${live}/${step}/a/b/file`, `${step}`);
    commits.push(await commit(repository, live));
    if (step < 3) await realise(volume, repository, commits[step]!, `${step}`, []);
  }
  const candidates = [0, 2, 1].map((step) => [commits[step]!, `${step}`] as const);
  const made = await realise(volume, repository, commits[3]!, "new", [...candidates, [commits[3]!, "not-there"]]);
  assert.equal(made.base?.commit, commits[2]);
  assert.equal(made.differentFolders, 4);
  assertSameTree(live, volume.at("new"));
  await assert.rejects(realise(volume, repository, commits[3]!, "new", candidates), { code: "exists" });
  const missing = "0".repeat(64) as Checksum;
  await assert.rejects(realise(volume, repository, missing, "no", candidates), { code: "not-found" });
  await assert.rejects(realise(volume, repository, missing, "no", []), { code: "not-found" });
  // A subvolume nested in the base is an empty folder in its snapshot, in which nothing can be made.
  run("btrfs", ["-q", "subvolume", "create", `${live}/3/nested`]);
  const withNested = await commit(repository, live);
  await volume.driver.snapshot(volume.place("live"), volume.place("base"));
  run("btrfs", ["-q", "subvolume", "delete", `${live}/3/nested`]);
  run("mkdir", [`${live}/3/nested`]);
  writeFileSync(`${live}/3/nested/file`, "in a plain folder");
  const plain = await commit(repository, live);
  await realise(volume, repository, plain, "plain", [[withNested, "base"]]);
  assert.equal(readFileSync(volume.at("plain/3/nested/file"), "utf8"), "in a plain folder");
  assertSameTree(live, volume.at("plain"));
  assert.equal(unfinishedOn(volume), "");
});

/** Commits of one tree that changes, each realised from the one before and from the first one, and back. */
async function series(
  t: TestContext,
  volume: Volume,
  repository: Repository,
  tree: number,
  change: (live: string, number: number) => void,
): Promise<void> {
  const live = volume.makeTree(`live${tree}`);
  const known: [Checksum, string][] = [];
  let [bytes, whole] = [0, 0];
  for (let round = 0; round < 4; round++) {
    change(live, tree * 100 + round * (round === 0 ? 10 : 1));
    const now = await commit(repository, live);
    const copy = volume.at("copy");
    run("cp", ["-a", live, copy]);
    for (const base of new Set([known.at(-1), known[0]])) {
      const name = `${tree}-${round}-${base?.[1] ?? "none"}`;
      const made = await realise(volume, repository, now, name, base === undefined ? [] : [base]);
      assert.equal(made.progress.skippedNodes + made.progress.refusedFlags, 0, name);
      await assertIs(volume, repository, now, name, { live, copy });
      if (base !== undefined && volume.driver.capabilities.streams) bytes += streamBytes(volume, name, base[1]);
      if (base !== undefined && volume.driver.capabilities.streams) whole += streamBytes(volume, name);
      known.push([now, name]);
    }
    // Back to where it began.
    if (round === 3) {
      await realise(volume, repository, known[0]![0], `${tree}-back`, [known.at(-1)!]);
      assertSameTree(volume.at(known[0]![1]), volume.at(`${tree}-back`), "back");
    }
    tryRun("chattr", ["-R", "-f", "-ia", copy]);
    run("rm", ["-r", copy]);
  }
  if (whole > 0) t.diagnostic(`streams of the differences have ${bytes} bytes, of the whole ${whole}`);
  // How much that is, is chance here; the next test holds it to a bound.
  if (whole > 0) assert.ok(bytes > 0);
}

async function assertIs(
  volume: Volume,
  repository: Repository,
  expected: Checksum,
  name: string,
  { live, copy }: { readonly live: string; readonly copy: string },
): Promise<void> {
  const rsync = ["-aHAXnic", "--delete", "--modify-window=-1", `${copy}/`, `${volume.at(name)}/`];
  assert.equal(run("rsync", rsync).toString(), "", name);
  assertSameTree(live, volume.at(name), name);
  const sources = [{ kind: "dir" as const, path: volume.at(name) }];
  const { commit: again } = await commitTree(repository, { branch: "main", sources, skipUnchanged: true });
  assert.equal(again, expected, `${name}: a full scan of it makes another commit`);
}

async function commit(repository: Repository, live: string): Promise<Checksum> {
  return (await commitTree(repository, { branch: "main", sources: [{ kind: "dir", path: live }] })).commit;
}

function realise(
  { driver, place }: Volume,
  repository: Repository,
  target: Checksum,
  name: string,
  candidates: readonly (readonly [commit: Checksum, name: string])[],
): Promise<Realisation> {
  const known = candidates.map(([one, at]) => ({ commit: one, place: place(at) }));
  return realiseCommit({ repository, commit: target, driver, target: place(name), candidates: known });
}

function streamBytes(volume: Volume, name: string, parent?: string): number {
  const from = parent === undefined ? [] : ["-p", volume.at(parent)];
  return run("btrfs", ["send", "-q", ...from, volume.at(name)]).length;
}
