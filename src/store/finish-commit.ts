/**
 * The last step of every commit: the commit's object, its sidecar's commit, and the branch that moves to it. Where somebody else
 * has moved the branch in the meantime, their commit becomes the parent, so that no commit is ever lost from a branch.
 */
import { RegrowError } from "../base/errors.ts";
import type { Dictionary, Variant } from "../codec/gvariant/value.ts";
import { type Checksum, rawChecksum } from "../codec/ostree/checksum.ts";
import { type Commit, encodeCommit } from "../codec/ostree/commit.ts";
import { type RefChange, moveRefs } from "./move-refs.ts";
import { hasObject, loadCommit } from "./object-files.ts";
import { companionRef, readRef } from "./refs.ts";
import { isPartial } from "./partial-commits.ts";
import type { Repository } from "./repository.ts";
import { type Transaction, publish, stageMetadata } from "./transaction.ts";
import { SIDECAR_KEY, sidecarCommitOf } from "./tree/folder-view.ts";
import { SIDECAR_DIR_META, type WrittenTree } from "./tree/write-tree.ts";

export interface FinishOptions {
  /** Undefined makes a commit that no branch names. */
  readonly branch?: string | undefined;
  /** Undefined: what the branch names now; null: no parent. */
  readonly parent?: Checksum | null | undefined;
  readonly subject?: string | undefined;
  readonly body?: string | undefined;
  readonly metadata?: readonly (readonly [string, Variant])[] | undefined;
  /** Seconds since 1970; now, where it is undefined. */
  readonly timestamp?: number | undefined;
  /** Names of refs to be written into the commit, which ostree then checks. */
  readonly bindRefs?: readonly string[] | undefined;
  /** Where nothing has changed against the parent, return it and make no new commit. */
  readonly skipUnchanged?: boolean | undefined;
  /** What the branch must name until the end; `conflict` where it does not. For what was computed from that very commit. */
  readonly expectedTip?: Checksum | undefined;
}

export interface FinishedCommit {
  readonly commit: Checksum;
  /** False where nothing had changed and `commit` is the parent. */
  readonly isNew: boolean;
  readonly parent: Checksum | undefined;
}

const MOST_RACES = 50;

/** Makes the written tree a commit and publishes the transaction. Throws `locked`, `conflict`, `no-space`, SystemError. */
export async function finishCommit(
  transaction: Transaction,
  options: FinishOptions,
  written: WrittenTree,
): Promise<FinishedCommit> {
  const { repository } = transaction;
  for (let race = 0; race < MOST_RACES; race++) {
    const tip = options.branch === undefined ? undefined : readRef(repository, options.branch);
    refuseMoved(options, tip);
    const parent = options.parent === null ? undefined : (options.parent ?? tip);
    if (parent !== undefined && options.skipUnchanged === true && isWholeSameTree(repository, parent, written)) {
      return { commit: parent, isNew: false, parent };
    }
    const timestamp = options.timestamp ?? Math.floor(Date.now() / 1000);
    const sidecar = stageSidecarCommit(transaction, parent, written, timestamp);
    const commit = stageMetadata(transaction, "commit", encodeCommit(commitObject(options, written, parent, timestamp, sidecar)));
    publish(transaction);
    if (
      options.branch === undefined ||
      (await moveRefs(repository, refChanges(repository, options.branch, tip, commit, sidecar)))
    ) {
      return { commit, isNew: true, parent };
    }
    // Somebody else moved the branch in the meantime: their commit becomes the parent of ours.
  }
  throw new RegrowError("locked", `${options.branch}: the branch moves faster than a commit can follow.`, {
    path: options.branch!,
    hint: "Try again.",
  });
}

function refuseMoved({ branch, expectedTip }: FinishOptions, tip: Checksum | undefined): void {
  if (branch === undefined || expectedTip === undefined || tip === expectedTip) return;
  throw new RegrowError("conflict", `${branch}: the branch has moved in the meantime.`, {
    path: branch,
    hint: "Do it again, on what it names now.",
  });
}

function refChanges(
  repository: Repository,
  branch: string,
  tip: Checksum | undefined,
  commit: Checksum,
  sidecar: Checksum | undefined,
): RefChange[] {
  const companion = companionRef(branch);
  const changes: RefChange[] = [{ name: branch, commit, expected: tip ?? null }];
  if (sidecar !== undefined || readRef(repository, companion) !== undefined) changes.push({ name: companion, commit: sidecar });
  return changes;
}

/** A parent that lacks something is no reason to drop what was just read. */
function isWholeSameTree(repository: Repository, parent: Checksum, written: WrittenTree): boolean {
  if (isPartial(repository, parent)) return false;
  const commit = loadCommit(repository, parent);
  if (commit.tree !== written.tree || commit.meta !== written.meta) return false;
  const sidecar = sidecarCommitOf(commit);
  if (sidecar === undefined || !hasObject(repository, "commit", sidecar)) return written.sidecar === undefined;
  return loadCommit(repository, sidecar).tree === written.sidecar;
}

/** The sidecar's own commit, whose parent is the sidecar of the parent: so ostree's prune keeps both chains alike. */
function stageSidecarCommit(
  transaction: Transaction,
  parent: Checksum | undefined,
  written: WrittenTree,
  timestamp: number,
): Checksum | undefined {
  if (written.sidecar === undefined) return undefined;
  const { repository } = transaction;
  const before =
    parent !== undefined && hasObject(repository, "commit", parent) ? sidecarCommitOf(loadCommit(repository, parent)) : undefined;
  const meta = stageMetadata(transaction, "dirmeta", SIDECAR_DIR_META);
  const commit: Commit = { metadata: [], parent: before, subject: "sidecar", body: "", timestamp, tree: written.sidecar, meta };
  return stageMetadata(transaction, "commit", encodeCommit(commit));
}

function commitObject(
  options: FinishOptions,
  written: WrittenTree,
  parent: Checksum | undefined,
  timestamp: number,
  sidecar: Checksum | undefined,
): Commit {
  const metadata: [string, Variant][] = (options.metadata ?? []).map(([key, value]) => [key, value]);
  if (options.bindRefs !== undefined && options.bindRefs.length > 0) {
    metadata.push(["ostree.ref-binding", { type: "as", value: [...options.bindRefs].sort() }]);
  }
  if (sidecar !== undefined) metadata.push([SIDECAR_KEY, { type: "ay", value: rawChecksum(sidecar) }]);
  const { tree, meta } = written;
  return {
    metadata: metadata as Dictionary,
    parent,
    subject: options.subject ?? "",
    body: options.body ?? "",
    timestamp,
    tree,
    meta,
  };
}
