/** What a prune finds needed: the commits that there are, what refs lead to, and all objects of the trees that stay. */
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { ObjectIndex } from "../list-objects.ts";
import { hasObject, loadCommit, loadDirTree } from "../object-files.ts";
import { mergeParentOf } from "../parents.ts";
import { listPartial } from "../partial-commits.ts";
import { listRefFiles, readRefFile } from "../refs.ts";
import type { Repository } from "../repository.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
import { type CommitFacts, type PrunePlan, type PruneRules, planPrune } from "./plan-prune.ts";

export type NeededObjects = Record<"file" | "dirtree" | "dirmeta", Set<Checksum>>;

export interface Reachability {
  readonly commits: ReadonlyMap<Checksum, CommitFacts>;
  readonly plan: PrunePlan;
  readonly needed: NeededObjects;
}

/** `before` is what an earlier look found: what it needed stays. Throws `refused`, `not-found`, `corrupt`, `cancelled`. */
export function gather(
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
  const partial = listPartial(repository);
  const named = tips.map(({ commit }) => commit);
  const lastWhole = nearestWhole(commits, named, (commit) => !partial.has(commit));
  // Also those that an earlier prune has marked, and a cut kept it from removing their trees.
  const marked = [...partial].filter(([, reason]) => reason === "thinned").map(([commit]) => commit);
  const thinCommits = [...(rules.thinCommits ?? []), ...marked].filter((commit) => !lastWhole.has(commit));
  const plan = planPrune(commits, named, companions, { ...rules, thinCommits });
  const needed = before?.needed ?? noObjects();
  let walked = 0;
  for (const commit of plan.whole) {
    markTree(repository, commit, needed, { isPartial: partial.has(commit), signal: observer.signal });
    report(observer, "walk", { done: ++walked, total: plan.whole.size });
  }
  return { commits, plan, needed };
}

export interface ReadRef {
  readonly name: string;
  readonly commit: Checksum;
  readonly isCompanion: boolean;
}

/** What lies behind a commit that is missing can't be known: nothing may go until it is back, or the ref is deleted. */
export function readRefs(repository: Repository): ReadRef[] {
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

/** Throws `not-found`, `corrupt`. */
export function factsOf(repository: Repository, checksum: Checksum): CommitFacts {
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

export interface MarkOptions {
  /** What is not there is passed over. */
  readonly isPartial: boolean;
  readonly signal: AbortSignal | undefined;
  /** Called for each object that was not needed before. */
  readonly onNew?: (kind: keyof NeededObjects, checksum: Checksum) => void;
}

/** Adds what the commit's tree consists of; folders that are needed already are not gone into. Throws `not-found`, `corrupt`, `cancelled`. */
export function markTree(
  repository: Repository,
  commit: Checksum,
  needed: NeededObjects,
  { isPartial, signal, onNew }: MarkOptions,
): void {
  const { tree: root, meta } = loadCommit(repository, commit);
  const add = (kind: keyof NeededObjects, checksum: Checksum): void => {
    if (needed[kind].has(checksum)) return;
    needed[kind].add(checksum);
    onNew?.(kind, checksum);
  };
  add("dirmeta", meta);
  const open = [root];
  for (let tree = open.pop(); tree !== undefined; tree = open.pop()) {
    if (needed.dirtree.has(tree)) continue;
    throwIfCancelled(signal);
    const folder = loadFolder(repository, tree, isPartial);
    // Not marked: another commit may not lack it, and a pull may bring it before the second walk.
    if (folder === undefined) continue;
    add("dirtree", tree);
    for (const { checksum } of folder.files) add("file", checksum);
    for (const dir of folder.dirs) {
      add("dirmeta", dir.meta);
      open.push(dir.tree);
    }
  }
}

export function noObjects(): NeededObjects {
  return { file: new Set(), dirtree: new Set(), dirmeta: new Set() };
}

/** Of each tip the nearest commits, itself or ancestors, that have their tree: they are what is left of its line. */
export function nearestWhole(
  commits: ReadonlyMap<Checksum, CommitFacts>,
  tips: readonly Checksum[],
  isWhole: (commit: Checksum) => boolean,
): Set<Checksum> {
  const nearest = new Set<Checksum>();
  const seen = new Set<Checksum>();
  const open = [...tips];
  for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
    const facts = commits.get(commit);
    if (facts === undefined || seen.has(commit)) continue;
    seen.add(commit);
    if (isWhole(commit)) nearest.add(commit);
    else for (const parent of [facts.parent, ...facts.others]) if (parent !== undefined) open.push(parent);
  }
  return nearest;
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
