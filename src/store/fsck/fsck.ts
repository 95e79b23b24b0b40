/**
 * Checking a repository: every object against its name, everything that commits and refs need, and, for what is not good, which
 * commits and refs it touches. Threads read and hash; this one walks the trees meanwhile.
 */
import { type ByteString } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import { type ObjectName, objectText } from "../../codec/ostree/object-name.ts";
import { startPool } from "../../sys/worker-pool.ts";
import { whileObjectsHeld } from "../hold-objects.ts";
import { OBJECT_FOLDERS, type ObjectIndex, indexObjects } from "../list-objects.ts";
import { hasObject } from "../object-files.ts";
import { listPartial, unmarkPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { withRepositoryLock } from "../repository-lock.ts";
import type { CheckObjectsJob, CheckObjectsResult, DamagedObject } from "./check-objects-job.ts";
import { type BadRef, checkRefs, namedCommits, refsOfCommits } from "./check-refs.ts";
import { findMissing, traceDamage } from "./find-missing.ts";
import { deleteObjects, repairObjects } from "./mend.ts";

export interface FsckOptions {
  /** Remove bad objects and mark the commits that need them as partial; what they lack is told of until it is repaired. */
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
  // A prune must not take away what is being looked at.
  const found = await whileObjectsHeld(repository, observer.signal, () => look(repository, options, observer));
  const bad = await mend(repository, options, found.bad, observer.signal);
  return { ...found, bad, badRefs: checkRefs(repository) };
}

/** Whether nothing is wrong any more. */
export function isSound({ bad, badRefs }: FsckReport): boolean {
  return badRefs.length === 0 && bad.every(({ outcome }) => outcome === "repaired");
}

async function look(repository: Repository, options: FsckOptions, observer: Observer): Promise<Omit<FsckReport, "badRefs">> {
  const index = indexObjects(repository);
  const partial = unchecked(repository);
  const checking = options.quick === true ? Promise.resolve(NOTHING) : checkAll(repository, index, options, observer);
  // It is awaited below; a walk that fails first must not leave its failure unmet.
  checking.catch(() => {});
  const { commits, missing } = findMissing(repository, index, namedCommits(repository), partial, observer.signal);
  const { checked, bytes, damaged } = await checking;
  const all = [...damaged.map((object) => ({ ...object, problem: "damaged" as const })), ...missing.map(asMissing)];
  return {
    checked,
    bytes,
    commits: commits.size,
    partial: [...listPartial(repository).keys()].sort(),
    bad: describe(repository, commits, partial, all),
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
    const touched = (traces.get(objectText(object)) ?? []).sort((a, b) => (a.commit < b.commit ? -1 : 1));
    const names = new Set(touched.flatMap(({ commit }) => refs.get(commit) ?? []));
    return {
      ...object,
      commits: touched.map(({ commit }) => commit),
      refs: [...names].sort(),
      path: touched[0]?.path,
      outcome: "found",
    };
  });
  return described.sort(byName);
}

async function mend(
  repository: Repository,
  options: FsckOptions,
  found: readonly BadObject[],
  signal: AbortSignal | undefined,
): Promise<BadObject[]> {
  const repaired = await repairAll(repository, options.repairFrom, found, signal);
  if (options.repairFrom !== undefined && options.quick !== true) await unmarkWhole(repository, repaired, signal);
  const rest = repaired.filter(({ outcome }) => outcome === "found");
  if (rest.length === 0 || options.delete !== true) return repaired;
  const touched = [...new Set(rest.flatMap(({ commits }) => commits))];
  await deleteObjects(repository, rest, touched, signal);
  unmarkPartial(
    repository,
    rest.filter(({ kind }) => kind === "commit").map(({ checksum }) => checksum),
  );
  return repaired.map((object) => (object.outcome === "found" ? { ...object, outcome: "deleted" } : object));
}

/** A folder or commit that could not be read may have hidden that more is missing below it: so until nothing new is found. */
async function repairAll(
  repository: Repository,
  from: Repository | undefined,
  found: readonly BadObject[],
  signal: AbortSignal | undefined,
): Promise<BadObject[]> {
  const bad = new Map(found.map((object) => [objectText(object), object]));
  let pending = from === undefined ? [] : found;
  while (from !== undefined && pending.length > 0) {
    const repaired = await repairObjects(repository, from, pending, signal);
    for (const object of repaired.map(objectText)) bad.set(object, { ...bad.get(object)!, outcome: "repaired" });
    if (repaired.every(({ kind }) => kind === "file")) break;
    const missing = await withRepositoryLock(repository, "shared", signal, () => lookForMissing(repository, signal));
    pending = missing.filter((object) => !bad.has(objectText(object)));
    for (const object of pending) bad.set(objectText(object), object);
  }
  return [...bad.values()].sort(byName);
}

function lookForMissing(repository: Repository, signal: AbortSignal | undefined): BadObject[] {
  const partial = unchecked(repository);
  const { commits, missing } = findMissing(repository, indexObjects(repository), namedCommits(repository), partial, signal);
  return describe(repository, commits, partial, missing.map(asMissing));
}

/** Commits that rightly lack a part. Those that ostree or regrow marked for their damage still do it wrongly. */
function unchecked(repository: Repository): Set<Checksum> {
  const marks = [...listPartial(repository)].filter(([, reason]) => reason !== "damaged");
  return new Set(marks.map(([commit]) => commit));
}

/** Takes the mark of damage from commits that need nothing any more that is bad. */
async function unmarkWhole(repository: Repository, bad: readonly BadObject[], signal: AbortSignal | undefined): Promise<void> {
  await withRepositoryLock(repository, "shared", signal, () => {
    const missing = lookForMissing(repository, signal);
    const left = bad.filter(({ outcome }) => outcome !== "repaired");
    const hurt = new Set([...missing, ...left].flatMap(({ commits }) => commits));
    const marked = [...listPartial(repository)].filter(([commit, reason]) => reason === "damaged" && !hurt.has(commit));
    const whole = marked.map(([commit]) => commit).filter((commit) => hasObject(repository, "commit", commit));
    unmarkPartial(repository, whole);
  });
}

function asMissing(object: ObjectName): DamagedObject & { readonly problem: "missing" } {
  return { ...object, problem: "missing", reason: "it is missing" };
}

function byName(a: ObjectName, b: ObjectName): number {
  return objectText(a) < objectText(b) ? -1 : 1;
}
