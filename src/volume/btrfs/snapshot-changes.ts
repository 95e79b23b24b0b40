/**
 * What changed between two read-only snapshots of one subvolume, from a send stream without data: the cost follows the changes and
 * not the size of the trees. Needs root.
 */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError, isErrno, throwIfCancelled } from "../../base/errors.ts";
import type { BaseEntry, ChangeSet, StreamEntryType } from "../../codec/btrfs-send/changes/change.ts";
import { openChangeReader } from "../../codec/btrfs-send/changes/read-changes.ts";
import { openStreamReader } from "../../codec/btrfs-send/read-stream.ts";
import { namesOfInode, sendStreamVersion } from "../../sys/btrfs.ts";
import { sendSubvolume } from "../../sys/btrfs/send.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK, type Stat, statFd, tryStatAt, typeOf } from "../../sys/stat.ts";
import { readXattrsAt, readXattrsFd } from "../../sys/xattr.ts";
import { addNestedSubvolumes, isPlaceholder } from "./nested-subvolumes.ts";

export interface SnapshotChanges extends ChangeSet {
  /** 1 where the kernel is too old to tell of inode flags (chattr) that changed and nothing else. */
  readonly streamVersion: number;
}

/**
 * Compares the snapshot `after` with `before`. A subvolume nested in one of them is an empty folder there, and counts as one.
 * Throws `unsupported` where they are not both read-only subvolumes or not related, and `cancelled`.
 */
export async function readSnapshotChanges(before: string, after: string, signal?: AbortSignal): Promise<SnapshotChanges> {
  throwIfCancelled(signal);
  const beforeFd = openAt(CWD, bytesOf(before), O.RDONLY | O.DIRECTORY);
  try {
    const afterFd = openAt(CWD, bytesOf(after), O.RDONLY | O.DIRECTORY);
    try {
      return await readOpenSnapshotChanges(beforeFd, afterFd, signal);
    } catch (error) {
      throw isErrno(error, "EINVAL", "EPERM", "ENOTTY") ? notComparable(before, after, error) : error;
    } finally {
      closeFd(afterFd);
    }
  } finally {
    closeFd(beforeFd);
  }
}

/** The same for the open roots of both, which need no path. Throws `unsupported` where one can still be written to. */
export async function readOpenSnapshotChanges(beforeFd: number, afterFd: number, signal?: AbortSignal): Promise<SnapshotChanges> {
  const streamVersion = Math.min(sendStreamVersion(), 2);
  const changes = openReader(beforeFd, afterFd);
  const reader = openStreamReader(changes.take);
  const request = { sourceFd: afterFd, parentFd: beforeFd, withData: false, version: streamVersion, signal };
  for await (const chunk of sendSubvolume(request)) reader.push(chunk);
  reader.end();
  return { ...addNestedSubvolumes(changes.finish(), beforeFd, afterFd), streamVersion };
}

function notComparable(before: string, after: string, cause: unknown): RegrowError {
  const hint = "Both have to be read-only and snapshots of one subvolume; the kernel's log may say more. It needs root.";
  return new RegrowError("unsupported", `${after}: btrfs can't compare it with ${before}.`, { path: after, hint, cause });
}

function openReader(beforeFd: number, afterFd: number): ReturnType<typeof openChangeReader> {
  return openChangeReader({
    lookUp: (path) => lookUp(beforeFd, path),
    xattrOf: (path, name) => xattrOf(beforeFd, path, name),
    isInB: (path) => tryStatAt(afterFd, path) !== undefined,
    namesOf: (ino) => namesOfInode(afterFd, ino),
  });
}

function lookUp(rootFd: number, path: ByteString): BaseEntry | undefined {
  const stat = path === "" ? statFd(rootFd) : tryStatAt(rootFd, path);
  // Streams are about a tree without these: something else can take their names.
  return stat === undefined || isPlaceholder(stat) ? undefined : entryOf(stat);
}

function xattrOf(rootFd: number, path: ByteString, name: ByteString): Uint8Array | undefined {
  const xattrs = path === "" ? readXattrsFd(rootFd) : readXattrsAt(rootFd, path);
  return xattrs.find((xattr) => xattr.name === name)?.value;
}

function entryOf(stat: Stat): BaseEntry {
  return {
    type: TYPES[typeOf(stat.mode)] ?? "device",
    ino: stat.inoHigh * 2 ** 32 + stat.inoLow,
    links: stat.nlink,
    mtime: { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds },
  };
}

const TYPES: Readonly<Record<number, StreamEntryType>> = {
  [S_IFREG]: "file",
  [S_IFDIR]: "folder",
  [S_IFLNK]: "link",
  [S_IFIFO]: "fifo",
  [S_IFSOCK]: "socket",
};
