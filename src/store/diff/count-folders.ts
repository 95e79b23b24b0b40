/** How far apart two commits are, without a look at files: what a delta between them costs follows it. */
import { throwIfCancelled } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Repository } from "../repository.ts";
import { type SideFolder, commitSide, isSameFolder } from "./diff-side.ts";

/**
 * The number of folders in which something differs, those that only one of the commits has among them; counting ends at `limit`.
 * Throws `not-found`, `corrupt`, `cancelled`.
 */
export function countDifferentFolders(
  repository: Repository,
  a: Checksum,
  b: Checksum,
  limit = Infinity,
  observer: Observer = {},
): number {
  let count = 0;
  const waiting: [SideFolder | undefined, SideFolder | undefined][] = [[commitSide(repository, a), commitSide(repository, b)]];
  for (let pair = waiting.pop(); pair !== undefined && count < limit; pair = waiting.pop()) {
    throwIfCancelled(observer.signal);
    const [before, after] = pair;
    if (before !== undefined && after !== undefined && isSameFolder(before, after)) continue;
    count++;
    const others = new Map(subfoldersOf(after).map((folder) => [folder.name, folder]));
    for (const folder of subfoldersOf(before)) {
      waiting.push([folder, others.get(folder.name)]);
      others.delete(folder.name);
    }
    for (const folder of others.values()) waiting.push([undefined, folder]);
  }
  return count;
}

function subfoldersOf(folder: SideFolder | undefined): SideFolder[] {
  if (folder === undefined) return [];
  return [...folder.list().entries.values()].filter((entry) => entry.kind === "folder");
}
