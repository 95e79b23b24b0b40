/** Making a commit: gather a tree from its sources, write what the repository lacks, and move the branch. */
import { bytesOf } from "../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../base/errors.ts";
import { type Observer, report } from "../base/events.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { CWD } from "../sys/open.ts";
import { type WorkerPool, startPool } from "../sys/worker-pool.ts";
import { type FinishOptions, type FinishedCommit, finishCommit } from "./finish-commit.ts";
import { checkBranchName } from "./refs.ts";
import type { Repository } from "./repository.ts";
import { readObjectInodes } from "./scan/object-inodes.ts";
import { type ScannedFolder, scanFolder } from "./scan/scan-folder.ts";
import { type ScanOptions, scanFingerprint, scanOptionsOf } from "./scan/scan-options.ts";
import { type ScanCounts, newScanCounts } from "./scan/scan-state.ts";
import { writeTree } from "./tree/write-tree.ts";
import { stagingSink } from "./tree/tree-sinks.ts";
import { importTar } from "./tar/import-tar.ts";
import { loadWorkingTree } from "./tree/load-working-tree.ts";
import { type FolderNode, overlayFolder } from "./tree/working-tree.ts";
import { type Transaction, withTransaction } from "./transaction.ts";

export type CommitSource =
  | { readonly kind: "dir"; readonly path: string }
  | { readonly kind: "commit"; readonly commit: Checksum }
  /** An archive, packed or not: at a path, or an open file or pipe, which stays open. */
  | { readonly kind: "tar"; readonly path: string | number };

export interface CommitOptions extends Partial<ScanOptions>, FinishOptions {
  /** In order: each is laid over what came before it. */
  readonly sources: readonly CommitSource[];
  /** False makes a commit that holds nothing but what OSTree's own format holds. */
  readonly sidecar?: boolean | undefined;
  /** Fail where something can't be stored (sockets), or changed while it was read. */
  readonly strict?: boolean | undefined;
  readonly workers?: number | undefined;
  readonly useCache?: boolean | undefined;
  /** Take files that are hard links to the repository's own for what they are, without reading them. */
  readonly linkCheckoutSpeedup?: boolean | undefined;
  /** False refuses an archive that lacks an entry for a folder; else such folders are root's, with mode 0755. */
  readonly tarAutocreateParents?: boolean | undefined;
}

export interface CommitResult extends FinishedCommit {
  readonly tree: Checksum;
  readonly counts: ScanCounts;
}

const DEFAULT_WORKERS = 2;

/** Throws `usage`, `locked`, `no-space`, `torn` (strict), `cancelled`, SystemError. Nothing of a failed commit stays. */
export async function commitTree(repository: Repository, options: CommitOptions, observer: Observer = {}): Promise<CommitResult> {
  if (options.branch !== undefined) checkBranchName(options.branch);
  const pool = startPool({ workers: options.workers ?? DEFAULT_WORKERS });
  try {
    return await withTransaction(repository, observer.signal, async (transaction) => {
      const { root, counts, scans } = await gather(transaction, options, pool, observer);
      refuseIncomplete(options, counts);
      report(observer, "write", { done: 0, total: 1 });
      const sink = stagingSink(transaction, pool);
      const sidecar = options.sidecar !== false;
      // A folder that something else was laid over is no longer what was scanned.
      const asScanned = sidecar && scans.length === 1 && options.sources.length === 1;
      const written = writeTree(sink, root, { sidecar, known: asScanned ? scans[0]!.known : undefined });
      await sink.flush();
      for (const scan of scans) scan.keep(asScanned);
      throwIfCancelled(observer.signal);
      const result = await finishCommit(transaction, options, written);
      report(observer, "write", { done: 1, total: 1 });
      return { ...result, tree: written.tree, counts };
    });
  } finally {
    await pool.close();
  }
}

interface Gathered {
  readonly root: FolderNode;
  readonly counts: ScanCounts;
  readonly scans: readonly ScannedFolder[];
}

async function gather(transaction: Transaction, options: CommitOptions, pool: WorkerPool, observer: Observer): Promise<Gathered> {
  const { repository } = transaction;
  const scanOptions = scanOptionsOf(repository, options);
  const total = newScanCounts();
  const scans: ScannedFolder[] = [];
  const add = (counts: ScanCounts): void => {
    for (const key of Object.keys(total) as (keyof ScanCounts)[]) total[key] += counts[key];
  };
  const objectInodes =
    options.linkCheckoutSpeedup === true && keepsMetadata(repository, scanOptions) ? readObjectInodes(repository) : undefined;
  let root: FolderNode | undefined;
  for (const source of options.sources) {
    if (source.kind === "tar") {
      // It is unpacked into what came before it, so that folders which it does not name stay as they are.
      const autocreateParents = options.tarAutocreateParents !== false;
      const request = { transaction, options: scanOptions, base: root, autocreateParents, observer };
      const imported = await importTar(source.path, request);
      add(imported.counts);
      root = imported.root;
      continue;
    }
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
      scans.push(scanned);
      layer = scanned.root;
      add(scanned.counts);
    }
    if (root === undefined) root = layer;
    else overlayFolder(root, layer);
  }
  if (root === undefined)
    throw new RegrowError("usage", "There is nothing to commit.", { hint: "Name a folder, or give --tree." });
  return { root, counts: total, scans };
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
