/**
 * Any tree goes through archives and the store without loss: archive → commit → archive → commit gives the same checksums, and the
 * checked out tree, scanned from the disk, gives them too. An archive cut short anywhere leaves the repository as it was.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import fc from "fast-check";
import type { ByteString } from "../../src/base/byte-string.ts";
import type { TarWriteEntry } from "../../src/codec/tar/entry.ts";
import { writeTar } from "../../src/codec/tar/write.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { listRefs } from "../../src/store/refs.ts";
import { type Repository, closeRepository, initRepository, openRepository } from "../../src/store/repository.ts";
import { requires } from "../support/requires.ts";
import { collect } from "../support/tar-archive.ts";
import { commitFolder, commitTar, exported } from "../support/tar-store.ts";
import { tally } from "../support/tally.ts";
import { times } from "../support/property.ts";

const RUNS = times(25);
/** The granularity of holes on disk. */
const PAGE = 4096;
const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);

type Kind = "file" | "sparse" | "symlink" | "hardlink" | "character" | "fifo" | "directory";

interface Sample {
  readonly kind: Kind;
  readonly names: readonly string[];
  /** Which of the files before it a hard link is for. */
  readonly pick: number;
  readonly mode: number;
  readonly uid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly size: number;
  readonly stretches: readonly number[];
  readonly xattr: string | undefined;
}

const nameArbitrary = fc.oneof(
  fc.constantFrom("a", "a-b", "a.", "b", "usr", "%", "%.names", " ", "-x"),
  fc
    .array(
      fc
        .integer({ min: 1, max: 255 })
        .filter((code) => code !== 0x2f)
        .map((code) => String.fromCharCode(code)),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((parts) => parts.join(""))
    .filter((name) => name !== "." && name !== ".."),
);

const sampleArbitrary: fc.Arbitrary<Sample> = fc.record(
  {
    kind: fc.constantFrom<Kind>("file", "file", "sparse", "symlink", "hardlink", "hardlink", "character", "fifo", "directory"),
    names: fc.array(nameArbitrary, { minLength: 1, maxLength: 4 }),
    pick: fc.nat(),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.constantFrom(0, 1000, 2 ** 21, 2 ** 32 - 2),
    // What ext4 holds; at the first second that it has, Linux drops the nanoseconds.
    seconds: fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 33 }),
    nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    size: fc.integer({ min: 0, max: 3000 }),
    stretches: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 5 }),
    xattr: fc.option(fc.constantFrom("", "value", "\0\xff"), { nil: undefined }),
  },
  { noNullPrototype: true },
);

test("a tree goes through archive, store and disk without loss", async (t) => {
  if (!requires(t, { root: true })) return;
  const counts: Record<string, number> = {};
  t.diagnostic(`seed ${seed} (FC_SEED), ${RUNS} runs`);
  await inRepository(async (folder, repository) => {
    let round = 0;
    const property = fc.asyncProperty(fc.array(sampleArbitrary, { minLength: 1, maxLength: 25 }), async (samples) => {
      const entries = entriesOf(samples);
      for (const { type } of entries) counts[type] = (counts[type] ?? 0) + 1;
      writeFileSync(`${folder}/a.tar`, await collect(writeTar(entries)));
      const first = await commitTar(repository, `${folder}/a.tar`);
      const archive = await exported(repository, first.commit);
      writeFileSync(`${folder}/b.tar`, archive);
      const second = await commitTar(repository, `${folder}/b.tar`);
      assert.deepEqual(second, first);
      assert.ok(archive.equals(await exported(repository, second.commit)));
      const checkout = `${folder}/checkout-${round++}`;
      await checkoutCommit(repository, first.commit, checkout, { workers: 1 });
      assert.deepEqual(await commitFolder(repository, checkout), first);
      rmSync(checkout, { recursive: true });
    });
    await fc.assert(property, { seed, numRuns: RUNS });
  });
  t.diagnostic(JSON.stringify(counts));
  tally("generated trees", "archive", RUNS);
});

