/**
 * A commit of a folder in which nothing changes (a read-only snapshot), in the time that its changes against another commit take.
 * Where it is not known what has changed, or what is known does not fit, the whole folder is read: the commit is the same.
 */
import { bytesOf, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, notice, report } from "../../base/events.ts";
import type { Variant } from "../../codec/gvariant/value.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { type WorkerPool, startPool } from "../../sys/worker-pool.ts";
import { type FinishOptions, type FinishedCommit, finishCommit } from "../finish-commit.ts";
import { checkBranchName } from "../refs.ts";
import type { Repository } from "../repository.ts";
import { scanFolder } from "../scan/scan-folder.ts";
import { type ScanOptions, scanFingerprint, scanOptionsOf } from "../scan/scan-options.ts";
import { type ScanCounts, type ScanRequest } from "../scan/scan-state.ts";
import { type Transaction, withTransaction } from "../transaction.ts";
import { hashingSink, stagingSink } from "../tree/tree-sinks.ts";
import { type WrittenTree, writeTree } from "../tree/write-tree.ts";
import { SCAN_KEY, baseObstacle } from "./base-obstacle.ts";
import { type ChangedTree, buildChangedTree } from "./build-changed-tree.ts";
import { firstDifference } from "./first-difference.ts";
import { isMisfit } from "./misfit.ts";
import type { TreeChanges } from "./tree-changes.ts";

export interface CommitChangesOptions extends Partial<ScanOptions>, FinishOptions {
  /** The folder. Nothing may change in it. */
  readonly path: string;
  /** Without it the whole folder is read. */
  readonly base?: KnownBase | MissingBase | undefined;
  /** Read the whole folder as well, and compare, before anything is published. */
  readonly verify?: boolean | undefined;
  readonly workers?: number | undefined;
}

export interface KnownBase {
  readonly commit: Checksum;
  /** From the tree of that commit to the folder. */
  readonly changes: TreeChanges;
}

export interface MissingBase {
  /** Why it is not known what has changed. */
  readonly obstacle: string;
}

export interface ChangesCommit extends FinishedCommit {
  readonly tree: Checksum;
  /** Of the sidecar, its root. */
  readonly sidecar: Checksum | undefined;
  /** Why the whole folder was read; undefined where only the changes were, or no base was given. */
  readonly obstacle: string | undefined;
  readonly isIncremental: boolean;
  /** Of what was looked at. */
  readonly counts: ScanCounts;
  /** Folders that were read from the repository. */
  readonly foldersLoaded: number;
  /** Files below renamed folders that had to be looked at because of their other names. */
  readonly lookedBelowMoved: number;
}

const DEFAULT_WORKERS = 2;

/**
 * Throws `verification` where `verify` finds the commit to be other than a full scan; `usage`, `locked`, `no-space`, `cancelled`,
 * SystemError. Nothing of a failed commit stays.
 */
export async function commitChanges(
  repository: Repository,
  options: CommitChangesOptions,
  observer: Observer = {},
): Promise<ChangesCommit> {
  if (options.branch !== undefined) checkBranchName(options.branch);
  const scanOptions = { ...scanOptionsOf(repository, options), oneFileSystem: true };
  const pool = startPool({ workers: options.workers ?? DEFAULT_WORKERS });
  try {
    return await withTransaction(repository, observer.signal, async (transaction) => {
      const request = { repository, transaction, options: scanOptions, pool, observer, useCache: false, isStill: true };
      const { written, ...rest } = await writeFolder(request, options);
      throwIfCancelled(observer.signal);
      const metadata: [string, Variant] = [SCAN_KEY, { type: "s", value: scanFingerprint(scanOptions) }];
      const finished = await finishCommit(
        transaction,
        { ...options, metadata: [...(options.metadata ?? []), metadata] },
        written,
      );
      report(observer, "write", { done: 1, total: 1 });
      return { ...finished, ...rest, tree: written.tree, sidecar: written.sidecar };
    });
  } finally {
    await pool.close();
  }
}

type Request = ScanRequest & { readonly transaction: Transaction };
type Written = Omit<ChangesCommit, keyof FinishedCommit | "tree" | "sidecar"> & { readonly written: WrittenTree };

async function writeFolder(request: Request, options: CommitChangesOptions): Promise<Written> {
  const { base } = options;
  if (base === undefined) return writeWhole(request, options, undefined);
  if ("obstacle" in base) return writeWhole(request, options, base.obstacle);
  const obstacle = baseObstacle(request.transaction.repository, base.commit, request.options);
  if (obstacle !== undefined) return writeWhole(request, options, obstacle);
  try {
    return await writeChanged(request, options, base);
  } catch (error) {
    if (!isMisfit(error)) throw error;
    return writeWhole(request, options, error.message);
  }
}

async function writeChanged(request: Request, options: CommitChangesOptions, { commit, changes }: KnownBase): Promise<Written> {
  const rootFd = openAt(CWD, bytesOf(options.path), O.RDONLY | O.DIRECTORY);
  try {
    const changed = await buildChangedTree(request, rootFd, commit, changes);
    const { root, unseen, counts, lookedBelowMoved, tree } = changed;
    const foldersLoaded = tree.loaded;
    const sink = stagingSink(request.transaction, request.pool);
    report(request.observer, "write", { done: 0, total: 1 });
    const written = writeTree(sink, root, { sidecar: true, unseen, linksAreSettled: true });
    await sink.flush();
    if (options.verify === true) await verify(request, options.path, changed, written);
    return { written, counts, foldersLoaded, lookedBelowMoved, isIncremental: true, obstacle: undefined };
  } finally {
    closeFd(rootFd);
  }
}

async function writeWhole(request: Request, options: CommitChangesOptions, obstacle: string | undefined): Promise<Written> {
  if (obstacle !== undefined) notice(request.observer, "full-scan", `the whole tree is read: ${obstacle}`, options.path);
  const { root, counts } = await scanFolder(CWD, bytesOf(options.path), request);
  const sink = stagingSink(request.transaction, request.pool);
  report(request.observer, "write", { done: 0, total: 1 });
  const written = writeTree(sink, root, { sidecar: true });
  await sink.flush();
  return { written, counts, foldersLoaded: 0, lookedBelowMoved: 0, isIncremental: false, obstacle };
}

async function verify(request: Request, path: string, { tree, root }: ChangedTree, written: WrittenTree): Promise<void> {
  const pool: WorkerPool = request.pool;
  const { root: read } = await scanFolder(CWD, bytesOf(path), { ...request, pool, transaction: undefined });
  const expected = writeTree(hashingSink, read, { sidecar: true });
  if (expected.tree === written.tree && expected.meta === written.meta && expected.sidecar === written.sidecar) return;
  const at = displayBytes(firstDifference(tree, root, read) ?? ("" as never)) || "/";
  throw new RegrowError("verification", `${at}: what was made of the changes is not what a full scan gives.`, {
    path: at,
    hint: "Nothing was committed. Commit it without the snapshot of the commit before, and report this.",
  });
}
