/**
 * Checking a repository: every object against its name, everything that commits and refs need, and, for what is not good, which
 * commits and refs it touches. Threads read and hash; this one walks the trees meanwhile.
 */
import { type ByteString } from "../../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import { type ObjectName, objectText } from "../../codec/ostree/object-name.ts";
import { startPool } from "../../sys/worker-pool.ts";
import { holdObjects } from "../hold-objects.ts";
import { OBJECT_FOLDERS, type ObjectIndex, indexObjects } from "../list-objects.ts";
import { hasObject } from "../object-files.ts";
import { listPartial, unmarkPartial } from "../partial-commits.ts";
import { listRefNames, readRef } from "../refs.ts";
import type { Repository } from "../repository.ts";
import type { CheckObjectsJob, CheckObjectsResult, DamagedObject } from "./check-objects-job.ts";
import { findMissing, traceDamage } from "./find-missing.ts";
import { deleteObjects, repairObjects } from "./mend.ts";

export interface FsckOptions {
  /** Remove bad objects and mark the commits that need them as partial. */
  readonly delete?: boolean | undefined;
  /** Fetch bad objects from there. */
  readonly repairFrom?: Repository | undefined;
  /** Only look whether everything is there; read no content. */
  readonly quick?: boolean | undefined;
  readonly workers?: number | undefined;
}

export interface BadObject extends ObjectName {
  readonly problem: "missing" | "damaged";
  readonly reason: string;
  /** Commits whose tree holds it, and refs whose history holds such a commit. */
  readonly commits: readonly Checksum[];
  readonly refs: readonly string[];
  /** The first path at which it stands in the first of the commits. */
  readonly path: ByteString | undefined;
  readonly outcome: "found" | "repaired" | "deleted";
}

export interface BadRef {
  readonly name: string;
  readonly reason: string;
}

export interface FsckReport {
  readonly checked: number;
  readonly bytes: number;
  readonly commits: number;
  /** Commits that are known to lack a part of their tree. */
  readonly partial: readonly Checksum[];
  /** Sorted. Empty for a good repository. */
  readonly bad: readonly BadObject[];
  readonly badRefs: readonly BadRef[];
}

const DEFAULT_WORKERS = 2;
const FOLDERS_PER_JOB = 8;

/** Throws `locked`, `cancelled`, SystemError; damage is a result, not an error. */
export async function checkRepository(
  repository: Repository,
  options: FsckOptions = {},
  observer: Observer = {},
): Promise<FsckReport> {
  const release = await holdObjects(repository, observer.signal);
  let found: FsckReport;
  try {
    found = await look(repository, options, observer);
  } finally {
    release();
  }
  return { ...found, bad: await mend(repository, options, found.bad, observer.signal) };
}

/** Whether nothing is wrong any more. */
export function isSound({ bad, badRefs }: FsckReport): boolean {
  return badRefs.length === 0 && bad.every(({ outcome }) => outcome === "repaired");
}

async function look(repository: Repository, options: FsckOptions, observer: Observer): Promise<FsckReport> {
  const index = indexObjects(repository);
  const partial = new Set(listPartial(repository).keys());
  const checking = options.quick === true ? Promise.resolve(NOTHING) : checkAll(repository, index, options, observer);
  // It is awaited below; a walk that fails first must not leave its failure unmet.
  checking.catch(() => {});
  const { commits, missing } = findMissing(repository, index, partial, observer.signal);
  const { checked, bytes, damaged } = await checking;
  const all = [
    ...damaged.map((object) => ({ ...object, problem: "damaged" as const })),
    ...missing.map((object) => ({ ...object, problem: "missing" as const, reason: "it is missing" })),
  ];
  const badRefs = checkRefs(repository);
  return {
    checked,
    bytes,
    commits: commits.size,
    partial: [...partial].sort(),
    bad: describe(repository, commits, partial, all),
    badRefs,
  };
}

const NOTHING: CheckObjectsResult = { checked: 0, bytes: 0, damaged: [] };

