/**
 * The folder in which subvolumes grow: nobody else can enter it, whatever modes a stream gives, and whoever comes later removes it
 * where its owner has died.
 *
 *     .regrow-unpack-….partial/   0700
 *       lock                      held while its owner lives
 *       trees/                    the subvolumes
 */
import { type ByteString, bytesOf } from "../../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../../base/errors.ts";
import { type Lock, tryLock } from "../../../sys/lock.ts";
import { FLAG, chmodFd, getFlags, setFlags } from "../../../sys/metadata.ts";
import { existsAt, makeDirAt, removeTreeAt } from "../../../sys/names.ts";
import { O, closeFd, openAt } from "../../../sys/open.ts";
import { readDir } from "../../../sys/read-dir.ts";
import { temporaryName } from "../../../sys/temporary-name.ts";
import { removeXattrAt } from "../../../sys/xattr.ts";

const PREFIX = "regrow-unpack";
const SUFFIX = ".partial";
const LOCK = "lock";
const TREES = "trees";
const ATTEMPTS = 10;
const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const INHERITED = ["system.posix_acl_access", "system.posix_acl_default"] as ByteString[];
const INHERITED_FLAGS =
  FLAG.compress | FLAG.noCompress | FLAG.noCow | FLAG.sync | FLAG.dirSync | FLAG.noDump | FLAG.noAtime | FLAG.journalData;

export interface PrivateFolder {
  /** Where the trees are made. */
  readonly fd: number;
  /** Takes it away with all that is still in it. */
  remove(): void;
}

/** In the open folder `parentFd`, of which nothing is passed on to what is made in it. Throws SystemError. */
export function makePrivateFolder(parentFd: number): PrivateFolder {
  removeAbandoned(parentFd);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const name = bytesOf(`${temporaryName(PREFIX)}${SUFFIX}`);
    const made = tryMake(parentFd, name);
    if (made !== undefined) return made;
  }
  throw new RegrowError("locked", "Another process removes the folder that is being made, again and again.");
}

/** Whether the next process may take such a folder for one of these. */
export function isPrivateName(name: ByteString): boolean {
  return name.startsWith(`.${PREFIX}-`) && name.endsWith(SUFFIX);
}

/** Undefined where somebody took it for abandoned before it was locked. */
function tryMake(parentFd: number, name: ByteString): PrivateFolder | undefined {
  makeDirAt(parentFd, name, 0o700);
  let lock: Lock | undefined;
  let outerFd = -1;
  try {
    outerFd = openAt(parentFd, name, FOLDER);
    lock = tryLock(outerFd, LOCK, "exclusive");
    if (lock === undefined || !lock.isAt(outerFd, LOCK)) return undefined;
    disinherit(parentFd, name, outerFd);
    makeDirAt(outerFd, TREES, 0o700);
    const fd = openAt(outerFd, TREES, FOLDER);
    const held = lock;
    lock = undefined;
    return { fd, remove: () => remove(parentFd, name, fd, held) };
  } catch (error) {
    if (isErrno(error, "ENOENT") && !existsAt(parentFd, name)) return undefined;
    removeTreeAt(parentFd, name);
    throw error;
  } finally {
    lock?.release();
    if (outerFd >= 0) closeFd(outerFd);
  }
}

function remove(parentFd: number, name: ByteString, fd: number, lock: Lock): void {
  closeFd(fd);
  try {
    removeTreeAt(parentFd, name);
  } finally {
    lock.release();
  }
}

function removeAbandoned(parentFd: number): void {
  for (const { name } of readDir(parentFd)) {
    if (!isPrivateName(name)) continue;
    const lock = tryLockIn(parentFd, name);
    if (lock === undefined) continue;
    try {
      removeTreeAt(parentFd, name);
    } finally {
      lock.release();
    }
  }
}

function tryLockIn(parentFd: number, name: ByteString): Lock | undefined {
  let fd = -1;
  try {
    fd = openAt(parentFd, name, FOLDER);
    return tryLock(fd, LOCK, "exclusive");
  } catch (error) {
    // Its owner has just removed it, or it is none of ours.
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  } finally {
    if (fd >= 0) closeFd(fd);
  }
}

function disinherit(parentFd: number, name: ByteString, fd: number): void {
  for (const xattr of INHERITED) removeXattrAt(parentFd, name, xattr);
  // Also without the setgid bit.
  chmodFd(fd, 0o700);
  const flags = getFlags(fd);
  if ((flags & INHERITED_FLAGS) !== 0) setFlags(fd, flags & ~INHERITED_FLAGS);
}
