/** Owners, permissions, times and inode flags. */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { c } from "./c-string.ts";
import { failPoint } from "./fail-point.ts";
import { declare, lastErrno, lastError } from "./native.ts";

const fchownat = declare("int fchownat(int, void *, unsigned int, unsigned int, int)");
const fchmod = declare("int fchmod(int, unsigned int)");
const fchmodat = declare("int fchmodat(int, void *, unsigned int, int)");
const utimensat = declare("int utimensat(int, void *, void *, int)");
const futimens = declare("int futimens(int, void *)");
const ioctl = declare("int ioctl(int, uint64_t, void *)");

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;

/** Inode flags (chattr) that a person sets and that a copy should have. */
export const FLAG = {
  secureDelete: 0x1,
  undelete: 0x2,
  compress: 0x4,
  sync: 0x8,
  immutable: 0x10,
  append: 0x20,
  noDump: 0x40,
  noAtime: 0x80,
  noCompress: 0x400,
  journalData: 0x4000,
  noTail: 0x8000,
  dirSync: 0x10000,
  topDir: 0x20000,
  noCow: 0x800000,
  dax: 0x2000000,
  casefold: 0x40000000,
  projectInherit: 0x20000000,
} as const;

export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export function chownFd(fd: number, uid: number, gid: number): void {
  failPoint("fchown");
  if (fchownat(fd, c(""), uid, gid, AT_EMPTY_PATH) < 0) throw lastError("fchown");
}

/** Not following a link. */
export function chownAt(dirFd: number, name: ByteString | string, uid: number, gid: number): void {
  failPoint("fchownat", name);
  if (fchownat(dirFd, c(name), uid, gid, AT_SYMLINK_NOFOLLOW) < 0) throw lastError("fchownat", displayBytes(name as ByteString));
}

export function chmodFd(fd: number, mode: number): void {
  failPoint("fchmod");
  if (fchmod(fd, mode & 0o7777) < 0) throw lastError("fchmod");
}

/** For what can't be opened (devices, FIFOs); the name must not be a link. */
export function chmodAt(dirFd: number, name: ByteString, mode: number): void {
  failPoint("fchmodat", name);
  if (fchmodat(dirFd, c(name), mode & 0o7777, 0) < 0) throw lastError("fchmodat", displayBytes(name));
}

export function setTimeFd(fd: number, mtime: Time): void {
  failPoint("futimens");
  if (futimens(fd, timespecs(mtime)) < 0) throw lastError("futimens");
}

/** Not following a link. */
export function setTimeAt(dirFd: number, name: ByteString | string, mtime: Time): void {
  failPoint("utimensat", name);
  if (utimensat(dirFd, c(name), timespecs(mtime), AT_SYMLINK_NOFOLLOW) < 0) {
    throw lastError("utimensat", displayBytes(name as ByteString));
  }
}

/** The inode's flags, 0 where the file system has none. */
export function getFlags(fd: number): number {
  flagBuffer.writeInt32LE(0);
  return ioctl(fd, FS_IOC_GETFLAGS, flagBuffer) < 0 ? 0 : flagBuffer.readInt32LE();
}

/** Sets the inode's flags. False where the file system refuses them. */
export function setFlags(fd: number, flags: number): boolean {
  failPoint("setflags");
  flagBuffer.writeInt32LE(flags);
  if (ioctl(fd, FS_IOC_SETFLAGS, flagBuffer) === 0) return true;
  const errno = lastErrno();
  if (errno === "EOPNOTSUPP" || errno === "ENOTTY" || errno === "EINVAL" || errno === "ENOTSUP" || errno === "EPERM")
    return false;
  throw lastError("ioctl FS_IOC_SETFLAGS");
}

const flagBuffer = Buffer.alloc(8);
const times = Buffer.alloc(32);

function timespecs(mtime: Time): Buffer {
  for (const at of [0, 16]) {
    times.writeBigInt64LE(BigInt(mtime.seconds), at);
    times.writeBigInt64LE(BigInt(mtime.nanoseconds), at + 8);
  }
  return times;
}
