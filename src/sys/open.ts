/**
 * Opening and closing, always relative to a folder that is held open. `openBeneath` never leaves that folder, whatever
 * symbolic links stand in the way (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS).
 */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { RegrowError } from "../base/errors.ts";
import { c } from "./c-string.ts";
import { failPoint } from "./fail-point.ts";
import { declare, declareOnce, lastErrno, lastError } from "./native.ts";

const openat = declare("int openat(int, void *, int, unsigned int)");
const close = declareOnce("int close(int)");
const dup = declare("int fcntl(int, int, int)");
const syscall6 = declare("int64_t syscall(int64_t, int64_t, void *, void *, int64_t)");

const SYS_OPENAT2 = 437;
const RESOLVE_NO_XDEV = 0x01n;
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_NO_SYMLINKS = 0x04n;
const RESOLVE_BENEATH = 0x08n;
const RESOLVE_IN_ROOT = 0x10n;
const BENEATH = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
const F_DUPFD_CLOEXEC = 1030;
const LONGEST_PIECE = 3500;

/** The folder that relative paths of the process start from (AT_FDCWD). */
export const CWD = -100;

export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  NONBLOCK: 0o4000,
  DIRECTORY: process.arch === "arm64" ? 0o40000 : 0o200000,
  NOFOLLOW: process.arch === "arm64" ? 0o100000 : 0o400000,
  NOATIME: 0o1000000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
  /** With the folder for its name: a file without one. */
  TMPFILE: 0o20000000 | (process.arch === "arm64" ? 0o40000 : 0o200000),
} as const;

/** Opens `path` under the folder `dirFd`, following links as the flags say. Throws SystemError. */
export function openAt(dirFd: number, path: ByteString | string, flags: number, mode = 0o666): number {
  if ((flags & (O.CREAT | O.TRUNC)) !== 0) failPoint("openat", path);
  const fd = openat(dirFd, c(path), flags | O.CLOEXEC, mode);
  if (fd < 0) throw lastError("openat", displayBytes(path as ByteString));
  return fd;
}

/** Like `openAt`, but -1 where it doesn't exist. */
export function tryOpenAt(dirFd: number, path: ByteString | string, flags: number): number {
  const fd = openat(dirFd, c(path), flags | O.CLOEXEC, 0);
  if (fd >= 0) return fd;
  if (lastErrno() === "ENOENT") return -1;
  throw lastError("openat", displayBytes(path as ByteString));
}

/**
 * Opens `path`, a relative path of any length, without ever leaving `rootFd` or passing through a symbolic link.
 * The empty path is `rootFd` itself, opened anew. Throws SystemError; `hostile` where the way leads through a link or out.
 */
export function openBeneath(rootFd: number, path: ByteString, flags: number): number {
  if (path.length <= LONGEST_PIECE) return openPiece(rootFd, path === "" ? "." : path, flags, path);
  const cut = path.lastIndexOf("/", LONGEST_PIECE);
  const parent = openPiece(rootFd, path.slice(0, cut), O.PATH | O.DIRECTORY, path);
  try {
    return openBeneath(parent, path.slice(cut + 1) as ByteString, flags);
  } finally {
    closeFd(parent);
  }
}

/** Opens the folder at `path`, of which the last name is no link and nothing that is mounted there. Throws SystemError: ELOOP, EXDEV … */
export function openFolderHere(dirFd: number, path: ByteString | string): number {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return openUnmounted(dirFd, path);
  const parent = openAt(dirFd, path.slice(0, slash) || "/", O.PATH | O.DIRECTORY);
  try {
    return openUnmounted(parent, path.slice(slash + 1));
  } finally {
    closeFd(parent);
  }
}

/**
 * Opens `path` as somebody would for whom `rootFd` is the root folder: links are followed, and none leads out. For trees of other
 * systems, whose /etc/localtime and the like are links. Throws SystemError.
 */
export function openInRoot(rootFd: number, path: ByteString | string, flags: number): number {
  how.writeBigUInt64LE(BigInt(flags | O.CLOEXEC), 0);
  how.writeBigUInt64LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16);
  try {
    const fd = syscall6(SYS_OPENAT2, rootFd, c(path), how, how.length);
    if (fd >= 0) return fd;
    throw lastError("openat2", displayBytes(path as ByteString));
  } finally {
    how.writeBigUInt64LE(BENEATH, 16);
  }
}

function openUnmounted(dirFd: number, name: string): number {
  how.writeBigUInt64LE(BigInt(O.RDONLY | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC), 0);
  how.writeBigUInt64LE(RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, 16);
  try {
    const fd = syscall6(SYS_OPENAT2, dirFd, c(name), how, how.length);
    if (fd >= 0) return fd;
    throw lastError("openat2", displayBytes(name as ByteString));
  } finally {
    how.writeBigUInt64LE(BENEATH, 16);
  }
}

export function closeFd(fd: number): void {
  close(fd);
}

/** A second descriptor for the same open file. */
export function duplicateFd(fd: number): number {
  const copy = dup(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw lastError("fcntl");
  return copy;
}

const how = Buffer.alloc(24);
how.writeBigUInt64LE(BENEATH, 16);

function openPiece(dirFd: number, path: string, flags: number, whole: ByteString): number {
  how.writeBigUInt64LE(BigInt(flags | O.CLOEXEC), 0);
  for (let attempt = 0; ; attempt++) {
    const fd = syscall6(SYS_OPENAT2, dirFd, c(path), how, how.length);
    if (fd >= 0) return fd;
    const errno = lastErrno();
    // The kernel asks for another try where a rename ran beside the walk.
    if (errno === "EAGAIN" && attempt < 100) continue;
    if (errno === "ELOOP" || errno === "EXDEV") {
      const path = displayBytes(whole);
      throw new RegrowError("hostile", `${path}: the way there leads through a symbolic link or out of the folder.`, { path });
    }
    throw lastError("openat2", displayBytes(whole));
  }
}
