/**
 * Removing what is not needed any more. What is needed is found out beside running commits, under the shared lock; then, under the
 * exclusive one, what has come since is added, and the rest is removed: marks first, then commits, then trees, then content, so
 * that a cut leaves no commit that pretends to be whole.
 */
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ObjectKind, type ObjectName, looseName } from "../../codec/ostree/object-name.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { tryUnlinkAt } from "../../sys/names.ts";
import { tryStatAt } from "../../sys/stat.ts";
import { whileObjectsHeld } from "../hold-objects.ts";
import { type ObjectIndex, indexObjects } from "../list-objects.ts";
import { hasObject, loadCommit, loadDirTree, objectFile } from "../object-files.ts";
import { mergeParentOf } from "../parents.ts";
import { listPartial, markPartial, unmarkPartial } from "../partial-commits.ts";
import { recoverRefs } from "../move-refs.ts";
import { listRefFiles, readRefFile } from "../refs.ts";
import type { Repository } from "../repository.ts";
import { withRepositoryLock } from "../repository-lock.ts";
import { removeLeftOvers } from "../transaction.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
import { type LeftBehind, findLeftBehind, removeLeftBehind } from "./left-behind.ts";
import { type CommitFacts, type PrunePlan, type PruneRules, planPrune } from "./plan-prune.ts";

export interface PruneOptions extends Partial<PruneRules> {
  /** Find out and report, remove nothing. */
  readonly dryRun?: boolean | undefined;
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
}

interface Reachability {
  readonly commits: ReadonlyMap<Checksum, CommitFacts>;
  readonly plan: PrunePlan;
  readonly needed: Record<"file" | "dirtree" | "dirmeta", Set<Checksum>>;
}

/** Throws `locked`, `refused` (a commit that a ref names, or a sidecar), `not-found`, `corrupt` (then nothing is removed), `cancelled`. */
export async function prune(repository: Repository, options: PruneOptions = {}, observer: Observer = {}): Promise<PruneReport> {
  const rules: PruneRules = {
    depth: options.depth ?? -1,
    keepYoungerThan: options.keepYoungerThan,
    refsOnly: options.refsOnly === true,
    deleteCommits: options.deleteCommits ?? [],
  };
  const index = indexObjects(repository);
  const gathered = await whileObjectsHeld(repository, observer.signal, () =>
    gather(repository, indexObjects(repository), rules, undefined, observer),
  );
  if (options.dryRun === true)
    return describe(repository, index, gathered, unneeded(index, gathered), findLeftBehind(repository, index, gathered.plan));
  return withRepositoryLock(repository, "exclusive", observer.signal, async () => {
    // A move of refs that a cut left open may be about to name a commit that nothing else names.
    await recoverRefs(repository);
    removeLeftOvers(repository);
    // Commits that came since are in the new index; objects that came since are not in the old one, and stay.
    const newIndex = indexObjects(repository);
    const now = gather(repository, newIndex, rules, gathered, observer);
    const objects = unneeded(index, now);
    const leftBehind = findLeftBehind(repository, newIndex, now.plan);
    const result = describe(repository, index, now, objects, leftBehind);
    remove(repository, now.plan, objects, observer);
    removeLeftBehind(repository, leftBehind);
    if (repository.config.fsync) syncFileSystem(repository.fd);
    return result;
  });
}

function gather(
  repository: Repository,
  index: ObjectIndex,
  rules: PruneRules,
  before: Reachability | undefined,
  observer: Observer,
): Reachability {
  const commits = new Map(before?.commits);
  for (const checksum of index.commit) if (!commits.has(checksum)) commits.set(checksum, factsOf(repository, checksum));
  for (const checksum of commits.keys()) if (!index.commit.has(checksum)) commits.delete(checksum);
  const refs = readRefs(repository);
  const tips = refs.filter(({ isCompanion }) => !isCompanion);
  for (const commit of rules.deleteCommits) refuseNeeded(commit, commits, tips);
  const companions = refs.filter(({ isCompanion }) => isCompanion).map(({ commit }) => commit);
  const plan = planPrune(
    commits,
    tips.map(({ commit }) => commit),
    companions,
    rules,
  );
  const needed = before?.needed ?? { file: new Set(), dirtree: new Set(), dirmeta: new Set() };
  const partial = listPartial(repository);
  let walked = 0;
  for (const commit of plan.whole) {
    markTree(repository, commit, needed, partial.has(commit), observer.signal);
    report(observer, "walk", { done: ++walked, total: plan.whole.size });
  }
  return { commits, plan, needed };
}

