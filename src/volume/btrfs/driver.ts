/** Trees as btrfs subvolumes: snapshots at one moment, whatever their size. Needs root. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import { sendStreamVersion, subvolumeInfo } from "../../sys/btrfs.ts";
import { sendSubvolume } from "../../sys/btrfs/send.ts";
import { btrfsSpace } from "../../sys/btrfs/space.ts";
import { createSnapshot, createSubvolume, setSubvolumeReadOnly } from "../../sys/btrfs/subvolumes.ts";
import { fsyncFd, syncFileSystem } from "../../sys/durable.ts";
import { exchangeAt, existsAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { disinheritFolder } from "../../sys/plain-folder.ts";
import { readDir } from "../../sys/read-dir.ts";
import { writeNext } from "../../sys/write-stream.ts";
import type { Place, SendTarget, VolumeCapabilities, VolumeDriver, VolumeTree } from "../driver.ts";
import { inFolder, isUnfinished, makeAside, refuseMounted, refuseTaken, removeAside } from "../unfinished.ts";
import { estimateSpace } from "./estimate-space.ts";
import { receiveInto } from "./receive.ts";
import { hasNested, removeSubvolumeTree, renameForRemoval } from "./remove-subvolume.ts";
import { readOpenSnapshotChanges } from "./snapshot-changes.ts";

const CAPABILITIES: VolumeCapabilities = {
  kind: "btrfs",
  snapshots: "instant",
  sharing: "extents",
  exchange: true,
  sealed: true,
  changes: "stream",
  streams: true,
  nested: true,
};
const DT_DIR = 4;
const NONE: Observer = {};

export const BTRFS_DRIVER: VolumeDriver = {
  capabilities: CAPABILITIES,
  snapshot: (source, target, observer = NONE) => take(source, target, true, observer),
  clone: (source, target, observer = NONE) => take(source, target, false, observer),
  build,
  remove,
  exchange,
  list,
  space: (folderFd) => estimateSpace(btrfsSpace(folderFd)),
  send,
  receive: (stream, target, observer = NONE) =>
    makeAside(target, removeSubvolumeTree, (name) => receiveInto(target.folderFd, name, stream, observer.signal), observer),
  changes: (before, after, { signal } = NONE) =>
    inTree(before, (beforeFd) => inTree(after, (afterFd) => readOpenSnapshotChanges(beforeFd, afterFd, signal))),
  flush: syncFileSystem,
};

/** One call makes it whole and durable under its final name. */
async function take(source: Place, target: Place, readOnly: boolean, observer: Observer): Promise<void> {
  throwIfCancelled(observer.signal);
  refuseTaken(target);
  await inFolder(target.folderFd, removeSubvolumeTree, observer, (folderFd) =>
    inTree(source, async (sourceFd) => createSnapshot(sourceFd, folderFd, target.name, { readOnly })),
  );
}

async function build<T>(
  target: Place,
  base: Place | undefined,
  fill: (rootFd: number) => Promise<T>,
  observer: Observer = NONE,
): Promise<T> {
  const { folderFd } = target;
  const make = async (name: ByteString): Promise<T> => {
    if (base === undefined) createSubvolume(folderFd, name);
    else await inTree(base, async (baseFd) => createSnapshot(baseFd, folderFd, name, { readOnly: false }));
    return inTree({ folderFd, name }, async (rootFd) => {
      if (base === undefined) disinheritFolder(folderFd, name, rootFd);
      const filled = await fill(rootFd);
      syncFileSystem(rootFd);
      setSubvolumeReadOnly(rootFd, true);
      return filled;
    });
  };
  return makeAside(target, removeSubvolumeTree, make, observer);
}

async function remove(place: Place, observer: Observer = NONE): Promise<void> {
  throwIfCancelled(observer.signal);
  refuseMounted(place);
  if (existsAt(place.folderFd, place.name) && !hasNested(place.folderFd, place.name)) {
    // In one step, which fails as a whole where the subvolume is in use.
    return inFolder(place.folderFd, removeSubvolumeTree, observer, async (fd) => removeSubvolumeTree(fd, place.name));
  }
  await removeAside(place, removeSubvolumeTree, renameForRemoval, observer);
}

function exchange(a: Place, b: Place): void {
  exchangeAt(a.folderFd, a.name, b.folderFd, b.name);
  fsyncFd(a.folderFd);
  fsyncFd(b.folderFd);
}

function list(folderFd: number): VolumeTree[] {
  const trees: VolumeTree[] = [];
  for (const { name, type } of readDir(folderFd)) {
    if (type !== DT_DIR || isUnfinished(name)) continue;
    const fd = openAt(folderFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    try {
      const info = subvolumeInfo(fd);
      if (info !== undefined) trees.push({ name, ...info });
    } finally {
      closeFd(fd);
    }
  }
  return trees.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function send(tree: Place, { parent, fd }: SendTarget, observer: Observer = NONE): Promise<number> {
  const write = async (sourceFd: number, parentFd: number | undefined): Promise<number> => {
    const version = Math.min(sendStreamVersion(), 2);
    let bytes = 0;
    for await (const piece of sendSubvolume({ sourceFd, parentFd, withData: true, version, signal: observer.signal })) {
      await writeNext(fd, piece);
      bytes += piece.length;
      report(observer, "send", { bytes });
    }
    return bytes;
  };
  return inTree(tree, (sourceFd) =>
    parent === undefined ? write(sourceFd, undefined) : inTree(parent, (parentFd) => write(sourceFd, parentFd)),
  );
}

async function inTree<T>({ folderFd, name }: Place, work: (fd: number) => Promise<T>): Promise<T> {
  const fd = openAt(folderFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  try {
    if (subvolumeInfo(fd) === undefined) throw noSubvolume(name);
    return await work(fd);
  } finally {
    closeFd(fd);
  }
}

function noSubvolume(name: ByteString): RegrowError {
  const path = displayBytes(name);
  return new RegrowError("unsupported", `${path}: is no subvolume.`, {
    path,
    hint: "Only subvolumes have snapshots; `btrfs subvolume create` makes one.",
  });
}
