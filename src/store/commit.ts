/** Making a commit: gather a tree from its sources, write what the repository lacks, and move the branch. */
import { bytesOf } from "../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../base/errors.ts";
import { type Observer, report } from "../base/events.ts";
import type { Dictionary, Variant } from "../codec/gvariant/value.ts";
import { type Checksum, rawChecksum } from "../codec/ostree/checksum.ts";
import { type Commit, encodeCommit } from "../codec/ostree/commit.ts";
import { CWD } from "../sys/open.ts";
import { type WorkerPool, startPool } from "../sys/worker-pool.ts";
import { hasObject, loadCommit } from "./object-files.ts";
import { type RefChange, moveRefs } from "./move-refs.ts";
import { checkRefName, companionRef, readRef } from "./refs.ts";
import type { Repository } from "./repository.ts";
import { readObjectInodes } from "./scan/object-inodes.ts";
import { scanFolder } from "./scan/scan-folder.ts";
import { PLAIN_SCAN, type ScanOptions, scanFingerprint } from "./scan/scan-options.ts";
import type { ScanCounts } from "./scan/scan-state.ts";
import { SIDECAR_DIR_META, type WrittenTree, writeTree } from "./tree/write-tree.ts";
import { stagingSink } from "./tree/tree-sinks.ts";
import { SIDECAR_KEY, sidecarCommitOf } from "./tree/folder-view.ts";
import { loadWorkingTree } from "./tree/load-working-tree.ts";
import { type FolderNode, overlayFolder } from "./tree/working-tree.ts";
import { type Transaction, publish, stageMetadata, withTransaction } from "./transaction.ts";

export type CommitSource =
  | { readonly kind: "dir"; readonly path: string }
  | { readonly kind: "commit"; readonly commit: Checksum };

export interface CommitOptions extends Partial<ScanOptions> {
  /** Undefined makes a commit that no branch names. */
  readonly branch?: string | undefined;
  /** In order: each is laid over what came before it. */
  readonly sources: readonly CommitSource[];
  /** Undefined: what the branch names now; null: no parent. */
  readonly parent?: Checksum | null | undefined;
  readonly subject?: string | undefined;
  readonly body?: string | undefined;
  readonly metadata?: readonly (readonly [string, Variant])[] | undefined;
  /** Seconds since 1970; now, where it is undefined. */
  readonly timestamp?: number | undefined;
  /** Names of refs to be written into the commit, which ostree then checks. */
  readonly bindRefs?: readonly string[] | undefined;
  /** False makes a commit that holds nothing but what OSTree's own format holds. */
  readonly sidecar?: boolean | undefined;
  /** Where nothing has changed against the parent, return it and make no new commit. */
  readonly skipUnchanged?: boolean | undefined;
  /** Fail where something can't be stored (sockets), or changed while it was read. */
  readonly strict?: boolean | undefined;
  readonly workers?: number | undefined;
  readonly useCache?: boolean | undefined;
  /** Take files that are hard links to the repository's own for what they are, without reading them. */
  readonly linkCheckoutSpeedup?: boolean | undefined;
}

export interface CommitResult {
  readonly commit: Checksum;
  /** False where nothing had changed and `commit` is the parent. */
  readonly isNew: boolean;
  readonly tree: Checksum;
  readonly parent: Checksum | undefined;
  readonly counts: ScanCounts;
}

const DEFAULT_WORKERS = 2;
const MOST_RACES = 50;

/** Throws `usage`, `locked`, `no-space`, `torn` (strict), `cancelled`, SystemError. Nothing of a failed commit stays. */
export async function commitTree(repository: Repository, options: CommitOptions, observer: Observer = {}): Promise<CommitResult> {
  if (options.branch !== undefined) checkRefName(options.branch);
  const pool = startPool({ workers: options.workers ?? DEFAULT_WORKERS });
  try {
    return await withTransaction(repository, observer.signal, async (transaction) => {
      const { root, counts } = await gather(transaction, options, pool, observer);
      refuseIncomplete(options, counts);
      report(observer, "write", { done: 0, total: 1 });
      const sink = stagingSink(transaction, pool);
      const written = writeTree(sink, root, { sidecar: options.sidecar !== false });
      await sink.flush();
      throwIfCancelled(observer.signal);
      const result = await finish(transaction, options, written);
      report(observer, "write", { done: 1, total: 1 });
      return { ...result, tree: written.tree, counts };
    });
  } finally {
    await pool.close();
  }
}

