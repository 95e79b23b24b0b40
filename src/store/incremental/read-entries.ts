/** Reads again what the changes name, and nothing else: contents by the worker threads, metadata here. */
import type { ByteString } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import type { StreamChange } from "../../codec/btrfs-send/changes/change.ts";
import { getFlags } from "../../sys/metadata.ts";
import { O, closeFd, openAt, openBeneath } from "../../sys/open.ts";
import { type Stat, S_IFREG, statFd, tryStatAt, typeOf } from "../../sys/stat.ts";
import { folderNode, specialNode } from "../scan/scan-nodes.ts";
import {
  type BatchFolder,
  type Scan,
  closeBatchFolder,
  enqueueFile,
  groupOf,
  isBatchFull,
  sendBatch,
  settleBatches,
} from "../scan/scan-state.ts";
import { userFlags } from "../scan/user-flags.ts";
import { type FolderNode, removeEntry } from "../tree/working-tree.ts";
import { misfit } from "./misfit.ts";
import { isTakenOver, needsReading } from "./move-entries.ts";
import { type PartialTree, type Place, entryAt, folderAt, leafAt, parentOf, placeAt, putEntry } from "./partial-tree.ts";

const MOST_BATCHES = 64;

type Present = Exclude<StreamChange, { kind: "removed" }>;

/** The tree must have its new names. Throws `corrupt` where something is not as it is told, `cancelled`, `no-space`, SystemError. */
export async function readEntries(scan: Scan, tree: PartialTree, changes: readonly StreamChange[]): Promise<void> {
  const first = new Map<number, Place>();
  const twins: { readonly place: Place; readonly of: Place }[] = [];
  let batch: BatchFolder | undefined;
  for (const change of changes) {
    if (change.kind === "removed" || change.type === "socket") continue;
    const { path } = change;
    if (change.type === "folder") {
      if (change.kind !== "added" && change.what.length > 0) readFolderAgain(scan, folderAt(tree, path), path);
      continue;
    }
    const place = placeAt(tree, path);
    if (!mustBeRead(change)) {
      lookAgain(scan, place, change);
      continue;
    }
    // Each file is read once, whatever the number of its names.
    const of = first.get(change.ino);
    if (of !== undefined) {
      twins.push({ place, of });
      continue;
    }
    first.set(change.ino, place);
    if (batch !== undefined && (batch.folder !== place.folder || isBatchFull(scan))) {
      closeBatchFolder(scan, batch);
      batch = undefined;
      throwIfCancelled(scan.request.observer.signal);
      if (scan.running.size > MOST_BATCHES) await settleBatches(scan, MOST_BATCHES);
    }
    batch ??= { path: parentOf(path), folder: place.folder, files: [], links: [] };
    read(scan, batch, place, change);
  }
  if (batch !== undefined) closeBatchFolder(scan, batch);
  sendBatch(scan);
  await settleBatches(scan, 0);
  if (scan.counts.vanished > 0) throw misfit("" as ByteString, `${scan.counts.vanished} entries are not there`);
  for (const { place, of } of twins) {
    removeEntry(place.folder, place.name);
    putEntry(place, { ...entryAt(of)! });
    scan.counts.files++;
  }
}

/** A folder that the commit does not have, still empty. */
export function readNewFolder(scan: Scan, path: ByteString): FolderNode {
  const fd = openBeneath(scan.rootFd, path, O.RDONLY | O.DIRECTORY);
  try {
    scan.counts.folders++;
    return folderNode(scan.request.options, fd, statFd(fd));
  } finally {
    closeFd(fd);
  }
}

function readFolderAgain(scan: Scan, folder: FolderNode, path: ByteString): void {
  const { meta, extras } = readNewFolder(scan, path);
  folder.meta = meta;
  folder.extras = extras;
}

function mustBeRead(change: Present): boolean {
  const isNew = change.kind === "added" && !isTakenOver(change);
  // Of all but files there is nothing to read that would cost more than to look.
  return isNew || needsReading(change.what) || (change.type !== "file" && change.what.length > 0);
}

function read(scan: Scan, batch: BatchFolder, place: Place, { type, path, ino }: Present): void {
  removeEntry(place.folder, place.name);
  if (type === "file" || type === "link") return enqueueFile(scan, batch, place.name, type === "link", 0);
  withStat(scan, path, ino, (dirFd, stat) => {
    const node = specialNode(scan.request.options, { dirFd, name: place.name }, stat, groupOf(scan, stat));
    place.folder.nodes.set(place.name, node);
    scan.counts.files++;
  });
}

/** The object is what it was; times, flags and other names may differ. */
function lookAgain(scan: Scan, place: Place, { path, type, ino, what }: Present): void {
  const entry = leafAt(place, path);
  withStat(scan, path, ino, (dirFd, stat) => {
    const time = { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds };
    const flags = what.length > 0 && type === "file" ? flagsOf(dirFd, place.name) : entry.extras.flags;
    // A node is never changed in place: another name may share it.
    putEntry(place, { ...entry, extras: { ...entry.extras, time, flags, group: groupOf(scan, stat) } });
    scan.counts.files++;
  });
}

function flagsOf(dirFd: number, name: ByteString): number {
  const fd = openAt(dirFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
  try {
    return typeOf(statFd(fd).mode) === S_IFREG ? userFlags(getFlags(fd)) : 0;
  } finally {
    closeFd(fd);
  }
}

function withStat(scan: Scan, path: ByteString, ino: number, use: (dirFd: number, stat: Stat) => void): void {
  const dirFd = openBeneath(scan.rootFd, parentOf(path), O.RDONLY | O.DIRECTORY);
  try {
    const stat = tryStatAt(dirFd, path.slice(path.lastIndexOf("/") + 1));
    if (stat === undefined || stat.inoHigh * 2 ** 32 + stat.inoLow !== ino) throw misfit(path, "another file is there");
    use(dirFd, stat);
  } finally {
    closeFd(dirFd);
  }
}
