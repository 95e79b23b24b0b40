/** Reading: whole files into memory, pieces of large ones, the targets of links. */
import { readSync } from "node:fs";
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { RegrowError, SystemError, isErrno } from "../base/errors.ts";
import { c } from "./c-string.ts";
import { declare, fromNodeError, lastError } from "./native.ts";
import { CWD, O, closeFd, openAt, openInRoot, tryOpenAt } from "./open.ts";
import { S_IFDIR, S_IFREG, statFd, typeOf } from "./stat.ts";

const readlinkat = declare("int64_t readlinkat(int, void *, void *, uint64_t)");
const pread = declare("int64_t pread(int, void *, uint64_t, int64_t)");
const openat = declare("int openat(int, void *, int, unsigned int)");
const linkBuffer = Buffer.alloc(65536);

/** Reads up to `length` bytes at `position` into `target` at `offset`, until the end of the file. Returns the count. */
export function readAt(fd: number, target: Buffer, offset: number, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const room = target.subarray(offset + done, offset + length);
    const count = pread(fd, room, room.length, position + done);
    if (count < 0) throw lastError("pread");
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** The next bytes of a stream, 0 at its end. */
export function readNext(fd: number, target: Buffer): number {
  try {
    return readSync(fd, target);
  } catch (error) {
    throw fromNodeError(error);
  }
}

/** Where nobody says how large a file may be. */
const LIMIT = 2 ** 31 - 1;
// A FIFO in a file's place must not stop the process for ever.
const FLAGS = O.RDONLY | O.NONBLOCK;

/**
 * A whole regular file of the folder `dirFd`. Throws SystemError (EISDIR for a folder), and `corrupt` where it is larger
 * than `limit` bytes or no file.
 */
export function readFileAt(dirFd: number, name: ByteString | string, limit = LIMIT): Buffer {
  return readAndClose(openAt(dirFd, name, FLAGS), name, limit);
}

/** A file of /proc, whose size nobody knows beforehand. Throws SystemError. */
export function readProcFile(path: string): string {
  const fd = openAt(CWD, path, O.RDONLY);
  try {
    const pieces: Buffer[] = [];
    for (;;) {
      const piece = Buffer.allocUnsafe(64 * 1024);
      const count = readNext(fd, piece);
      if (count === 0) return Buffer.concat(pieces).toString("latin1");
      pieces.push(piece.subarray(0, count));
    }
  } finally {
    closeFd(fd);
  }
}

/** Like `readFileAt`, but undefined where there is no such file. */
export function tryReadFileAt(dirFd: number, name: ByteString | string, limit = LIMIT): Buffer | undefined {
  const fd = tryOpenAt(dirFd, name, FLAGS);
  return fd < 0 ? undefined : readAndClose(fd, name, limit);
}

/**
 * A regular file as somebody would read it for whom `rootFd` is the root folder; undefined where there is none. Throws as `readFileAt`.
 */
export function tryReadInRoot(rootFd: number, path: ByteString | string, limit = LIMIT): Buffer | undefined {
  try {
    return readAndClose(openInRoot(rootFd, path, FLAGS), path, limit);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EISDIR")) return undefined;
    throw error;
  }
}

/**
 * Reads a small file into `target` at `offset` with as few calls as can be, and returns how many bytes it has. -1 where it is not
 * as simple as that: there is none, it is no regular file, it fills all the room, it can't be read. Then another call tells.
 */
export function readSmallFileAt(dirFd: number, name: ByteString | string, target: Buffer, offset: number): number {
  const fd = openat(dirFd, c(name), FLAGS | O.NOFOLLOW | O.CLOEXEC, 0);
  if (fd < 0) return -1;
  const room = target.length - offset;
  const count = pread(fd, offset === 0 ? target : target.subarray(offset), room, 0);
  closeFd(fd);
  return count < room ? count : -1;
}

/** The target of a symbolic link, as bytes. Throws SystemError. */
export function readLinkAt(dirFd: number, name: ByteString | string): ByteString {
  const length = readlinkat(dirFd, c(name), linkBuffer, linkBuffer.length);
  if (length < 0) throw lastError("readlinkat", displayBytes(name as ByteString));
  return linkBuffer.toString("latin1", 0, length) as ByteString;
}

function readAndClose(fd: number, name: string, limit: number): Buffer {
  try {
    const { mode, size } = statFd(fd);
    if (typeOf(mode) !== S_IFREG || size > limit) throw unreadable(mode, size, displayBytes(name as ByteString), limit);
    const buffer = Buffer.allocUnsafe(size);
    return buffer.subarray(0, readAt(fd, buffer, 0, size, 0));
  } finally {
    closeFd(fd);
  }
}

function unreadable(mode: number, size: number, path: string, limit: number): RegrowError {
  // Some file systems give an empty folder the size 0, so that reading it would look like reading an empty file.
  if (typeOf(mode) === S_IFDIR) return new SystemError("read", "EISDIR", path);
  if (typeOf(mode) !== S_IFREG) return new RegrowError("corrupt", `${path}: is no regular file.`, { path });
  return new RegrowError("corrupt", `${path}: has ${size} bytes, where no more than ${limit} can be right.`, { path });
}
