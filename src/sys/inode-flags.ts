/** Which inode flags (chattr) a copy takes along, and those of them that stop every later change. */
import { FLAG, chmodFd, getFlags, setFlags } from "./metadata.ts";
import { O, closeFd, openAt, openFolderHere } from "./open.ts";
import { readDir } from "./read-dir.ts";
import { S_IFDIR, S_IFREG, statAt, statFd, typeOf } from "./stat.ts";

const KEPT =
  FLAG.secureDelete |
  FLAG.undelete |
  FLAG.compress |
  FLAG.sync |
  FLAG.immutable |
  FLAG.append |
  FLAG.noDump |
  FLAG.noAtime |
  FLAG.noCompress |
  FLAG.journalData |
  FLAG.noTail |
  FLAG.dirSync |
  FLAG.topDir |
  FLAG.noCow |
  FLAG.projectInherit;

/** These stop every later change, so they are set last of all. */
export const LAST_FLAGS = FLAG.immutable | FLAG.append;

/** Those that a person sets and that a copy should have; the rest is the file system's own business. */
export function userFlags(flags: number): number {
  return (flags & KEPT) >>> 0;
}

/**
 * Makes a tree removable: takes the last flags away below the open folder and from itself. Of a file with several names only where
 * `linked` says that all of them are in this tree. What is mounted is left alone.
 */
export function clearLastFlags(fd: number, linked: boolean): void {
  dropLastFlags(fd);
  if ((statFd(fd).mode & 0o700) !== 0o700) chmodFd(fd, 0o700);
  for (const { name } of readDir(fd)) {
    const { mode, nlink } = statAt(fd, name);
    const isDir = typeOf(mode) === S_IFDIR;
    if (!isDir && (typeOf(mode) !== S_IFREG || (nlink > 1 && !linked))) continue;
    const child = isDir ? openFolderHere(fd, name) : openAt(fd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    try {
      if (isDir) clearLastFlags(child, linked);
      else dropLastFlags(child);
    } finally {
      closeFd(child);
    }
  }
}

/** Of an open file or folder. */
export function dropLastFlags(fd: number): void {
  const flags = getFlags(fd);
  if ((flags & LAST_FLAGS) !== 0) setFlags(fd, flags & ~LAST_FLAGS);
}

/** Adds flags to those that the open file has; where the file system refuses some, it gets the others. False where it refuses any. */
export function addFlags(fd: number, flags: number): boolean {
  if (flags === 0) return true;
  const before = getFlags(fd);
  if ((before & flags) === flags || setFlags(fd, before | flags)) return true;
  for (let bit = 1; bit !== 0 && bit <= flags; bit *= 2) {
    // Each by itself: what is refused now was told above.
    if ((flags & bit) !== 0) setFlags(fd, getFlags(fd) | bit);
  }
  return false;
}
