/**
 * Taking a path out of all history. The commits that have it, and all that come after them, are written anew beside the old ones; then all
 * refs move together; then what no ref leads to any more is pruned. A cut before the refs move leaves the old history, one after it
 * the new history; what is left over of the other goes with the next prune (prune/forgotten-commits.ts).
 */
import { RegrowError } from "../../base/errors.ts";
import { type Observer, notice } from "../../base/events.ts";
import { type Checksum, checksumOf } from "../../codec/ostree/checksum.ts";
import { takeLock } from "../../sys/lock.ts";
import { existsAt, tryMakeDirAt } from "../../sys/names.ts";
import { whileObjectsHeld } from "../hold-objects.ts";
import { moveRefs } from "../move-refs.ts";
import { hasObject } from "../object-files.ts";
import { markPartial } from "../partial-commits.ts";
import { finishForgotten, forgottenCommits, noteForgotten } from "../prune/forgotten-commits.ts";
import { type PruneReport, prune } from "../prune/prune.ts";
import type { Repository } from "../repository.ts";
import { RECORD_META, stageContent } from "../stage-content.ts";
import { type Transaction, publish, stageMetadata, withTransaction } from "../transaction.ts";
import { hashingSink } from "../tree/tree-sinks.ts";
import { type ForgetScope, type MovedRef, forgetScope, movesOf, refsThatHold } from "./forget-scope.ts";
import { type PathNode, pathSet } from "./path-set.ts";
import {
  type CommitRewriter,
  type RewrittenCommit,
  newCommitRewriter,
  rewriteHistory,
  rewriteSidecars,
} from "./rewrite-commits.ts";
import { type Signed, refuseSigned, signedAmong } from "./signed-commits.ts";

export interface ForgetOptions extends Signed {
  /** From the root of the tree; no links are followed. What is beneath goes too. */
  readonly paths: readonly string[];
  /** Only the history of these; without them everything in the repository. */
  readonly branches?: readonly string[] | undefined;
  /** What no commit needs any more stays until the next prune of commits that no ref leads to. */
  readonly keepObjects?: boolean | undefined;
  /** Find out and report, change nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface ForgetReport {
  readonly dryRun: boolean;
  /** Parents before children. For whoever keeps snapshots: `hadPath` says which of them still have what was forgotten. */
  readonly rewritten: readonly RewrittenCommit[];
  readonly refs: readonly MovedRef[];
  /** Of the old commits, those whose detached metadata (signatures) can't be kept. */
  readonly lostSignatures: readonly Checksum[];
  /** Keys of metadata that described a tree as it was, and are left out. */
  readonly lostMetadata: readonly string[];
  /** Refs that were not asked for, or can't be moved, and still lead to a commit that has it. */
  readonly heldBy: readonly string[];
  /** How many of the forgotten contents are still in the repository, because they also stand elsewhere; undefined in a dry run. */
  readonly contentsKept: number | undefined;
  /** The repository has a summary file, which still names the old commits. */
  readonly hasSummary: boolean;
  readonly pruned: PruneReport | undefined;
}

const MOST_RACES = 50;

/** Throws `not-found` (no commit has it), `refused` (signatures; a partial commit), `usage`, `locked`, `corrupt`, `no-space`. */
export async function forgetPaths(
  repository: Repository,
  options: ForgetOptions,
  observer: Observer = {},
): Promise<ForgetReport> {
  const paths = pathSet(options.paths);
  if (options.dryRun === true) return whileObjectsHeld(repository, observer.signal, () => plan(repository, paths, options));
  tryMakeDirAt(repository.fd, "regrow", 0o755);
  const { lockTimeoutSeconds: timeoutSeconds } = repository.config;
  const lock = await takeLock(repository.fd, "regrow/forget.lock", { kind: "exclusive", timeoutSeconds });
  try {
    await finishEarlier(repository, observer);
    const { state, refs, heldBy } = await withTransaction(repository, observer.signal, (transaction) =>
      rewriteAll(transaction, paths, options),
    );
    const pruned =
      options.keepObjects === true
        ? undefined
        : await prune(repository, { dropCommits: new Set(state.rewritten.map(({ from }) => from)) }, observer);
    if (options.keepObjects === true) finishForgotten(repository);
    const kept = [...state.trees.found.contents].filter((checksum) => hasObject(repository, "file", checksum as Checksum));
    return { ...told(state, refs, heldBy), dryRun: false, contentsKept: kept.length, pruned };
  } finally {
    lock.release();
  }
}

