/** What the kernel knows of a file, by statx, with times to the nanosecond and the inode's attributes. */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { c } from "./c-string.ts";
import { declare, lastErrno, lastError } from "./native.ts";

const statx = declare("int statx(int, void *, int, unsigned int, void *)");

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const BASIC_AND_BTIME = 0xfff;

export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFDIR = 0o040000;
export const S_IFLNK = 0o120000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;
export const S_IFIFO = 0o010000;
export const S_IFSOCK = 0o140000;

/** Sizes in bytes, blocks of 512 bytes, times in whole seconds (may be negative) and nanoseconds. */
export interface Stat {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: number;
  readonly blocks: number;
  /** Device and inode, as one key that is unique on this machine at this time. */
  readonly devMajor: number;
  readonly devMinor: number;
  readonly inoHigh: number;
  readonly inoLow: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly ctimeSeconds: number;
  readonly ctimeNanoseconds: number;
}

const buffer = Buffer.alloc(256);
const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);

/** Of `name` in the folder `dirFd`, not following a link. Throws SystemError. */
export function statAt(dirFd: number, name: ByteString | string): Stat {
  if (statx(dirFd, c(name), AT_SYMLINK_NOFOLLOW, BASIC_AND_BTIME, buffer) < 0) {
    throw lastError("statx", displayBytes(name as ByteString));
  }
  return decode();
}

/** Like `statAt`, but undefined where there is no such file. */
export function tryStatAt(dirFd: number, name: ByteString | string): Stat | undefined {
  if (statx(dirFd, c(name), AT_SYMLINK_NOFOLLOW, BASIC_AND_BTIME, buffer) === 0) return decode();
  const errno = lastErrno();
  if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
  throw lastError("statx", displayBytes(name as ByteString));
}

/** Of an open file. Throws SystemError. */
export function statFd(fd: number): Stat {
  if (statx(fd, c(""), AT_EMPTY_PATH, BASIC_AND_BTIME, buffer) < 0) throw lastError("statx");
  return decode();
}

export function typeOf(mode: number): number {
  return mode & S_IFMT;
}

/** Whether two looks saw the same file, under whatever names. */
export function sameFile(a: Stat, b: Stat): boolean {
  return a.inoLow === b.inoLow && a.inoHigh === b.inoHigh && a.devMinor === b.devMinor && a.devMajor === b.devMajor;
}

/** Whether two files are on the same device, as the kernel tells it: each subvolume of btrfs is one. */
export function sameDevice(a: Stat, b: Stat): boolean {
  return a.devMinor === b.devMinor && a.devMajor === b.devMajor;
}

/** Whether two looks at a file saw the same version of it. */
export function sameVersion(a: Stat, b: Stat): boolean {
  return (
    sameFile(a, b) &&
    a.size === b.size &&
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.ctimeNanoseconds === b.ctimeNanoseconds &&
    a.ctimeSeconds === b.ctimeSeconds
  );
}

function decode(): Stat {
  return {
    nlink: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    mode: view.getUint16(28, true),
    inoLow: view.getUint32(32, true),
    inoHigh: view.getUint32(36, true),
    size: view.getUint32(40, true) + view.getUint32(44, true) * 2 ** 32,
    blocks: view.getUint32(48, true) + view.getUint32(52, true) * 2 ** 32,
    ctimeSeconds: view.getUint32(96, true) + view.getInt32(100, true) * 2 ** 32,
    ctimeNanoseconds: view.getUint32(104, true),
    mtimeSeconds: view.getUint32(112, true) + view.getInt32(116, true) * 2 ** 32,
    mtimeNanoseconds: view.getUint32(120, true),
    rdevMajor: view.getUint32(128, true),
    rdevMinor: view.getUint32(132, true),
    devMajor: view.getUint32(136, true),
    devMinor: view.getUint32(140, true),
  };
}
