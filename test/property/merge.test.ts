/**
 * Merges of random edits: those that don't meet come out as if one had been done after the other, in whatever order; those that do
 * lose nothing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ByteString, EMPTY } from "../../src/base/byte-string.ts";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { finishCommit } from "../../src/store/finish-commit.ts";
import type { Side } from "../../src/store/merge/merge-types.ts";
import { mergeCommits } from "../../src/store/merge/merge.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import type { Repository } from "../../src/store/repository.ts";
import { stageContent } from "../../src/store/stage-content.ts";
import { type Transaction, withTransaction } from "../../src/store/transaction.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";
import { stagingSink } from "../../src/store/tree/tree-sinks.ts";
import { type FolderNode, newFolder } from "../../src/store/tree/working-tree.ts";
import { writeTree } from "../../src/store/tree/write-tree.ts";
import { startPool, type WorkerPool } from "../../src/sys/worker-pool.ts";
import { filesOf } from "../support/histories.ts";
import { newRepository } from "../support/repositories.ts";
import { scratchFolder } from "../support/scratch.ts";
import { tally } from "../support/tally.ts";
import { times } from "../support/property.ts";

interface File {
  readonly mode: number;
  readonly data: string;
  /** Seconds. */
  readonly time: number;
}

type Files = ReadonlyMap<string, File>;

/** Undefined deletes the file. */
interface Edit {
  readonly path: string;
  readonly file: File | undefined;
}

const FOLDERS = ["", "a/", "a/b/", "c/"];
const PATHS = FOLDERS.flatMap((folder) => ["1", "2", "3", "4"].map((name) => folder + name));

const anyFile = fc.record({
  mode: fc.constantFrom(0o644, 0o755, 0o600),
  data: fc.constantFrom("", "x", "y", "z"),
  time: fc.integer({ min: 0, max: 1000 }),
});
const anyPath = fc.constantFrom(...PATHS);
const anyFiles = fc.dictionary(anyPath, anyFile).map((files) => new Map(Object.entries(files)));
const anyEdits = fc.array(fc.record({ path: anyPath, file: fc.option(anyFile, { nil: undefined }) }), { maxLength: 12 });

function applied(files: Files, edits: readonly Edit[]): Files {
  const result = new Map(files);
  for (const { path, file } of edits) {
    if (file === undefined) result.delete(path);
    else result.set(path, file);
  }
  return result;
}

/** Each folder keeps a file that nobody touches, so that none comes or goes. */
function treeOf(transaction: Transaction, files: Files): FolderNode {
  const newDir = (): FolderNode => newFolder({ uid: 0, gid: 0, mode: 0o040755, xattrs: [] });
  const root = newDir();
  const put = (path: string, { mode, data, time }: File): void => {
    const pieces = path.split("/") as ByteString[];
    const name = pieces.pop()!;
    let folder = root;
    for (const piece of pieces) {
      let child = folder.dirs.get(piece);
      if (child === undefined) folder.dirs.set(piece, (child = newDir()));
      folder = child;
    }
    const checksum = stageContent(
      transaction,
      { uid: 0, gid: 0, mode: 0o100000 | mode, target: EMPTY, xattrs: [] },
      Buffer.from(data),
    );
    folder.files.set(name, {
      checksum,
      extras: { time: { seconds: time, nanoseconds: 0 }, flags: 0, data: undefined, group: undefined },
    });
  };
  for (const folder of FOLDERS) put(`${folder}keep`, { mode: 0o644, data: "keep", time: 0 });
  for (const [path, file] of files) put(path, file);
  return root;
}

async function commitOf(repository: Repository, pool: WorkerPool, files: Files, parent: Checksum | null): Promise<Checksum> {
  return withTransaction(repository, undefined, async (transaction) => {
    const sink = stagingSink(transaction, pool);
    const written = writeTree(sink, treeOf(transaction, files), { sidecar: true });
    await sink.flush();
    return (await finishCommit(transaction, { parent, timestamp: 1 }, written)).commit;
  });
}

/** Root and sidecar: all that there is of a tree. */
function identity(repository: Repository, commit: Checksum): string {
  const object = loadCommit(repository, commit);
  return `${object.tree} ${object.meta} ${loadCommit(repository, sidecarCommitOf(object)!).tree}`;
}