async function finishEarlier(repository: Repository, observer: Observer): Promise<void> {
  if (forgottenCommits(repository).length === 0) return;
  await prune(repository, {}, observer);
  notice(observer, "finished", "an earlier forget that was cut has been cleaned up");
}

interface Rewriting {
  readonly state: CommitRewriter;
  readonly refs: readonly MovedRef[];
  readonly heldBy: readonly string[];
}

function plan(repository: Repository, paths: PathNode, options: ForgetOptions): ForgetReport {
  const sink = { metadata: hashingSink.metadata, record: hashingSink.record, commit: checksumOf };
  const state = newCommitRewriter(repository, sink, paths);
  const scope = forgetScope(repository, options.branches);
  rewriteScope(state, scope, options);
  const heldBy = refsThatHold(repository, scope, state);
  return { ...told(state, movesOf(scope, state.mapped), heldBy), dryRun: true, contentsKept: undefined, pruned: undefined };
}

async function rewriteAll(transaction: Transaction, paths: PathNode, options: ForgetOptions): Promise<Rewriting> {
  const { repository } = transaction;
  const state = newCommitRewriter(repository, stagingSinkOf(transaction), paths);
  for (let race = 0; race < MOST_RACES; race++) {
    const scope = forgetScope(repository, options.branches);
    rewriteScope(state, scope, options);
    const refs = movesOf(scope, state.mapped);
    const made = [...state.mapped].filter(([from, to]) => from !== to);
    noteForgotten(repository, options.keepObjects === true ? made.map(([, to]) => to) : made.flat());
    for (const [commit, reason] of state.marks) markPartial(repository, commit, reason);
    publish(transaction);
    const moved = await moveRefs(
      repository,
      refs.map(({ name, from, to }) => ({ name, commit: to, expected: from })),
    );
    // Somebody else has moved one in the meantime: what came to it is looked at too.
    if (moved) return { state, refs, heldBy: refsThatHold(repository, scope, state) };
  }
  throw new RegrowError("locked", "The branches move faster than they can be rewritten.", { hint: "Try again." });
}

function rewriteScope(state: CommitRewriter, scope: ForgetScope, options: ForgetOptions): void {
  for (const tip of scope.commits) rewriteHistory(state, tip);
  for (const tip of scope.sidecars) rewriteSidecars(state, tip);
  for (const path of options.paths) refuseUnknown(state, path);
  refuseSigned(state.repository, state.rewritten, options);
}

/** A path that is a part of another one that was given, or stands twice, is known by the shorter one. */
function refuseUnknown({ trees, paths }: CommitRewriter, path: string): void {
  let node = paths;
  for (const piece of path.split("/").filter((name) => name !== "" && name !== ".")) {
    node = node.children.get(Buffer.from(piece).toString("latin1") as never)!;
    if (node.path !== undefined) break;
  }
  if (trees.found.paths.has(node.path!)) return;
  throw new RegrowError("not-found", `${path}: no commit has it.`, {
    path,
    hint: "Write it from the root of the tree, without links on the way; `regrow ls -R COMMIT` lists what is there.",
  });
}

function stagingSinkOf(transaction: Transaction): CommitRewriter["sink"] {
  return {
    metadata: (kind, data) => stageMetadata(transaction, kind, data),
    record: (data) => stageContent(transaction, RECORD_META, data),
    commit: (data) => stageMetadata(transaction, "commit", data),
  };
}

function told(
  state: CommitRewriter,
  refs: readonly MovedRef[],
  heldBy: readonly string[],
): Omit<ForgetReport, "dryRun" | "contentsKept" | "pruned"> {
  return {
    rewritten: state.rewritten,
    refs: refs.filter(({ isCompanion }) => !isCompanion),
    lostSignatures: signedAmong(state.repository, state.rewritten),
    lostMetadata: [...state.lostKeys].sort(),
    heldBy,
    hasSummary: existsAt(state.repository.fd, "summary"),
  };
}
