/**
 * A subvolume inside another is no part of its snapshots: an empty folder stands in its place, with an inode number that no real
 * folder has, and streams don't tell of it. When one comes or goes, the folder that holds it is written, so only the folders that
 * the stream names are looked through.
 */
import { type ByteString, joinBytes } from "../../base/byte-string.ts";
import type { ChangeSet, StreamChange } from "../../codec/btrfs-send/changes/change.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { type Stat, tryStatAt } from "../../sys/stat.ts";

const PLACEHOLDER_INO = 2;
const DT_DIR = 4;
const NONE: ReadonlyMap<ByteString, Stat> = new Map();

/** Adds them as folders that were added, removed or, where the folder around them has another owner, modified. */
export function addNestedSubvolumes(set: ChangeSet, beforeFd: number, afterFd: number): ChangeSet {
  const found: StreamChange[] = [];
  for (const { from, path } of foldersOf(set)) {
    const before = from === undefined ? NONE : placeholdersIn(beforeFd, from);
    const after = path === undefined ? NONE : placeholdersIn(afterFd, path);
    for (const name of before.keys()) if (!after.has(name)) found.push(removed(from!, name));
    for (const [name, stat] of after) {
      const earlier = before.get(name);
      if (earlier === undefined) found.push(added(path!, name));
      // Linux gives it the owner of the folder that it is in.
      else if (earlier.uid !== stat.uid || earlier.gid !== stat.gid) found.push(modified(from!, path!, name));
    }
  }
  if (found.length === 0) return set;
  return { ...set, changes: [...set.changes, ...found].toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)) };
}

/** Where each folder is in A and in B, of those that the stream names: its time may have been put back. */
function* foldersOf({ changes, touched }: ChangeSet): Generator<{ from?: ByteString | undefined; path?: ByteString }> {
  for (const change of changes) {
    if (change.type !== "folder") continue;
    if (change.kind === "removed") yield { from: change.path };
    else yield { from: change.from, path: change.path };
  }
  for (const entry of touched) if (entry.type === "folder") yield entry;
}

function placeholdersIn(rootFd: number, path: ByteString): ReadonlyMap<ByteString, Stat> {
  const fd = openBeneath(rootFd, path, O.RDONLY | O.DIRECTORY | O.NOATIME);
  try {
    const found = new Map<ByteString, Stat>();
    for (const { name, type } of readDir(fd)) {
      const stat = type === DT_DIR ? tryStatAt(fd, name) : undefined;
      if (stat !== undefined && isPlaceholder(stat)) found.set(name, stat);
    }
    return found;
  } finally {
    closeFd(fd);
  }
}

/** Whether it stands in a snapshot in place of a nested subvolume. */
export function isPlaceholder(stat: Stat | undefined): boolean {
  return stat !== undefined && stat.inoHigh === 0 && stat.inoLow === PLACEHOLDER_INO;
}

function removed(folder: ByteString, name: ByteString): StreamChange {
  return { kind: "removed", path: joinBytes(folder, name), type: "folder" };
}

function added(folder: ByteString, name: ByteString): StreamChange {
  return { kind: "added", path: joinBytes(folder, name), type: "folder", ino: PLACEHOLDER_INO, what: [], xattrs: [] };
}

function modified(fromFolder: ByteString, folder: ByteString, name: ByteString): StreamChange {
  const [from, path] = [joinBytes(fromFolder, name), joinBytes(folder, name)];
  return { kind: "modified", from, path, type: "folder", ino: PLACEHOLDER_INO, what: ["owner"], xattrs: [] };
}
