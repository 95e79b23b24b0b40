/**
 * A subvolume inside another is no part of its snapshots: an empty folder stands in its place, with an inode number that no real
 * folder has, and streams don't tell of it. When one comes or goes, the folder that holds it changes, so only changed folders
 * are looked through.
 */
import { type ByteString, joinBytes } from "../../base/byte-string.ts";
import type { ChangeSet, StreamChange } from "../../codec/btrfs-send/changes/change.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { type Stat, tryStatAt } from "../../sys/stat.ts";

const PLACEHOLDER_INO = 2;
const DT_DIR = 4;

/** Adds them as folders that were added or removed. */
export function addNestedSubvolumes(set: ChangeSet, beforeFd: number, afterFd: number): ChangeSet {
  const found: StreamChange[] = [];
  for (const change of set.changes) {
    if (change.type !== "folder") continue;
    const before = change.kind === "added" ? [] : placeholdersIn(beforeFd, change.kind === "removed" ? change.path : change.from);
    const after = change.kind === "removed" ? [] : placeholdersIn(afterFd, change.path);
    for (const name of before) if (!after.includes(name)) found.push(removed(change, name));
    for (const name of after) if (!before.includes(name)) found.push(added(change.path, name));
  }
  if (found.length === 0) return set;
  return { ...set, changes: [...set.changes, ...found].toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)) };
}

function placeholdersIn(rootFd: number, path: ByteString | undefined): ByteString[] {
  const fd = openBeneath(rootFd, path ?? ("" as ByteString), O.RDONLY | O.DIRECTORY | O.NOATIME);
  try {
    return readDir(fd)
      .filter(({ name, type }) => type === DT_DIR && isPlaceholder(tryStatAt(fd, name)))
      .map(({ name }) => name);
  } finally {
    closeFd(fd);
  }
}

/** Whether it stands in a snapshot in place of a nested subvolume. */
export function isPlaceholder(stat: Stat | undefined): boolean {
  return stat !== undefined && stat.inoHigh === 0 && stat.inoLow === PLACEHOLDER_INO;
}

function removed(folder: StreamChange, name: ByteString): StreamChange {
  const path = folder.kind === "removed" ? folder.path : (folder.from ?? folder.path);
  return { kind: "removed", path: joinBytes(path, name), type: "folder" };
}

function added(folder: ByteString, name: ByteString): StreamChange {
  return { kind: "added", path: joinBytes(folder, name), type: "folder", ino: PLACEHOLDER_INO, what: [], xattrs: [] };
}