interface ReadRef {
  readonly name: string;
  readonly commit: Checksum;
  readonly isCompanion: boolean;
}

/** What lies behind a commit that is missing can't be known: nothing may go until it is back, or the ref is deleted. */
function readRefs(repository: Repository): ReadRef[] {
  return listRefFiles(repository).flatMap(({ name, path, isCompanion }) => {
    const commit = readRefFile(repository, path);
    if (commit === undefined) return [];
    if (hasObject(repository, "commit", commit)) return [{ name, commit, isCompanion }];
    throw new RegrowError("corrupt", `${name}: names the commit ${commit}, which is missing.`, {
      path: name,
      hint: "`regrow fsck --repair-from REPO` fetches it again; without it, what it came from would be removed.",
    });
  });
}

function factsOf(repository: Repository, checksum: Checksum): CommitFacts {
  const commit = loadCommit(repository, checksum);
  const other = mergeParentOf(commit);
  return {
    parent: commit.parent,
    others: other === undefined ? [] : [other],
    sidecar: sidecarCommitOf(commit),
    timestamp: commit.timestamp,
  };
}

function refuseNeeded(
  commit: Checksum,
  commits: ReadonlyMap<Checksum, CommitFacts>,
  refs: readonly { name: string; commit: Checksum }[],
): void {
  if (!commits.has(commit)) throw new RegrowError("not-found", `${commit}: there is no such commit.`, { path: commit });
  for (const [owner, { sidecar }] of commits) {
    if (sidecar !== commit) continue;
    throw new RegrowError("refused", `${commit}: is the sidecar of ${owner}.`, {
      path: commit,
      hint: "It goes when that commit's tree goes.",
    });
  }
  const ref = refs.find((candidate) => candidate.commit === commit);
  if (ref === undefined) return;
  throw new RegrowError("refused", `${commit}: is what ${ref.name} names.`, {
    path: commit,
    hint: `Move or delete ${ref.name} first.`,
  });
}

function markTree(
  repository: Repository,
  commit: Checksum,
  needed: Reachability["needed"],
  isPartial: boolean,
  signal: AbortSignal | undefined,
): void {
  const { tree: root, meta } = loadCommit(repository, commit);
  needed.dirmeta.add(meta);
  const open = [root];
  for (let tree = open.pop(); tree !== undefined; tree = open.pop()) {
    if (needed.dirtree.has(tree)) continue;
    throwIfCancelled(signal);
    const folder = loadFolder(repository, tree, isPartial);
    // Not marked: another commit may not lack it, and a pull may bring it before the second walk.
    if (folder === undefined) continue;
    needed.dirtree.add(tree);
    for (const { checksum } of folder.files) needed.file.add(checksum);
    for (const dir of folder.dirs) {
      needed.dirmeta.add(dir.meta);
      open.push(dir.tree);
    }
  }
}

/** A commit that is known to lack parts keeps what it has; any other that lacks one stops the prune: fsck comes first. */
function loadFolder(repository: Repository, tree: Checksum, isPartial: boolean): ReturnType<typeof loadDirTree> | undefined {
  try {
    return loadDirTree(repository, tree);
  } catch (error) {
    if (isPartial && error instanceof RegrowError && error.code === "not-found") return undefined;
    throw error;
  }
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

function describe(
  repository: Repository,
  index: ObjectIndex,
  { plan }: Reachability,
  objects: readonly ObjectName[],
  leftBehind: LeftBehind,
): PruneReport {
  const counts: Record<ObjectKind, number> = { commit: 0, dirtree: 0, dirmeta: 0, file: 0 };
  let freedBytes = leftBehind.bytes;
  for (const { kind, checksum } of objects) {
    counts[kind]++;
    const stat = tryStatAt(repository.objectsFd, objectFile(repository, kind, checksum));
    // A file with other names, from a checkout by hard links, frees nothing.
    if (stat !== undefined && stat.nlink === 1) freedBytes += stat.blocks * 512;
  }
  const already = listPartial(repository);
  return {
    deletedCommits: [...plan.deleted].sort(),
    thinnedCommits: [...plan.thinned].filter((commit) => !already.has(commit)).sort(),
    objects: counts,
    totalObjects: index.commit.size + index.dirtree.size + index.dirmeta.size + index.file.size,
    staticDeltas: leftBehind.deltas.length,
    detachedMetadata: leftBehind.detached.filter((commit) => !plan.deleted.has(commit)).length,
    freedBytes,
  };
}
