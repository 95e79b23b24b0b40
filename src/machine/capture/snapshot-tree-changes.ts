/** What btrfs tells of two snapshots, in the store's terms: with the files whose names have changed without being named. */
import { type ByteString, EMPTY } from "../../base/byte-string.ts";
import type { StreamChange, TouchedEntry } from "../../codec/btrfs-send/changes/change.ts";
import type { TreeChanges } from "../../store/incremental/tree-changes.ts";
import { namesOfInode } from "../../sys/btrfs.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { type Stat, tryStatAt } from "../../sys/stat.ts";
import type { SnapshotChanges } from "../../volume/btrfs/snapshot-changes.ts";

/** `beforeFd` and `afterFd`: the roots of the two, which must stay open as long as the result is used. */
export function snapshotTreeChanges(set: SnapshotChanges, beforeFd: number, afterFd: number): TreeChanges {
  const relinked = new Set<number>();
  for (const { path } of removedLeaves(set)) {
    const stat = statIn(beforeFd, path);
    if (stat !== undefined && stat.nlink > 1) relinked.add(inoOf(stat));
  }
  for (const { from, type } of set.touched) {
    if (type === "folder" || type === "socket") continue;
    const stat = statIn(beforeFd, from);
    if (stat === undefined || stat.nlink < 2 || relinked.has(inoOf(stat))) continue;
    if (!sameNames(namesOfInode(beforeFd, inoOf(stat)), namesOfInode(afterFd, inoOf(stat)))) relinked.add(inoOf(stat));
  }
  const changes = set.streamVersion > 1 ? set.changes : withFlags(set, afterFd);
  return { changes, relinked: [...relinked], namesOf: (ino) => namesOfInode(afterFd, ino) };
}

function removedLeaves({ changes }: SnapshotChanges): StreamChange[] {
  return changes.filter(({ kind, type }) => kind === "removed" && type !== "folder" && type !== "socket");
}

/** An older stream names what had its inode flags changed, but not for what. */
function withFlags({ changes, touched }: SnapshotChanges, afterFd: number): StreamChange[] {
  const perhaps = touched.flatMap((entry): StreamChange[] => {
    const stat = hasFlags(entry) ? statIn(afterFd, entry.path) : undefined;
    return stat === undefined ? [] : [{ kind: "modified", ...entry, ino: inoOf(stat), what: ["flags"], xattrs: [] }];
  });
  return [...changes, ...perhaps].toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function hasFlags({ type }: TouchedEntry): boolean {
  return type === "file" || type === "folder";
}

function sameNames(before: readonly ByteString[], after: readonly ByteString[]): boolean {
  return before.length === after.length && before.toSorted().join("\0") === after.toSorted().join("\0");
}

function statIn(rootFd: number, path: ByteString): Stat | undefined {
  const slash = path.lastIndexOf("/");
  const folder = slash < 0 ? EMPTY : (path.slice(0, slash) as ByteString);
  const dirFd = openBeneath(rootFd, folder, O.RDONLY | O.DIRECTORY);
  try {
    return tryStatAt(dirFd, path === "" ? "." : path.slice(slash + 1));
  } finally {
    closeFd(dirFd);
  }
}

function inoOf({ inoHigh, inoLow }: Stat): number {
  return inoHigh * 2 ** 32 + inoLow;
}
