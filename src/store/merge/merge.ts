/**
 * Merging two commits, and undoing what one commit did: both lay the difference of two trees onto a third. The result is a commit
 * on top of ours; nothing is written where a conflict stands open.
 */
import { EMPTY } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { Variant } from "../../codec/gvariant/value.ts";
import { type Checksum, rawChecksum } from "../../codec/ostree/checksum.ts";
import { startPool } from "../../sys/worker-pool.ts";
import { type FinishedCommit, finishCommit } from "../finish-commit.ts";
import { loadCommit } from "../object-files.ts";
import { MERGE_PARENT_KEY } from "../parents.ts";
import { hasWholeCommit } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { type Transaction, withTransaction } from "../transaction.ts";
import { loadSharedTrees } from "../tree/load-working-tree.ts";
import { stagingSink } from "../tree/tree-sinks.ts";
import type { FolderNode } from "../tree/working-tree.ts";
import { writeTree } from "../tree/write-tree.ts";
import { evenSidecars } from "./even-sidecars.ts";
import { moveForward } from "./fast-forward.ts";
import { inheritedMetadata } from "./inherited-metadata.ts";
import { findMergeBase } from "./merge-base.ts";
import { type MergeState, mergeFolders } from "./merge-folders.ts";
import type { MergeReport, Side } from "./merge-types.ts";
import { mendLinks } from "./mend-links.ts";

export interface MergeOptions {
  /** The commit that the result is laid upon, and its parent. */
  readonly ours: Checksum;
  /** The commit that is merged in. */
  readonly theirs: Checksum;
  /** What both come from; found in their histories where it is undefined. */
  readonly base?: Checksum | undefined;
  /** The branch that moves to the result; it must name `ours`. Undefined makes a commit that no branch names. */
  readonly branch?: string | undefined;
  /** Where both sides changed something: keep this side in place, and the other one beside it as NAME.ours or NAME.theirs. */
  readonly favour?: Side | undefined;
  /** Merge and tell, but write nothing. */
  readonly dryRun?: boolean | undefined;
  /** False makes a commit even where the branch could simply go forward. */
  readonly fastForward?: boolean | undefined;
  readonly subject?: string | undefined;
  readonly body?: string | undefined;
  readonly timestamp?: number | undefined;
  /** In place of what is inherited from `ours`. */
  readonly metadata?: readonly (readonly [string, Variant])[] | undefined;
}

export interface RevertOptions extends Omit<MergeOptions, "theirs" | "base" | "fastForward"> {
  /** The commit whose changes are taken back. */
  readonly commit: Checksum;
}

interface Result {
  readonly commit: Omit<MergeOptions, "theirs" | "base">;
  /** A result that is no change makes no commit. */
  readonly skipUnchanged: boolean;
  readonly metadata: readonly (readonly [string, Variant])[];
}

interface Sides {
  readonly base: Checksum;
  readonly ours: Checksum;
  readonly theirs: Checksum;
}

/**
 * Merges `theirs` into `ours`. Conflicts are an outcome and no error; nothing is written then, unless a side is favoured.
 * Throws `not-found` (no common commit, or one without its tree), `conflict` (the branch has moved), `corrupt`, `no-space`, `locked`.
 */
export async function mergeCommits(repository: Repository, options: MergeOptions, observer: Observer = {}): Promise<MergeReport> {
  const { ours, theirs } = options;
  const base = options.base ?? findMergeBase(repository, ours, theirs);
  if (base === undefined) throw nothingInCommon(ours, theirs);
  if (options.base === undefined) {
    if (base === theirs) return untouched("up-to-date", options, base);
    if (base === ours && options.fastForward !== false) {
      if (options.dryRun !== true && options.branch !== undefined) await moveForward(repository, options.branch, ours, theirs);
      return { ...untouched("fast-forward", options, base), commit: options.dryRun === true ? undefined : theirs };
    }
  }
  const mergeParent = [MERGE_PARENT_KEY, { type: "ay", value: rawChecksum(theirs) }] as const;
  const inherited = options.metadata ?? inheritedMetadata(loadCommit(repository, ours));
  const subject = options.subject ?? `Merge ${theirs.slice(0, 10)}`;
  const result: Result = { commit: { ...options, subject }, skipUnchanged: false, metadata: [...inherited, mergeParent] };
  return mergeTrees(repository, { base, ours, theirs }, result, observer);
}