async function checkAll(
  repository: Repository,
  index: ObjectIndex,
  options: FsckOptions,
  observer: Observer,
): Promise<CheckObjectsResult> {
  const total = index.file.size + index.dirtree.size + index.dirmeta.size + index.commit.size;
  const pool = startPool({ workers: options.workers ?? DEFAULT_WORKERS });
  const sum = { checked: 0, bytes: 0, damaged: [] as DamagedObject[] };
  try {
    const jobs: Promise<void>[] = [];
    for (let at = 0; at < OBJECT_FOLDERS.length; at += FOLDERS_PER_JOB) {
      const job: CheckObjectsJob = { repository, folders: OBJECT_FOLDERS.slice(at, at + FOLDERS_PER_JOB) };
      const work = pool.run<CheckObjectsJob, CheckObjectsResult>("check-objects", job).then((result) => {
        sum.checked += result.checked;
        sum.bytes += result.bytes;
        sum.damaged.push(...result.damaged);
        report(observer, "check", { done: sum.checked, total, bytes: sum.bytes });
        throwIfCancelled(observer.signal);
      });
      jobs.push(work);
    }
    await Promise.all(jobs);
    return sum;
  } finally {
    await pool.close();
  }
}

function describe(
  repository: Repository,
  commits: ReadonlyMap<Checksum, Commit>,
  partial: ReadonlySet<Checksum>,
  objects: readonly (DamagedObject & { readonly problem: BadObject["problem"] })[],
): BadObject[] {
  if (objects.length === 0) return [];
  const traces = traceDamage(repository, commits, partial, new Set(objects.map(objectText)));
  const refs = refsOfCommits(repository, commits);
  const described = objects.map((object): BadObject => {
    const touched = traces.get(objectText(object)) ?? [];
    const names = new Set(touched.flatMap(({ commit }) => refs.get(commit) ?? []));
    return {
      ...object,
      commits: touched.map(({ commit }) => commit).sort(),
      refs: [...names].sort(),
      path: touched[0]?.path,
      outcome: "found",
    };
  });
  return described.sort((a, b) => (objectText(a) < objectText(b) ? -1 : 1));
}

function refsOfCommits(repository: Repository, commits: ReadonlyMap<Checksum, Commit>): Map<Checksum, string[]> {
  const refs = new Map<Checksum, string[]>();
  for (const name of listRefNames(repository)) {
    let at = tryReadRef(repository, name);
    for (const seen = new Set<Checksum>(); at !== undefined && !seen.has(at); at = commits.get(at)?.parent) {
      seen.add(at);
      refs.set(at, [...(refs.get(at) ?? []), name]);
    }
  }
  return refs;
}

function checkRefs(repository: Repository): BadRef[] {
  const bad: BadRef[] = [];
  for (const name of listRefNames(repository)) {
    try {
      const commit = readRef(repository, name);
      if (commit !== undefined && !hasObject(repository, "commit", commit))
        bad.push({ name, reason: `it names the commit ${commit}, which is missing` });
    } catch (error) {
      if (!(error instanceof RegrowError) || error.code !== "corrupt") throw error;
      bad.push({ name, reason: "it holds no checksum" });
    }
  }
  return bad;
}

function tryReadRef(repository: Repository, name: string): Checksum | undefined {
  try {
    return readRef(repository, name);
  } catch (error) {
    if (error instanceof RegrowError && error.code === "corrupt") return undefined;
    throw error;
  }
}

async function mend(
  repository: Repository,
  options: FsckOptions,
  bad: readonly BadObject[],
  signal: AbortSignal | undefined,
): Promise<BadObject[]> {
  const outcomes = new Map<string, BadObject["outcome"]>();
  if (bad.length > 0 && options.repairFrom !== undefined) {
    for (const object of await repairObjects(repository, options.repairFrom, bad, signal))
      outcomes.set(objectText(object), "repaired");
  }
  const rest = bad.filter((object) => !outcomes.has(objectText(object)));
  if (rest.length > 0 && options.delete === true) {
    const touched = [...new Set(rest.flatMap(({ commits }) => commits))];
    await deleteObjects(repository, rest, touched, signal);
    unmarkPartial(
      repository,
      rest.filter(({ kind }) => kind === "commit").map(({ checksum }) => checksum),
    );
    for (const object of rest) outcomes.set(objectText(object), "deleted");
  }
  return bad.map((object) => ({ ...object, outcome: outcomes.get(objectText(object)) ?? "found" }));
}
