/** The difference of two trees by the cheapest way that gives it. */
import type { Observer } from "../base/events.ts";
import { type Diff, type DiffOptions, diffCommitFolder, diffCommits, diffFolders } from "../store/diff/diff.ts";
import { normalPath, pathFilter } from "../store/diff/path-filter.ts";
import type { TreeRef } from "../store/diff/tree-view.ts";
import { RegrowError } from "../base/errors.ts";
import { areRelatedSnapshots, diffSnapshots } from "./diff-subvolumes.ts";

/** Throws `usage` where a folder comes before a commit, and what comparing trees throws. */
export async function diffTrees(a: TreeRef, b: TreeRef, options: DiffOptions = {}, observer: Observer = {}): Promise<Diff> {
  if (a.kind === "commit") {
    return b.kind === "commit"
      ? diffCommits(a.repository, a.commit, b.commit, observer, options)
      : diffCommitFolder(a.repository, a.commit, b.path, observer, options);
  }
  if (b.kind === "commit") throw new RegrowError("usage", "A folder can't come before a commit.");
  const quick = await tryDiffSnapshots(a.path, b.path, options, observer);
  return quick ?? diffFolders(undefined, a.path, b.path, observer, options);
}

/** Undefined where they are no such snapshots, or where what moved has to be looked at file by file. */
async function tryDiffSnapshots(a: string, b: string, options: DiffOptions, { signal }: Observer): Promise<Diff | undefined> {
  if (!areRelatedSnapshots(a, b)) return undefined;
  const { changes } = await diffSnapshots(a, b, signal);
  const filter = pathFilter(options.paths);
  const isUnfit = changes.some(
    ({ kind, type }) => kind === "renamed" && (filter !== undefined || (options.folderRenames === false && type === "folder")),
  );
  if (isUnfit) return undefined;
  return filter === undefined ? { changes } : { changes: changes.filter(({ path }) => filter(normalPath(path)) === "inside") };
}