test("an archive cut anywhere is refused and leaves nothing", async (t) => {
  t.diagnostic(`seed ${seed} (FC_SEED), ${RUNS} runs`);
  await inRepository(async (folder, repository) => {
    const samples = fc.array(sampleArbitrary, { minLength: 2, maxLength: 6 });
    const property = fc.asyncProperty(samples, fc.double({ min: 0, max: 1, noNaN: true }), async (some, where) => {
      const archive = await collect(writeTar(entriesOf(some)));
      const place = Math.floor((archive.length - 1024) * where);
      // Between two entries an archive may end.
      const cut = place % 512 === 0 ? place + 1 : place;
      writeFileSync(`${folder}/cut.tar`, archive.subarray(0, cut));
      await assert.rejects(commitTar(repository, `${folder}/cut.tar`, { branch: "main" }), { code: "corrupt" });
      assert.deepEqual(listRefs(repository), []);
    });
    await fc.assert(property, { seed, numRuns: RUNS });
  });
  tally("damaged inputs", "archives", RUNS);
});

/** A folder that is there is never replaced, nothing lies below anything else, and a hard link names what is there by then. */
function entriesOf(samples: readonly Sample[]): TarWriteEntry[] {
  const placed = new Map<string, TarWriteEntry>();
  const folders = new Set([""]);
  const facts = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 1, nanoseconds: 0 } };
  const entries: TarWriteEntry[] = [{ ...facts, name: "./" as ByteString, type: "directory" }];
  for (const sample of samples) {
    const parents = sample.names.slice(0, -1).map((_, index) => sample.names.slice(0, index + 1).join("/"));
    const path = sample.names.join("/");
    if (parents.some((parent) => placed.has(parent))) continue;
    if (folders.has(path) && sample.kind !== "directory") continue;
    for (const parent of parents) {
      // Folders that are only implied have no time, and what is on disk has one.
      if (!folders.has(parent)) entries.push({ ...facts, name: `${parent}/` as ByteString, type: "directory" });
      folders.add(parent);
    }
    const targets = [...placed.keys()];
    const entry = entryOf(sample, path, targets.length === 0 ? undefined : targets[sample.pick % targets.length]);
    entries.push(entry);
    placed.delete(path);
    if (entry.type === "directory") folders.add(path);
    else placed.set(path, entry);
  }
  return entries;
}

function entryOf(sample: Sample, path: string, target: string | undefined): TarWriteEntry {
  const { kind, mode, uid, size, seconds, nanoseconds, xattr } = sample;
  const name = path as ByteString;
  const mtime = { seconds, nanoseconds };
  const xattrs = xattr === undefined ? [] : [{ name: "trusted.test" as ByteString, value: Buffer.from(xattr, "latin1") }];
  const facts = { name, mode, uid, gid: uid, mtime, xattrs };
  if (kind === "hardlink" && target !== undefined)
    return { ...facts, type: "hardlink", linkName: target as ByteString, xattrs: [] };
  if (kind === "symlink") return { ...facts, type: "symlink", linkName: "../../some\xfftarget" as ByteString };
  if (kind === "character") return { ...facts, type: "character", devMajor: 1, devMinor: 3 };
  if (kind === "fifo" || kind === "directory") return { ...facts, type: kind };
  if (kind !== "sparse") return { ...facts, type: "file", size, content: [Buffer.alloc(size, path, "latin1")] };
  return { ...facts, type: "file", ...sparseParts(sample) };
}

/** Data and holes in turn, in whole pages, and a hole at the end. */
function sparseParts({ stretches }: Sample): Pick<TarWriteEntry, "size" | "sparse" | "content"> {
  let at = PAGE;
  const sparse = stretches.map((pages) => {
    const stretch = { offset: at, length: pages * PAGE };
    at += stretch.length + 2 * PAGE;
    return stretch;
  });
  return { size: at + 10, sparse, content: sparse.map(({ length }) => Buffer.alloc(length, "data")) };
}

async function inRepository(work: (folder: string, repository: Repository) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/regrow-tar-`);
  initRepository(`${folder}/repository`, { mode: "archive" });
  const repository = openRepository(`${folder}/repository`);
  try {
    await work(folder, repository);
  } finally {
    closeRepository(repository);
    rmSync(folder, { recursive: true });
  }
}