async function gather(
  transaction: Transaction,
  options: CommitOptions,
  pool: WorkerPool,
  observer: Observer,
): Promise<{ root: FolderNode; counts: ScanCounts }> {
  const { repository } = transaction;
  const scanOptions = scanOptionsOf(repository, options);
  const total: ScanCounts = {
    files: 0,
    folders: 0,
    bytes: 0,
    hashed: 0,
    stagedFiles: 0,
    stagedBytes: 0,
    sockets: 0,
    vanished: 0,
    torn: 0,
  };
  const objectInodes =
    options.linkCheckoutSpeedup === true && keepsMetadata(repository, scanOptions) ? readObjectInodes(repository) : undefined;
  let root: FolderNode | undefined;
  for (const source of options.sources) {
    let layer: FolderNode;
    if (source.kind === "commit") layer = loadWorkingTree(repository, source.commit);
    else {
      const request = {
        repository,
        transaction,
        options: scanOptions,
        pool,
        observer,
        useCache: options.useCache !== false,
        objectInodes,
      };
      const scanned = await scanFolder(CWD, bytesOf(source.path), request);
      layer = scanned.root;
      for (const key of Object.keys(total) as (keyof ScanCounts)[]) total[key] += scanned.counts[key];
    }
    if (root === undefined) root = layer;
    else overlayFolder(root, layer);
  }
  if (root === undefined)
    throw new RegrowError("usage", "There is nothing to commit.", { hint: "Name a folder, or give --tree." });
  return { root, counts: total };
}

function scanOptionsOf(repository: Repository, options: Partial<ScanOptions>): ScanOptions {
  const canonicalPermissions = options.canonicalPermissions ?? repository.config.mode === "bare-user-only";
  return {
    canonicalPermissions,
    ownerUid: options.ownerUid ?? PLAIN_SCAN.ownerUid,
    ownerGid: options.ownerGid ?? PLAIN_SCAN.ownerGid,
    // As for ostree, files with canonical permissions have no attributes.
    noXattrs: options.noXattrs === true || canonicalPermissions,
    oneFileSystem: options.oneFileSystem ?? PLAIN_SCAN.oneFileSystem,
  };
}

/** Whether a file is committed as the repository's own objects were, so that a link to one is that object again. */
function keepsMetadata(repository: Repository, options: ScanOptions): boolean {
  return scanFingerprint(options) === scanFingerprint(scanOptionsOf(repository, {}));
}

function refuseIncomplete(options: CommitOptions, counts: ScanCounts): void {
  if (options.strict !== true || counts.sockets + counts.torn + counts.vanished === 0) return;
  const what = `${counts.sockets} sockets, ${counts.torn} files that changed while they were read, ${counts.vanished} that vanished`;
  throw new RegrowError("torn", `Not everything can be kept: ${what}.`, {
    hint: "Commit a snapshot, stop what writes there, or leave out --strict.",
  });
}

async function finish(
  transaction: Transaction,
  options: CommitOptions,
  written: WrittenTree,
): Promise<Omit<CommitResult, "tree" | "counts">> {
  const { repository } = transaction;
  for (let race = 0; race < MOST_RACES; race++) {
    const tip = options.branch === undefined ? undefined : readRef(repository, options.branch);
    const parent = options.parent === null ? undefined : (options.parent ?? tip);
    if (parent !== undefined && options.skipUnchanged === true && isSameTree(repository, parent, written)) {
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

function isSameTree(repository: Repository, parent: Checksum, written: WrittenTree): boolean {
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
  options: CommitOptions,
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
