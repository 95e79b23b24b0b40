/**
 * Removing what is not needed any more. What is needed is found out beside running commits, under the shared lock; then, under the
 * exclusive one, what has come since is added, and the rest is removed: marks first, then commits, then trees, then content, so
 * that a cut leaves no commit that pretends to be whole.
 */
import { type Observer, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ObjectKind, type ObjectName, looseName } from "../../codec/ostree/object-name.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { tryUnlinkAt } from "../../sys/names.ts";
import { whileObjectsHeld } from "../hold-objects.ts";
import { type ObjectIndex, indexObjects } from "../list-objects.ts";
import { hasObject, objectFile } from "../object-files.ts";
import { listPartial, markPartial, unmarkPartial } from "../partial-commits.ts";
import { recoverRefs } from "../move-refs.ts";
import type { Repository } from "../repository.ts";
import { withRepositoryLock } from "../repository-lock.ts";
import { removeLeftOvers } from "../transaction.ts";
import { type LeftBehind, findLeftBehind, removeLeftBehind } from "./left-behind.ts";
import { finishForgotten, forgottenCommits } from "./forgotten-commits.ts";
import { measureObjects, settledFreeBytes } from "./object-space.ts";
import type { PrunePlan, PruneRules } from "./plan-prune.ts";
import { type Reachability, gather } from "./reachability.ts";

export interface PruneOptions extends Partial<PruneRules> {
  /** Find out and report, remove nothing. */
  readonly dryRun?: boolean | undefined;
  /** Also tell the least that comes free, and what really came free. Takes a look at each file on btrfs and xfs. */
  readonly measure?: boolean | undefined;
}

export interface PruneReport {
  readonly deletedCommits: readonly Checksum[];
  readonly thinnedCommits: readonly Checksum[];
  /** Objects that went, or would go, by kind; of all that there were. */
  readonly objects: Readonly<Record<ObjectKind, number>>;
  readonly totalObjects: number;
  /** Static deltas of commits that go or have gone, or of which the tree does. */
  readonly staticDeltas: number;
  /** Detached metadata of commits that were gone already. */
  readonly detachedMetadata: number;
  /** Bytes that they took on disk. */
  readonly freedBytes: number;
  /** With `measure`: without what shares its blocks with other files, such as those of a snapshot. */
  readonly leastFreedBytes?: number | undefined;
  /** With `measure`, after the run: by how much the file system's free space has grown, whoever else wrote to it. */
  readonly measuredBytes?: number | undefined;
}

/** Throws `locked`, `refused` (a commit that a ref names, or a sidecar), `not-found`, `corrupt` (then nothing is removed), `cancelled`. */
export async function prune(repository: Repository, options: PruneOptions = {}, observer: Observer = {}): Promise<PruneReport> {
  const forgotten = forgottenCommits(repository);
  const rules: PruneRules = {
    depth: options.depth ?? -1,
    keepYoungerThan: options.keepYoungerThan,
    refsOnly: options.refsOnly === true,
    deleteCommits: options.deleteCommits ?? [],
    thinCommits: options.thinCommits,
    dropCommits: new Set([...(options.dropCommits ?? []), ...forgotten]),
  };
  const measure = options.measure === true;
  const index = indexObjects(repository);
  const gathered = await whileObjectsHeld(repository, observer.signal, async () => {
    // What a move of refs that was cut leaves behind it is not to be found needed.
    if (options.dryRun !== true) await recoverRefs(repository);
    return gather(repository, indexObjects(repository), rules, undefined, observer);
  });
  if (options.dryRun === true)
    return describe(repository, index, gathered, {
      objects: unneeded(index, gathered),
      leftBehind: findLeftBehind(repository, index, gathered.plan),
      measure,
    });
  return withRepositoryLock(repository, "exclusive", observer.signal, async () => {
    // A move of refs that a cut left open may be about to name a commit that nothing else names.
    await recoverRefs(repository);
    removeLeftOvers(repository);
    // Commits that came since are in the new index; objects that came since are not in the old one, and stay.
    const newIndex = indexObjects(repository);
    const now = gather(repository, newIndex, rules, gathered, observer);
    const objects = unneeded(index, now);
    const leftBehind = findLeftBehind(repository, newIndex, now.plan);
    const result = describe(repository, index, now, { objects, leftBehind, measure });
    const before = measure ? settledFreeBytes(repository) : 0;
    remove(repository, now.plan, objects, observer);
    removeLeftBehind(repository, leftBehind);
    if (repository.config.fsync) syncFileSystem(repository.fd);
    // Where refs have moved since the first look, objects may have stayed that were needed then: the next prune finishes.
    const isSettled = (commit: Checksum): boolean => gathered.plan.deleted.has(commit) || !now.plan.deleted.has(commit);
    if (forgotten.every(isSettled) && forgottenCommits(repository).length === forgotten.length) finishForgotten(repository);
    return measure ? { ...result, measuredBytes: settledFreeBytes(repository) - before } : result;
  });
}

