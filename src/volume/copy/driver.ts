/**
 * Trees as plain folders, on any file system that keeps owners, modes and attributes: a snapshot is a copy that is complete and durable
 * before it has its name. Blocks are shared where the file system can (xfs); elsewhere (ext4) every byte is copied.
 *
 * Hard links would be smaller there, and are never made: a later write through the source would be a write into the snapshot, and who
 * writes into a file in place (a database, a log, `sed -c`) can't be told beforehand from who replaces it.
 */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno, throwIfCancelled } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import { fsyncFd, syncFileSystem } from "../../sys/durable.ts";
import { addFlags, clearLastFlags, dropLastFlags } from "../../sys/inode-flags.ts";
import { exchangeAt, makeDirAt, removeTreeAt, renameAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { disinheritFolder } from "../../sys/plain-folder.ts";
import { readDir } from "../../sys/read-dir.ts";
import { spaceOf } from "../../sys/space.ts";
import { statFd } from "../../sys/stat.ts";
import type { Place, VolumeDriver, VolumeTree } from "../driver.ts";
import { isUnfinished, makeAside, refuseMounted, removeAside } from "../unfinished.ts";
import { copyTree } from "./copy-tree.ts";
import { compareTrees } from "./tree-changes.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const DT_DIR = 4;
const NONE: Observer = {};

/** `sharing`: the file system can share blocks between files. */
export function copyDriver(sharing: boolean): VolumeDriver {
  const copy = (source: Place, target: Place, observer: Observer = NONE): Promise<void> =>
    make(sharing, target, source, async () => {}, observer);
  return {
    capabilities: {
      kind: "copy",
      snapshots: "copy",
      sharing: sharing ? "reflink" : "none",
      exchange: true,
      sealed: false,
      changes: "scan",
      streams: false,
      nested: false,
    },
    snapshot: copy,
    clone: copy,
    build: (target, base, fill, observer = NONE) => make(sharing, target, base, fill, observer),
    remove: async (place, observer = NONE) => {
      throwIfCancelled(observer.signal);
      refuseMounted(place);
      await removeAside(place, removeTree, renameForRemoval, observer);
    },
    exchange,
    list,
    space,
    send: async () => refuseStreams(),
    receive: async () => refuseStreams(),
    changes: async (before, after, { signal } = NONE) =>
      inTree(before, (beforeFd) => inTree(after, (afterFd) => compareTrees(beforeFd, afterFd, signal))),
    flush: syncFileSystem,
  };
}

async function make<T>(
  sharing: boolean,
  target: Place,
  base: Place | undefined,
  fill: (rootFd: number) => Promise<T>,
  observer: Observer,
): Promise<T> {
  const { folderFd } = target;
  throwIfCancelled(observer.signal);
  // An immutable folder can't be renamed: what keeps the root from that comes after its name.
  let rootFlags = 0;
  const made = await makeAside(
    target,
    removeTree,
    async (name) => {
      makeDirAt(folderFd, name, 0o700);
      return inTree({ folderFd, name }, async (rootFd) => {
        disinheritFolder(folderFd, name, rootFd);
        if (base !== undefined) rootFlags = await copyFrom(base, rootFd, sharing, folderFd, observer);
        const filled = await fill(rootFd);
        syncFileSystem(rootFd);
        return filled;
      });
    },
    observer,
  );
  if (rootFlags !== 0) await inTree(target, async (fd) => void addFlags(fd, rootFlags));
  return made;
}

function copyFrom(base: Place, targetFd: number, sharing: boolean, folderFd: number, observer: Observer): Promise<number> {
  return inTree(base, (sourceFd) => copyTree({ sourceFd, targetFd, sharing, leaveOut: statFd(folderFd) }, observer));
}

function removeTree(folderFd: number, name: ByteString): void {
  const fd = openAt(folderFd, name, FOLDER);
  try {
    removeTreeAt(folderFd, name);
  } catch (error) {
    if (!isErrno(error, "EPERM", "EACCES")) throw error;
    clearLastFlags(fd, true);
    removeTreeAt(folderFd, name);
  } finally {
    closeFd(fd);
  }
}

function renameForRemoval(folderFd: number, name: ByteString, to: ByteString): void {
  const fd = openAt(folderFd, name, FOLDER);
  try {
    renameAt(folderFd, name, folderFd, to);
  } catch (error) {
    if (!isErrno(error, "EPERM")) throw error;
    dropLastFlags(fd);
    renameAt(folderFd, name, folderFd, to);
  } finally {
    closeFd(fd);
  }
}

function exchange(a: Place, b: Place): void {
  exchangeAt(a.folderFd, a.name, b.folderFd, b.name);
  fsyncFd(a.folderFd);
  fsyncFd(b.folderFd);
}

function list(folderFd: number): VolumeTree[] {
  return readDir(folderFd)
    .filter(({ name, type }) => type === DT_DIR && !isUnfinished(name))
    .map(({ name }) => ({ name }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function space(folderFd: number): ReturnType<VolumeDriver["space"]> {
  const { total, available, used } = spaceOf(folderFd);
  return { total, used, free: available, metadataFree: undefined };
}

function refuseStreams(): never {
  throw new RegrowError("unsupported", "Only btrfs has streams of its snapshots.", {
    hint: "`regrow export --format=btrfs-send` writes one from a commit, on any file system.",
  });
}

async function inTree<T>({ folderFd, name }: Place, work: (fd: number) => Promise<T>): Promise<T> {
  const fd = openAt(folderFd, name, FOLDER);
  try {
    return await work(fd);
  } catch (error) {
    if (!isErrno(error, "ENOTDIR") || error.path !== displayBytes(name)) throw error;
    throw new RegrowError("unsupported", `${displayBytes(name)}: is no folder.`, { path: displayBytes(name), cause: error });
  } finally {
    closeFd(fd);
  }
}
