/** Copying one entry of a folder, with all of its metadata but the flags that stop every later change. */
import type { ByteString } from "../../base/byte-string.ts";
import { type RegrowError, SystemError, isErrno } from "../../base/errors.ts";
import { LAST_FLAGS, addFlags, userFlags } from "../../sys/inode-flags.ts";
import { chmodAt, chmodFd, chownAt, chownFd, getFlags, setTimeAt, setTimeFd } from "../../sys/metadata.ts";
import { makeNodeAt, symlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readLinkAt } from "../../sys/read-file.ts";
import { S_IFLNK, type Stat, sameVersion, statFd, typeOf } from "../../sys/stat.ts";
import { truncateFd } from "../../sys/write-file.ts";
import { type Xattr, readXattrsAt, readXattrsFd, setXattrAt, setXattrFd } from "../../sys/xattr.ts";
import type { ContentCopier } from "./copy-content.ts";

const ATTEMPTS = 3;

/** Two open folders, and a name that the first has. */
export interface EntryPair {
  readonly sourceFd: number;
  readonly targetFd: number;
  readonly name: ByteString;
}

export interface CopiedFile {
  readonly bytes: number;
  /** Inode flags to be set last of all. */
  readonly lastFlags: number;
  /** It was written to while it was read, at each attempt. */
  readonly torn: boolean;
}

/** A regular file. Throws SystemError. */
export function copyFile({ sourceFd, targetFd, name }: EntryPair, copier: ContentCopier): CopiedFile {
  const from = openAt(sourceFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK | O.NOATIME);
  try {
    const to = openAt(targetFd, name, O.RDWR | O.CREAT | O.EXCL, 0o600);
    try {
      const flags = userFlags(getFlags(from));
      // +C counts only on a file that is still empty.
      addFlags(to, flags & ~LAST_FLAGS);
      const { stat, torn } = copyWhole(from, to, copier);
      putMetadata(to, stat, readXattrsFd(from));
      return { bytes: stat.size, lastFlags: flags & LAST_FLAGS, torn };
    } finally {
      closeFd(to);
    }
  } finally {
    closeFd(from);
  }
}

/** A link, a device node, a FIFO or a socket. Throws SystemError. */
export function copySpecial({ sourceFd, targetFd, name }: EntryPair, stat: Stat): void {
  const isLink = typeOf(stat.mode) === S_IFLNK;
  if (isLink) symlinkAt(readLinkAt(sourceFd, name), targetFd, name);
  else makeNodeAt(targetFd, name, stat.mode, stat.rdevMajor, stat.rdevMinor);
  chownAt(targetFd, name, stat.uid, stat.gid);
  for (const xattr of readXattrsAt(sourceFd, name)) tolerating(xattr, () => setXattrAt(targetFd, name, xattr));
  if (!isLink) chmodAt(targetFd, name, stat.mode);
  setTimeAt(targetFd, name, timeOf(stat));
}

/** Of an open file or folder: owner, attributes, access, time, in the order in which each leaves the others alone. */
export function putMetadata(fd: number, stat: Stat, xattrs: readonly Xattr[]): void {
  chownFd(fd, stat.uid, stat.gid);
  for (const xattr of xattrs) tolerating(xattr, () => setXattrFd(fd, xattr.name, xattr.value));
  chmodFd(fd, stat.mode);
  setTimeFd(fd, timeOf(stat));
}

function copyWhole(from: number, to: number, copier: ContentCopier): { stat: Stat; torn: boolean } {
  for (let attempt = 1; ; attempt++) {
    const stat = statFd(from);
    copier.copy(from, to, stat.size);
    const after = statFd(from);
    const torn = !sameVersion(stat, after);
    if (!torn || attempt === ATTEMPTS) return { stat: after, torn };
    truncateFd(to, 0);
  }
}

function timeOf({ mtimeSeconds, mtimeNanoseconds }: Stat): { seconds: number; nanoseconds: number } {
  return { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds };
}

/** A machine's own labels (IMA and the like) are its kernel's to make. */
function tolerating({ name }: Xattr, set: () => void): void {
  try {
    set();
  } catch (error) {
    const isLabel = name.startsWith("security.") && name !== "security.capability" && name !== "security.selinux";
    if (!isLabel || !isErrno(error, "EPERM", "EOPNOTSUPP", "ENOTSUP", "EINVAL")) throw error;
  }
}

/** Whether it went away, or became something else, before it was reached. */
export function isGone(error: unknown): error is RegrowError {
  return error instanceof SystemError && ["ENOENT", "ELOOP", "ENOTDIR", "ENXIO"].includes(error.errno);
}
