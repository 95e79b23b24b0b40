/** A commit with the tree of another one, in which some paths are as in a third: what a machine is after going back. */
import type { ByteString } from "../base/byte-string.ts";
import { type Observer, report } from "../base/events.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { startPool } from "../sys/worker-pool.ts";
import { type FinishOptions, type FinishedCommit, finishCommit } from "./finish-commit.ts";
import { mendLinks } from "./merge/mend-links.ts";
import type { Repository } from "./repository.ts";
import { withTransaction } from "./transaction.ts";
import { loadSharedTrees } from "./tree/load-working-tree.ts";
import { stagingSink } from "./tree/tree-sinks.ts";
import { type FolderNode, newFolder, removeEntry } from "./tree/working-tree.ts";
import { writeTree } from "./tree/write-tree.ts";

export interface CarryOptions extends FinishOptions {
  readonly target: Checksum;
  /** Where `paths` are taken from. */
  readonly live: Checksum;
  /** From the root, without a slash in front. What the live commit has not, the result has not either. */
  readonly paths: readonly ByteString[];
}

/** Throws `not-found`, `corrupt`, `conflict`, `locked`, `no-space`, `cancelled`, SystemError. */
export async function commitCarrying(
  repository: Repository,
  { target, live, paths, ...finish }: CarryOptions,
  observer: Observer = {},
): Promise<FinishedCommit> {
  const pool = startPool({ workers: 1 });
  try {
    return await withTransaction(repository, observer.signal, async (transaction) => {
      report(observer, "write", { done: 0, total: 1 });
      const { trees, hasSidecar, groups } = loadSharedTrees(repository, [target, live]);
      let root = trees[0]!;
      for (const path of paths) root = carry(root, trees[1]!, path.split("/") as ByteString[]) ?? root;
      mendLinks(root, groups);
      const sink = stagingSink(transaction, pool);
      const written = writeTree(sink, root, { sidecar: hasSidecar.includes(true) });
      await sink.flush();
      const result = await finishCommit(transaction, finish, written);
      report(observer, "write", { done: 1, total: 1 });
      return result;
    });
  } finally {
    await pool.close();
  }
}

/** The folder with what `from` has at the path; undefined where neither has anything on the way. Shared folders are not changed. */
function carry(into: FolderNode | undefined, from: FolderNode | undefined, path: readonly ByteString[]): FolderNode | undefined {
  const [name, ...rest] = path as [ByteString, ...ByteString[]];
  if (rest.length > 0) {
    const below = carry(into?.dirs.get(name), from?.dirs.get(name), rest);
    if (below === undefined) return into;
    const folder = copyOf(into, from);
    removeEntry(folder, name);
    folder.dirs.set(name, below);
    return folder;
  }
  const [file, node, dir] = [from?.files.get(name), from?.nodes.get(name), from?.dirs.get(name)];
  const isNowhere = file === undefined && node === undefined && dir === undefined;
  if (isNowhere && into === undefined) return undefined;
  const folder = copyOf(into, from);
  removeEntry(folder, name);
  if (file !== undefined) folder.files.set(name, file);
  else if (node !== undefined) folder.nodes.set(name, node);
  else if (dir !== undefined) folder.dirs.set(name, dir);
  return folder;
}

/** A parent that only the live tree has comes from there, without what else is in it. */
function copyOf(into: FolderNode | undefined, from: FolderNode | undefined): FolderNode {
  const model = into ?? from!;
  const copy = newFolder(model.meta, model.extras);
  for (const kind of ["files", "nodes", "dirs"] as const) {
    for (const [name, entry] of into?.[kind] ?? []) (copy[kind] as Map<ByteString, typeof entry>).set(name, entry);
  }
  return copy;
}
