/** The tree of a folder, from the tree of a commit and what has changed since: in the time that the changes take. */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { beginScan } from "../scan/begin-scan.ts";
import { type Scan, type ScanCounts, type ScanRequest, tell } from "../scan/scan-state.ts";
import type { Transaction } from "../transaction.ts";
import type { FolderNode } from "../tree/working-tree.ts";
import type { FolderIdentity } from "../tree/write-tree.ts";
import { joinLinks } from "./join-links.ts";
import { moveEntries } from "./move-entries.ts";
import { type PartialTree, openPartialTree, unseenIdentity } from "./partial-tree.ts";
import { readEntries, readNewFolder } from "./read-entries.ts";
import type { TreeChanges } from "./tree-changes.ts";

export interface ChangedTree {
  readonly tree: PartialTree;
  readonly root: FolderNode;
  /** What a folder is that did not have to be looked into. */
  readonly unseen: (folder: FolderNode) => FolderIdentity | undefined;
  readonly counts: ScanCounts;
  readonly lookedBelowMoved: number;
}

/**
 * `rootFd` is the open folder, in which nothing may change. What is new in it is staged in the request's transaction. Throws what
 * `isMisfit` knows where the changes and the commit do not go together; `cancelled`, `no-space`, SystemError.
 */
export async function buildChangedTree(
  request: ScanRequest & { readonly transaction: Transaction },
  rootFd: number,
  base: Checksum,
  changes: TreeChanges,
): Promise<ChangedTree> {
  const tree = openPartialTree(request.transaction.repository, base);
  const scan: Scan = beginScan({ ...request, isStill: true, useCache: false }, rootFd);
  try {
    moveEntries(tree, changes.changes, (path) => readNewFolder(scan, path));
    await readEntries(scan, tree, changes.changes);
    const lookedBelowMoved = joinLinks(scan, tree, changes);
    tell(scan);
    const { root } = tree;
    return { tree, root, unseen: (folder) => unseenIdentity(tree, folder), counts: scan.counts, lookedBelowMoved };
  } finally {
    // Who wants to stop doesn't wait for what is already handed out.
    if (request.observer.signal?.aborted === true) await request.pool.close();
    await Promise.allSettled(scan.running);
  }
}
