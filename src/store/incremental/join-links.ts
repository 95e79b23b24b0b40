/**
 * Hard links in a partial tree. The sidecar names the first path of a file at each of its other names, so where one name comes, goes
 * or moves, also with a folder above it, the records of all of them may change, in whatever folders they are.
 */
import { type ByteString, joinBytes } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import type { StreamChange } from "../../codec/btrfs-send/changes/change.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { S_IFDIR, S_IFSOCK, tryStatAt, typeOf } from "../../sys/stat.ts";
import { type Scan, groupOf, linkedInodes } from "../scan/scan-state.ts";
import { refuseTooDeep } from "../tree/depth-limit.ts";
import { type PartialTree, leafAt, parentOf, placeAt, putEntry } from "./partial-tree.ts";
import type { TreeChanges } from "./tree-changes.ts";

/**
 * Settles the groups of all files that the scan has met and of those that may have got other names. Returns how many files below
 * folders that have moved had to be looked at. Throws `corrupt` where the tree lacks one of the names.
 */
export function joinLinks(scan: Scan, tree: PartialTree, { changes, relinked, namesOf }: TreeChanges): number {
  let looked = 0;
  for (const path of movedFolders(changes)) looked += meetLinkedFiles(scan, path);
  for (const ino of relinked)
    groupOf(scan, { ...scan.rootStat, nlink: 2, inoHigh: Math.floor(ino / 2 ** 32), inoLow: ino % 2 ** 32 });
  for (const [ino, group] of linkedInodes(scan)) {
    throwIfCancelled(scan.request.observer.signal);
    const paths = namesOf(ino).toSorted();
    Object.assign(group, { leader: paths[0], count: paths.length });
    for (const path of paths) {
      const place = placeAt(tree, path);
      const entry = leafAt(place, path);
      putEntry(place, { ...entry, extras: { ...entry.extras, group } });
    }
  }
  return looked;
}

/** Where they are now; of folders in each other the outermost. */
function movedFolders(changes: readonly StreamChange[]): Set<ByteString> {
  const moved = new Set<ByteString>();
  for (const { kind, type, path } of changes) {
    if (kind === "renamed" && type === "folder" && !isBelow(moved, path)) moved.add(path);
  }
  return moved;
}

function isBelow(folders: ReadonlySet<ByteString>, path: ByteString): boolean {
  for (let above = parentOf(path); above !== ""; above = parentOf(above)) if (folders.has(above)) return true;
  return false;
}

function meetLinkedFiles(scan: Scan, top: ByteString): number {
  let looked = 0;
  const open = [top];
  while (open.length > 0) {
    const path = open.pop()!;
    refuseTooDeep(path);
    throwIfCancelled(scan.request.observer.signal);
    const fd = openBeneath(scan.rootFd, path, O.RDONLY | O.DIRECTORY);
    try {
      for (const { name, type: listed } of readDir(fd)) {
        const stat = listed === DT_DIR ? undefined : tryStatAt(fd, name);
        const type = stat === undefined ? S_IFDIR : typeOf(stat.mode);
        if (type === S_IFDIR) open.push(joinBytes(path, name));
        else if (type !== S_IFSOCK) groupOf(scan, stat!);
        if (type !== S_IFDIR) looked++;
      }
    } finally {
      closeFd(fd);
    }
  }
  return looked;
}

const DT_DIR = 4;