async function merged(
  repository: Repository,
  base: Checksum,
  ours: Checksum,
  theirs: Checksum,
  favour?: Side,
): Promise<Checksum | undefined> {
  return (await mergeCommits(repository, { base, ours, theirs, favour, timestamp: 1 })).commit;
}

test("edits of different files merge into both, in either order", async (t) => {
  const repository = newRepository(t, `${scratchFolder(t)}/repo`, "archive");
  const pool = startPool({ workers: 1 });
  t.after(() => pool.close());
  let runs = 0;
  let nonTrivial = 0;
  const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
  const property = fc.asyncProperty(anyFiles, anyEdits, anyEdits, async (files, mine, others) => {
    const touched = new Set(mine.map(({ path }) => path));
    const disjoint = others.filter(({ path }) => !touched.has(path));
    runs++;
    if (mine.length > 0 && disjoint.length > 0) nonTrivial++;
    const base = await commitOf(repository, pool, files, null);
    const ours = await commitOf(repository, pool, applied(files, mine), base);
    const theirs = await commitOf(repository, pool, applied(files, disjoint), base);
    const both = await commitOf(repository, pool, applied(applied(files, mine), disjoint), base);
    const there = await merged(repository, base, ours, theirs);
    const back = await merged(repository, base, theirs, ours);
    assert.equal(identity(repository, there!), identity(repository, both));
    assert.equal(identity(repository, back!), identity(repository, both));
    assert.equal(identity(repository, (await merged(repository, base, base, theirs))!), identity(repository, theirs));
    assert.equal(identity(repository, (await merged(repository, base, ours, base))!), identity(repository, ours));
  });
  await fc.assert(property, { seed, numRuns: times(60) });
  t.diagnostic(`seed ${seed} (FC_SEED): ${runs} merges, ${nonTrivial} of edits on both sides`);
  assert.ok(nonTrivial > runs / 4);
  tally("generated trees", "merge", 3 * runs);
});

test("edits of the same files lose nothing, whichever side is favoured", async (t) => {
  const repository = newRepository(t, `${scratchFolder(t)}/repo`, "archive");
  const pool = startPool({ workers: 1 });
  t.after(() => pool.close());
  let runs = 0;
  let clashes = 0;
  const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
  const property = fc.asyncProperty(
    anyFiles,
    anyEdits,
    anyEdits,
    fc.constantFrom<Side>("ours", "theirs"),
    async (files, mine, others, favour) => {
      runs++;
      const sides = { ours: applied(files, mine), theirs: applied(files, others) };
      const base = await commitOf(repository, pool, files, null);
      const ours = await commitOf(repository, pool, sides.ours, base);
      const theirs = await commitOf(repository, pool, sides.theirs, base);
      const planned = await mergeCommits(repository, { base, ours, theirs, dryRun: true });
      const real = await mergeCommits(repository, { base, ours, theirs, timestamp: 1 });
      assert.deepEqual(
        planned.conflicts.map(({ path }) => path),
        real.conflicts.map(({ path }) => path),
      );
      assert.equal(real.commit === undefined, real.conflicts.length > 0);
      if (real.conflicts.length > 0) clashes++;
      const result = filesOf(repository, (await merged(repository, base, ours, theirs, favour))!);
      for (const side of ["ours", "theirs"] as const) {
        for (const [path, { data }] of sides[side]) {
          if (files.get(path)?.data === data) continue;
          const found = [result[path], result[`${path}.${side}`]].some((entry) => entry?.slice(4) === data);
          assert.ok(found, `${path} of ${side}: ${data}: ${JSON.stringify(result)}`);
        }
      }
      for (const [path, { data, mode }] of sides[favour]) {
        const before = files.get(path);
        if (before?.data !== data) assert.equal(result[path]?.slice(4), data, "what is favoured stays in place");
        if (before !== undefined && before.mode !== mode && result[path] !== undefined)
          assert.equal(result[path].slice(0, 3), mode.toString(8));
      }
    },
  );
  await fc.assert(property, { seed, numRuns: times(60) });
  t.diagnostic(`seed ${seed} (FC_SEED): ${runs} merges, ${clashes} with conflicts`);
  assert.ok(clashes > runs / 10);
  tally("generated trees", "merge", 3 * runs);
});
