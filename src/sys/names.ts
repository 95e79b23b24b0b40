/** Making, renaming and removing names. */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { c, c2 } from "./c-string.ts";
import { failPoint } from "./fail-point.ts";
import { declare, lastErrno, lastError } from "./native.ts";
import { closeFd, openFolderHere } from "./open.ts";
import { readDir } from "./read-dir.ts";

const faccessat = declare("int faccessat(int, void *, int, int)");
const mkdirat = declare("int mkdirat(int, void *, unsigned int)");
const symlinkat = declare("int symlinkat(void *, int, void *)");
const linkat = declare("int linkat(int, void *, int, void *, int)");
const mknodat = declare("int mknodat(int, void *, unsigned int, uint64_t)");
const unlinkat = declare("int unlinkat(int, void *, int)");
const renameat = declare("int renameat(int, void *, int, void *)");
const renameat2 = declare("int renameat2(int, void *, int, void *, unsigned int)");

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const DT_UNKNOWN = 0;
const DT_DIR = 4;

type Name = ByteString | string;

/** Whether the name, link or not, exists. */
export function existsAt(dirFd: number, name: Name): boolean {
  if (faccessat(dirFd, c(name), 0, AT_SYMLINK_NOFOLLOW) === 0) return true;
  const errno = lastErrno();
  if (errno === "ENOENT" || errno === "ENOTDIR") return false;
  throw lastError("faccessat", shown(name));
}

export function makeDirAt(dirFd: number, name: Name, mode = 0o777): void {
  if (!tryMakeDirAt(dirFd, name, mode)) throw lastError("mkdirat", shown(name));
}

/** False where the name exists already. */
export function tryMakeDirAt(dirFd: number, name: Name, mode = 0o777): boolean {
  failPoint("mkdirat", name);
  if (mkdirat(dirFd, c(name), mode) === 0) return true;
  if (lastErrno() === "EEXIST") return false;
  throw lastError("mkdirat", shown(name));
}

/** Makes a folder and all its parents, each durable only once its parent is synced. */
export function makeDirs(dirFd: number, path: string, mode = 0o777): void {
  const pieces = path.split("/").filter((piece) => piece !== "");
  let at = path.startsWith("/") ? "/" : "";
  for (const piece of pieces) {
    at += at === "" || at === "/" ? piece : `/${piece}`;
    tryMakeDirAt(dirFd, at, mode);
  }
}

export function symlinkAt(target: ByteString, dirFd: number, name: Name): void {
  failPoint("symlinkat", name);
  if (symlinkat(c(target), dirFd, c2(name)) < 0) throw lastError("symlinkat", shown(name));
}

/** A second name for a file. Throws SystemError (EMLINK, EXDEV, EEXIST …). */
export function linkAt(fromFd: number, from: Name, toFd: number, to: Name): void {
  failPoint("linkat", to);
  if (linkat(fromFd, c(from), toFd, c2(to), 0) < 0) throw lastError("linkat", shown(to));
}

/** The same, but false where there is no such file. */
export function tryLinkAt(fromFd: number, from: Name, toFd: number, to: Name): boolean {
  failPoint("linkat", to);
  if (linkat(fromFd, c(from), toFd, c2(to), 0) === 0) return true;
  if (lastErrno() === "ENOENT") return false;
  throw lastError("linkat", shown(to));
}

/** Gives an open, unnamed or named file a name. */
export function linkFdAt(fd: number, toFd: number, to: Name): void {
  failPoint("linkat", to);
  if (linkat(fd, c(""), toFd, c2(to), AT_EMPTY_PATH) < 0) throw lastError("linkat", shown(to));
}

/** A device node, FIFO or the like. `rdev` by major and minor number. */
export function makeNodeAt(dirFd: number, name: Name, mode: number, major: number, minor: number): void {
  failPoint("mknodat", name);
  if (mknodat(dirFd, c(name), mode, makeDevice(major, minor)) < 0) throw lastError("mknodat", shown(name));
}

export function unlinkAt(dirFd: number, name: Name): void {
  failPoint("unlinkat", name);
  if (unlinkat(dirFd, c(name), 0) < 0) throw lastError("unlinkat", shown(name));
}

/** False where there was no such name. */
export function tryUnlinkAt(dirFd: number, name: Name): boolean {
  failPoint("unlinkat", name);
  if (unlinkat(dirFd, c(name), 0) === 0) return true;
  if (lastErrno() === "ENOENT") return false;
  throw lastError("unlinkat", shown(name));
}

export function removeDirAt(dirFd: number, name: Name): void {
  failPoint("rmdir", name);
  if (unlinkat(dirFd, c(name), AT_REMOVEDIR) < 0) throw lastError("rmdir", shown(name));
}

/**
 * Removes a name and, where it is a folder, all below it; never follows a link. Nothing there is no error. Throws SystemError EXDEV
 * where something is mounted, whose files are somebody else's.
 */
export function removeTreeAt(dirFd: number, name: Name): void {
  failPoint("unlinkat", name);
  if (unlinkat(dirFd, c(name), 0) === 0) return;
  const errno = lastErrno();
  if (errno === "ENOENT") return;
  if (errno !== "EISDIR" && errno !== "EPERM" && errno !== "ENOTEMPTY") throw lastError("unlinkat", shown(name));
  const fd = openFolderHere(dirFd, name);
  try {
    for (const entry of readDir(fd)) {
      // Not every file system tells the type; another process may be removing the same.
      if (entry.type === DT_DIR || entry.type === DT_UNKNOWN) removeTreeAt(fd, entry.name);
      else tryUnlinkAt(fd, entry.name);
    }
  } finally {
    closeFd(fd);
  }
  removeDirAt(dirFd, name);
}

/** Replaces `to` atomically. */
export function renameAt(fromFd: number, from: Name, toFd: number, to: Name): void {
  failPoint("renameat", to);
  if (renameat(fromFd, c(from), toFd, c2(to)) < 0) throw lastError("renameat", shown(to));
}

/** False where `to` exists already. */
export function renameNoReplaceAt(fromFd: number, from: Name, toFd: number, to: Name): boolean {
  failPoint("renameat2", to);
  if (renameat2(fromFd, c(from), toFd, c2(to), RENAME_NOREPLACE) === 0) return true;
  if (lastErrno() === "EEXIST") return false;
  throw lastError("renameat2", shown(to));
}

/** Swaps two names atomically. */
export function exchangeAt(fromFd: number, from: Name, toFd: number, to: Name): void {
  failPoint("renameat2", to);
  if (renameat2(fromFd, c(from), toFd, c2(to), RENAME_EXCHANGE) < 0) throw lastError("renameat2", shown(to));
}

// The kernel's user-space encoding of a device number (glibc's makedev).
function makeDevice(major: number, minor: number): bigint {
  const ma = BigInt(major);
  const mi = BigInt(minor);
  return ((ma & 0xfffff000n) << 32n) | ((ma & 0xfffn) << 8n) | ((mi & 0xffffff00n) << 12n) | (mi & 0xffn);
}

function shown(name: Name): string {
  return displayBytes(name as ByteString);
}