/** Takes the changes of one commit back, on top of `ours`. Throws as `mergeCommits` does, and `usage` for a commit without a parent. */
export async function revertCommit(
  repository: Repository,
  options: RevertOptions,
  observer: Observer = {},
): Promise<MergeReport> {
  const { commit, ours } = options;
  const { parent, subject } = loadCommit(repository, commit);
  if (parent === undefined) {
    throw new RegrowError("usage", `${commit.slice(0, 10)}: has no parent, so there is nothing to go back to.`, { path: commit });
  }
  const text = { subject: options.subject ?? `Revert "${subject}"`, body: options.body ?? `This reverts commit ${commit}.` };
  const metadata = options.metadata ?? inheritedMetadata(loadCommit(repository, ours));
  return mergeTrees(
    repository,
    { base: commit, ours, theirs: parent },
    { commit: { ...options, ...text }, skipUnchanged: true, metadata },
    observer,
  );
}

async function mergeTrees(repository: Repository, sides: Sides, result: Result, observer: Observer): Promise<MergeReport> {
  for (const commit of [sides.base, sides.ours, sides.theirs]) refusePartial(repository, commit);
  if (result.commit.dryRun === true) {
    const { state } = await merge(repository, undefined, sides, result, observer);
    const outcome = isOpen(state, result) ? "conflicts" : "merged";
    return { outcome, dryRun: true, commit: undefined, base: sides.base, ...told(state) };
  }
  return withTransaction(repository, observer.signal, async (transaction) => {
    const { state, root, hasSidecar } = await merge(repository, transaction, sides, result, observer);
    const reported = { dryRun: false, base: sides.base, ...told(state) };
    if (isOpen(state, result)) return { ...reported, outcome: "conflicts", commit: undefined };
    const { commit, isNew } = await write(transaction, root, hasSidecar, sides, result);
    return { ...reported, outcome: isNew ? "merged" : "up-to-date", commit };
  });
}

async function merge(
  repository: Repository,
  transaction: Transaction | undefined,
  { base, ours, theirs }: Sides,
  result: Result,
  observer: Observer,
): Promise<{ state: MergeState; root: FolderNode; hasSidecar: boolean }> {
  report(observer, "merge", { done: 0, total: 1 });
  const { trees, hasSidecar, groups } = loadSharedTrees(repository, [base, ours, theirs]);
  const [before, a, b] = evenSidecars(trees, hasSidecar) as [FolderNode, FolderNode, FolderNode];
  const favoured = result.commit.favour ?? "ours";
  const state: MergeState = { repository, transaction, favoured, conflicts: [], taken: 0, joined: 0, signal: observer.signal };
  const root = await mergeFolders(state, EMPTY, before, a, b);
  mendLinks(root, groups);
  report(observer, "merge", { done: 1, total: 1 });
  return { state, root, hasSidecar: hasSidecar.includes(true) };
}

async function write(
  transaction: Transaction,
  root: FolderNode,
  sidecar: boolean,
  sides: Sides,
  result: Result,
): Promise<FinishedCommit> {
  const pool = startPool({ workers: 1 });
  try {
    const sink = stagingSink(transaction, pool);
    const written = writeTree(sink, root, { sidecar });
    await sink.flush();
    const { branch, subject, body, timestamp } = result.commit;
    const { metadata, skipUnchanged } = result;
    const options = { branch, parent: sides.ours, expectedTip: sides.ours, subject, body, timestamp, metadata, skipUnchanged };
    return await finishCommit(transaction, options, written);
  } finally {
    await pool.close();
  }
}

function told({ conflicts, taken, joined }: MergeState): Pick<MergeReport, "conflicts" | "counts"> {
  return { conflicts, counts: { taken, joined } };
}

function isOpen({ conflicts }: MergeState, { commit }: Result): boolean {
  return conflicts.length > 0 && commit.favour === undefined;
}

function untouched(outcome: "up-to-date" | "fast-forward", { dryRun, ours }: MergeOptions, base: Checksum): MergeReport {
  return { outcome, dryRun: dryRun === true, commit: ours, base, conflicts: [], counts: { taken: 0, joined: 0 } };
}

function refusePartial(repository: Repository, commit: Checksum): void {
  if (hasWholeCommit(repository, commit)) return;
  throw new RegrowError("not-found", `${commit.slice(0, 10)}: the commit, or a part of its tree, is not in ${repository.path}.`, {
    path: commit,
    hint: "Pull it from a repository that has it, or name another base.",
  });
}

function nothingInCommon(ours: Checksum, theirs: Checksum): RegrowError {
  return new RegrowError("not-found", `${ours.slice(0, 10)} and ${theirs.slice(0, 10)} have no commit in common.`, {
    hint: "Pull more of their history, or name the commit that both come from as the base.",
  });
}
