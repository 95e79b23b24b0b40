/**
 * A tree makes one commit, whatever the number of threads and whatever the stat cache knows or has wrong: the same root as ostree's
 * and the same sidecar. REGROW_LONG=1 tries ten times as many trees, FC_SEED a given seed.
 */
import assert from "node:assert/strict";
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { type CommitOptions, commitTree } from "../../src/store/commit.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import { PLAIN_SCAN, scanFingerprint } from "../../src/store/scan/scan-options.ts";
import { loadStatCache } from "../../src/store/scan/stat-cache.ts";
import { CWD } from "../../src/sys/open.ts";
import { statAt } from "../../src/sys/stat.ts";
import { bytesOf } from "../../src/base/byte-string.ts";
import type { Repository } from "../../src/store/repository.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";
import { run } from "../support/programs.ts";
import {
  type Counts,
  MAKING_KINDS,
  PLAIN_KINDS,
  carryOut,
  missingKinds,
  operations,
  shownCounts,
} from "../support/random-tree.ts";
import { newOstreeRepository, newRepository, ostree, ostreeRoot } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";
import { tally } from "../support/tally.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
const times = process.env["REGROW_LONG"] === "1" ? 10 : 1;
/** Longer than the stat cache's granularity: what is older than that is entered. */
const REST = 70;

interface Roots {
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: Checksum | undefined;
}

async function rootsOf(
  repository: Repository,
  tree: string,
  options: Partial<CommitOptions>,
): Promise<Roots & { hashed: number }> {
  const { commit, counts } = await commitTree(repository, { ...options, sources: [{ kind: "dir", path: tree }] });
  const loaded = loadCommit(repository, commit);
  const sidecar = sidecarCommitOf(loaded);
  assert.equal(counts.torn + counts.vanished, 0);
  return {
    tree: loaded.tree,
    meta: loaded.meta,
    sidecar: sidecar === undefined ? undefined : loadCommit(repository, sidecar).tree,
    hashed: counts.hashed,
  };
}

function withoutCount({ tree, meta, sidecar }: Roots): Roots {
  return { tree, meta, sidecar };
}

test("a random tree has one root and one sidecar, whatever the threads and the stat cache", async (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  const counts: Counts = new Map();
  const runs = 8 * times;
  t.diagnostic(`seed ${seed} (FC_SEED), ${runs} runs`);
  const making = operations(MAKING_KINDS, { minLength: 20, maxLength: 60 });
  const property = fc.asyncProperty(making, making, fc.nat(), async (first, second, where) => {
    await inScratch(t, async (folder) => {
      const tree = `${folder}/tree`;
      carryOut(tree, first, counts);
      carryOut(`${folder}/other`, second, counts);
      const repository = newRepository(t, `${folder}/repository`, "bare-user");
      await sleep(REST);
      const expected = withoutCount(await rootsOf(repository, tree, { useCache: false, workers: 1 }));
      const check = async (state: string, workers: number): Promise<number> => {
        const { hashed, ...roots } = await rootsOf(repository, tree, { workers });
        assert.deepEqual(roots, expected, `cache ${state}, ${workers} workers`);
        note(counts, `cache ${state}`);
        return hashed;
      };
      await check("none", 2);
      const file = onlyCache(repository);
      const full = readFileSync(file);
      if ((await check("full", 4)) === 0) note(counts, "nothing read again");
      await rootsOf(repository, `${folder}/other`, {});
      const foreign = cachesOf(repository).find((name) => name !== file);
      for (const [state, data] of damagedCaches(full, where, foreign === undefined ? undefined : readFileSync(foreign))) {
        writeFileSync(file, data);
        await check(state, 1 + (where % 4));
      }
      // A cache of the tree as it was, for the tree as it is.
      writeFileSync(file, full);
      carryOut(tree, second, counts);
      const changed = withoutCount(await rootsOf(repository, tree, { workers: 2 }));
      assert.deepEqual(changed, withoutCount(await rootsOf(repository, tree, { useCache: false, workers: 1 })));
      note(counts, "cache stale");
    });
  });
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
  t.diagnostic(shownCounts(counts));
  const states = ["none", "full", "damaged", "cut", "foreign", "stale"].map((state) => `cache ${state}`);
  assert.deepEqual(missingKinds(counts, [...MAKING_KINDS, ...states, "nothing read again"]), []);
  tally("generated trees", "commit", runs);
});

test("a tree that changes a little between commits has the root that a commit without a cache finds", async (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  const counts: Counts = new Map();
  const runs = 2 * times;
  t.diagnostic(`seed ${seed} (FC_SEED), ${runs} runs`);
  const making = operations(MAKING_KINDS, { minLength: 30, maxLength: 60 });
  const little = fc.array(operations(MAKING_KINDS, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 6 });
  const property = fc.asyncProperty(making, little, async (first, rounds) => {
    const folder = scratchFolder(t);
    const tree = `${folder}/tree`;
    const above = `${folder}/above`;
    carryOut(tree, first, counts);
    carryOut(above, first.slice(0, 10), counts);
    const repository = newRepository(t, `${folder}/repository`, "bare-user");
    for (const [index, list] of rounds.entries()) {
      carryOut(tree, list, counts);
      // At once, and when the cache has taken in all that the change left alone, and the change itself.
      for (const rest of [0, REST, REST]) {
        await sleep(rest);
        const roots = withoutCount(await rootsOf(repository, tree, { workers: 2 }));
        assert.deepEqual(roots, withoutCount(await rootsOf(repository, tree, { useCache: false, workers: 1 })));
      }
      note(counts, `folders known: ${knownFolders(repository, tree) > 0}`);
      // What these learn must not be taken for what the tree by itself becomes.
      if (index % 3 === 0) await rootsOf(repository, tree, { sidecar: false });
      else if (index % 3 === 1) {
        const sources = [tree, above].map((path) => ({ kind: "dir", path }) as const);
        await commitTree(repository, { sources });
      }
    }
  });
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
  t.diagnostic(shownCounts(counts));
  // That all kinds are made is the first test's to see: here are few.
  assert.deepEqual(missingKinds(counts, ["folders known: true"]), []);
});