function unneeded(index: ObjectIndex, { plan, needed }: Reachability): ObjectName[] {
  const list = (kind: ObjectKind, isNeeded: (checksum: Checksum) => boolean): ObjectName[] =>
    [...index[kind]].filter((checksum) => !isNeeded(checksum)).map((checksum) => ({ kind, checksum }));
  return [
    ...list("commit", (checksum) => !plan.deleted.has(checksum)),
    ...list("dirtree", (checksum) => needed.dirtree.has(checksum)),
    ...list("dirmeta", (checksum) => needed.dirmeta.has(checksum)),
    ...list("file", (checksum) => needed.file.has(checksum)),
  ];
}

function remove(repository: Repository, plan: PrunePlan, objects: readonly ObjectName[], observer: Observer): void {
  const { objectsFd, fd, config } = repository;
  for (const commit of plan.thinned) markPartial(repository, commit, "thinned");
  const commits = objects.filter(({ kind }) => kind === "commit");
  // Of commits that are gone since an earlier prune that was cut, or never came: no pull is at work now.
  const stale = [...listPartial(repository).keys()].filter((commit) => !hasObject(repository, "commit", commit));
  for (const { checksum } of commits) tryUnlinkAt(objectsFd, looseName(checksum, "commit"));
  // The order must hold on the disk too: no commit may come back whose tree does not.
  if (config.fsync) syncFileSystem(fd);
  unmarkPartial(repository, [...stale, ...commits.map(({ checksum }) => checksum)]);
  let done = 0;
  for (const { kind, checksum } of objects) {
    if (kind !== "commit") tryUnlinkAt(objectsFd, objectFile(repository, kind, checksum));
    if (++done % 1024 === 0) report(observer, "remove", { done, total: objects.length });
  }
}

interface Removal {
  readonly objects: readonly ObjectName[];
  readonly leftBehind: LeftBehind;
  readonly measure: boolean;
}

function describe(
  repository: Repository,
  index: ObjectIndex,
  { plan }: Reachability,
  { objects, leftBehind, measure }: Removal,
): PruneReport {
  const counts: Record<ObjectKind, number> = { commit: 0, dirtree: 0, dirmeta: 0, file: 0 };
  for (const { kind } of objects) counts[kind]++;
  const { most, least } = measureObjects(repository, objects, { lookForSharing: measure });
  const already = listPartial(repository);
  return {
    deletedCommits: [...plan.deleted].sort(),
    thinnedCommits: [...plan.thinned].filter((commit) => !already.has(commit)).sort(),
    objects: counts,
    totalObjects: index.commit.size + index.dirtree.size + index.dirmeta.size + index.file.size,
    staticDeltas: leftBehind.deltas.length,
    detachedMetadata: leftBehind.detached.filter((commit) => !plan.deleted.has(commit)).length,
    freedBytes: most + leftBehind.bytes,
    ...(measure && { leastFreedBytes: least + leftBehind.bytes }),
  };
}
