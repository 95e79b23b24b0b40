/**
 * Commits without the forgotten paths, and those that come after them: the same but for tree, sidecar and parents. What is not changed by
 * it stays the very same commit.
 *
 * A commit that was thinned has no tree to rewrite. It keeps the checksum of the tree that it had, so that its place in history is
 * told rightly, and its mark, so that nobody takes it for whole; nothing of what is forgotten is in it. One that lacks only parts
 * may hold what is forgotten in a part that can't be reached, so it is refused unless all folders on the way are there.
 */
import { RegrowError } from "../../base/errors.ts";
import type { Dictionary, Variant } from "../../codec/gvariant/value.ts";
import { type Checksum, rawChecksum } from "../../codec/ostree/checksum.ts";
import { type Commit, encodeCommit } from "../../codec/ostree/commit.ts";
import { hasObject, loadCommit } from "../object-files.ts";
import { MERGE_PARENT_KEY, mergeParentOf, parentsOf } from "../parents.ts";
import { type PartialReason, listPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { SIDECAR_KEY, sidecarCommitOf } from "../tree/folder-view.ts";
import { type ForgetSink, type TreeForgetter, forgetInTree, newTreeForgetter } from "./forget-in-tree.ts";
import { type SidecarForgetter, forgetInSidecar, newSidecarForgetter } from "./forget-in-sidecar.ts";
import type { PathNode } from "./path-set.ts";

export interface RewrittenCommit {
  readonly from: Checksum;
  readonly to: Checksum;
  /** Whether its own tree had a forgotten path, so that a snapshot of it still has; undefined where its tree is gone. */
  readonly hadPath: boolean | undefined;
}

/** Where objects go; `commit` returns the checksum. */
export interface CommitSink extends ForgetSink {
  readonly commit: (data: Buffer) => Checksum;
}

export interface CommitRewriter {
  readonly repository: Repository;
  readonly sink: CommitSink;
  readonly paths: PathNode;
  readonly trees: TreeForgetter;
  readonly sidecars: SidecarForgetter;
  readonly partial: ReadonlyMap<Checksum, PartialReason>;
  /** What each commit that was looked at has become; those of sidecars among them. */
  readonly mapped: Map<Checksum, Checksum>;
  /** Those that have changed, parents before children. No sidecars. */
  readonly rewritten: RewrittenCommit[];
  /** Marks that the new commits need before they can be seen. */
  readonly marks: Map<Checksum, PartialReason>;
  /** Keys of metadata that described the tree as it was. */
  readonly lostKeys: Set<string>;
}

export function newCommitRewriter(repository: Repository, sink: CommitSink, paths: PathNode): CommitRewriter {
  const trees = newTreeForgetter(repository, sink);
  return {
    repository,
    sink,
    paths,
    trees,
    sidecars: newSidecarForgetter(trees, paths),
    partial: listPartial(repository),
    mapped: new Map(),
    rewritten: [],
    marks: new Map(),
    lostKeys: new Set(),
  };
}

/** The commit and all that it comes from, as far as the repository has it. Throws `refused`, `not-found`, `corrupt`, `no-space`. */
export function rewriteHistory(state: CommitRewriter, tip: Checksum): void {
  const open = [tip];
  while (open.length > 0) {
    const checksum = open.at(-1)!;
    const commit = state.mapped.has(checksum) ? undefined : loadCommit(state.repository, checksum);
    const before = commit === undefined ? [] : parentsOf(commit).filter((parent) => isToCome(state, parent));
    if (before.length > 0) {
      open.push(...before);
      continue;
    }
    open.pop();
    if (commit !== undefined) rewriteCommit(state, checksum, commit);
  }
}

/** A sidecar's commit and all that it comes from. The same errors. */
export function rewriteSidecars(state: CommitRewriter, tip: Checksum): Checksum {
  const chain: Checksum[] = [];
  let at: Checksum | undefined = tip;
  while (at !== undefined && isToCome(state, at)) {
    chain.push(at);
    at = loadCommit(state.repository, at).parent;
  }
  for (const checksum of chain.reverse()) {
    const commit = loadCommit(state.repository, checksum);
    const tree = editTree(state, checksum, commit.tree, () => forgetInSidecar(state.sidecars, commit.tree));
    replaceCommit(state, checksum, commit, { ...commit, parent: mappedOf(state, commit.parent), tree });
  }
  return mappedOf(state, tip);
}

function isToCome({ repository, mapped }: CommitRewriter, checksum: Checksum): boolean {
  return !mapped.has(checksum) && hasObject(repository, "commit", checksum);
}

function mappedOf<Known extends Checksum | undefined>({ mapped }: CommitRewriter, checksum: Known): Known {
  return (checksum === undefined ? undefined : (mapped.get(checksum) ?? checksum)) as Known;
}

function rewriteCommit(state: CommitRewriter, checksum: Checksum, commit: Commit): void {
  const tree = editTree(state, checksum, commit.tree, () => forgetInTree(state.trees, commit.tree, state.paths));
  const sidecar = sidecarCommitOf(commit);
  const other = mergeParentOf(commit);
  const newSidecar = sidecar === undefined ? undefined : rewriteSidecars(state, sidecar);
  const replaced = replaceCommit(state, checksum, commit, {
    ...commit,
    parent: mappedOf(state, commit.parent),
    tree,
    metadata: editMetadata(state, commit.metadata, {
      isSameTree: tree === commit.tree,
      sidecar: newSidecar === sidecar ? undefined : newSidecar,
      mergeParent: mappedOf(state, other) === other ? undefined : mappedOf(state, other),
    }),
  });
  if (replaced === checksum) return;
  const isThinned = state.partial.get(checksum) === "thinned";
  const isSame = tree === commit.tree && isSameSidecarTree(state, sidecar, newSidecar);
  state.rewritten.push({ from: checksum, to: replaced, hadPath: isThinned ? undefined : !isSame });
}

/** Device nodes and odd names are in the sidecar alone. */
function isSameSidecarTree({ repository, sidecars }: CommitRewriter, before?: Checksum, after?: Checksum): boolean {
  if (before === after || before === undefined) return true;
  const { tree } = loadCommit(repository, before);
  return (sidecars.roots.get(tree) ?? tree) === tree;
}

function replaceCommit(state: CommitRewriter, checksum: Checksum, before: Commit, after: Commit): Checksum {
  const isSame = before.parent === after.parent && before.tree === after.tree && before.metadata === after.metadata;
  const replaced = isSame ? checksum : state.sink.commit(encodeCommit(after));
  state.mapped.set(checksum, replaced);
  const mark = state.partial.get(checksum);
  if (mark !== undefined && replaced !== checksum) state.marks.set(replaced, mark);
  return replaced;
}

function editTree(state: CommitRewriter, commit: Checksum, tree: Checksum, forget: () => Checksum): Checksum {
  const mark = state.partial.get(commit);
  if (mark === "thinned") return tree;
  try {
    return forget();
  } catch (error) {
    if (mark === undefined || !(error instanceof RegrowError) || error.code !== "not-found") throw error;
    throw new RegrowError("refused", `${commit}: a part of its tree is missing, which may hold what is to be forgotten.`, {
      path: commit,
      hint: "Finish the pull, or `regrow fsck --repair-from REPO`, or take the rest away: `regrow prune --delete-commit`.",
      cause: error,
    });
  }
}

/** They describe the tree, and `ostree.sizes` lists what it holds. */
const OF_TREE = new Set(["ostree.sizes", "ostree.composefs.digest.v0"]);

interface MetadataChange {
  readonly isSameTree: boolean;
  readonly sidecar: Checksum | undefined;
  readonly mergeParent: Checksum | undefined;
}

/** The same object where nothing changes. */
function editMetadata(state: CommitRewriter, metadata: Dictionary, change: MetadataChange): Dictionary {
  const { isSameTree, sidecar, mergeParent } = change;
  const isLost = (key: string): boolean => !isSameTree && OF_TREE.has(key);
  const lost = metadata.filter(([key]) => isLost(key));
  if (lost.length === 0 && sidecar === undefined && mergeParent === undefined) return metadata;
  for (const [key] of lost) state.lostKeys.add(key);
  return metadata
    .filter(([key]) => !isLost(key))
    .map(([key, value]): readonly [string, Variant] => {
      if (key === SIDECAR_KEY && sidecar !== undefined) return [key, { type: "ay", value: rawChecksum(sidecar) }];
      if (key === MERGE_PARENT_KEY && mergeParent !== undefined) return [key, { type: "ay", value: rawChecksum(mergeParent) }];
      return [key, value];
    });
}