test("a random tree that ostree can store has ostree's root", async (t) => {
  if (!requires(t, { programs: ["ostree", "python3"] })) return;
  const counts: Counts = new Map();
  const runs = 10 * times;
  t.diagnostic(`seed ${seed} (FC_SEED), ${runs} runs`);
  const folder = scratchFolder(t);
  const repository = newRepository(t, `${folder}/repository`, "archive");
  const twin = newOstreeRepository(`${folder}/twin`, "archive");
  let index = 0;
  const property = fc.asyncProperty(operations(PLAIN_KINDS, { minLength: 20, maxLength: 60 }), async (list) => {
    const tree = `${folder}/tree-${index++}`;
    carryOut(tree, list, counts);
    const { tree: root, meta } = await rootsOf(repository, tree, { workers: 1 + (index % 3) });
    const commit = ostree(twin, "commit", "-b", "x", "-s", "s", `--tree=dir=${tree}`);
    assert.deepEqual({ tree: root, meta }, ostreeRoot(twin, commit));
  });
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
  t.diagnostic(shownCounts(counts));
  assert.deepEqual(missingKinds(counts, PLAIN_KINDS), []);
  assert.match(ostree(repository.path, "fsck", "-a"), /no errors found/);
  tally("generated trees", "commit beside ostree", runs);
});

test("a file that was changed under the same size and time is seen by the next commit", async (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  const folder = scratchFolder(t);
  run("mkdir", [`${folder}/tree`]);
  const file = `${folder}/tree/file`;
  const repository = newRepository(t, `${folder}/repository`, "archive");
  const counts: Counts = new Map();
  const contents = new Map<Checksum, string>();
  for (let round = 0; round < 15 * times; round++) {
    const way = WAYS[round % WAYS.length]!;
    // Sometimes at once, sometimes when the cache has taken the file in.
    if (round % 2 === 1) await sleep(REST);
    const text = `content ${String(round).padStart(6, "0")}`;
    if (round === 0) writeFileSync(file, text);
    else change(way, file, text);
    const { tree } = await rootsOf(repository, `${folder}/tree`, {});
    assert.equal(contents.get(tree), undefined, `${way}, round ${round}: taken for "${contents.get(tree)}"`);
    contents.set(tree, text);
    note(counts, way);
  }
  t.diagnostic(shownCounts(counts));
  assert.deepEqual(missingKinds(counts, WAYS), []);
});

const WAYS = ["written", "written through memory", "replaced"] as const;

function change(way: (typeof WAYS)[number], file: string, text: string): void {
  const before: BigIntStats = lstatSync(file, { bigint: true });
  if (way === "written") {
    const fd = openSync(file, "r+");
    writeSync(fd, text, 0);
    closeSync(fd);
  } else if (way === "replaced") {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  } else {
    const script = "import mmap, sys; f = open(sys.argv[1], 'r+b'); m = mmap.mmap(f.fileno(), 0); m[:] = sys.argv[2].encode()";
    run("python3", ["-c", script, file, text]);
  }
  run("python3", ["-c", "import os, sys; os.utime(sys.argv[1], ns=(int(sys.argv[2]),) * 2)", file, String(before.mtimeNs)]);
  const after = lstatSync(file, { bigint: true });
  assert.deepEqual([after.size, after.mtimeNs], [before.size, before.mtimeNs]);
}

async function inScratch(t: TestContext, work: (folder: string) => Promise<void>): Promise<void> {
  // Each run in its own, removed with the test: a failure can be looked at until then.
  await work(scratchFolder(t));
}

function note(counts: Counts, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function cachesOf(repository: Repository): string[] {
  const folder = `${repository.path}/regrow/stat-cache`;
  return readdirSync(folder).map((name) => `${folder}/${name}`);
}

function knownFolders(repository: Repository, tree: string): number {
  return loadStatCache(repository, statAt(CWD, bytesOf(tree)), scanFingerprint(PLAIN_SCAN))?.tree.byInode.size ?? 0;
}

function onlyCache(repository: Repository): string {
  const files = cachesOf(repository);
  assert.equal(files.length, 1);
  return files[0]!;
}

function damagedCaches(full: Buffer, where: number, foreign: Buffer | undefined): [string, Buffer][] {
  const flipped = Buffer.from(full);
  flipped[where % flipped.length]! ^= 1 << (where % 8);
  const list: [string, Buffer][] = [
    ["damaged", flipped],
    ["cut", full.subarray(0, where % full.length)],
    ["cut", Buffer.concat([full, Buffer.alloc(1)])],
  ];
  if (foreign !== undefined) list.push(["foreign", foreign]);
  return list;
}
