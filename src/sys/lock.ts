/**
 * Advisory locks on files: shared for writers, exclusive for who removes things. They are open-file-description locks
 * (fcntl F_OFD_SETLK), because that is what ostree takes, and flock's kind would not be seen by it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RegrowError, throwIfCancelled } from "../base/errors.ts";
import { declare, lastErrno, lastError } from "./native.ts";
import { O, closeFd, openAt } from "./open.ts";
import { sameFile, statFd, tryStatAt } from "./stat.ts";

const fcntl = declare("int fcntl(int, int, void *)");
const flock = declare("int flock(int, int)");
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const F_OFD_SETLK = 37;
const LOCK = { shared: 0, exclusive: 1 } as const;

export type LockKind = keyof typeof LOCK;

export interface LockRequest {
  readonly kind: LockKind;
  /** Seconds to wait; 0 tries once, -1 waits for ever. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
}

/** Held until `release` is called, or the process ends. */
export interface Lock {
  release(): void;
  /** Whether `path` is still the file that is locked, and not gone or another one. */
  isAt(dirFd: number, path: string): boolean;
}

/** Takes the lock on `path` under `dirFd`, made where it is missing. Throws `locked` after the time-out. */
export async function takeLock(dirFd: number, path: string, request: LockRequest): Promise<Lock> {
  const fd = openAt(dirFd, path, O.RDWR | O.CREAT, 0o660);
  try {
    const deadline = Date.now() + request.timeoutSeconds * 1000;
    for (let pause = 5; !setLock(fd, request.kind, path); pause = Math.min(pause * 2, 250)) {
      throwIfCancelled(request.signal);
      if (request.timeoutSeconds >= 0 && Date.now() >= deadline) throw lockedError(path, request);
      await sleep(pause);
    }
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return heldLock(fd);
}

/** Takes the lock if nobody holds it, else undefined. The file must exist or is made. */
export function tryLock(dirFd: number, path: string, kind: LockKind): Lock | undefined {
  const fd = openAt(dirFd, path, O.RDWR | O.CREAT, 0o660);
  if (setLock(fd, kind, path)) return heldLock(fd);
  closeFd(fd);
  return undefined;
}

/** Takes the lock on an open file if nobody else holds it; it lasts until that file is closed. */
export function tryLockFd(fd: number, kind: LockKind): boolean {
  return setLock(fd, kind, `/proc/self/fd/${fd}`);
}

/** `unsupported` where the file system has no such locks. */
export type FolderLockResult = "locked" | "busy" | "unsupported";

/**
 * Takes flock's kind of lock on an open folder, or turns the one that is held on it into the other kind; it lasts until that
 * descriptor is closed. An open-file-description lock can't do this: for an exclusive one the folder would have to be writable.
 */
export function tryLockFolder(fd: number, kind: LockKind): FolderLockResult {
  if (flock(fd, (kind === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0) return "locked";
  return lastErrno() === "EAGAIN" || lastErrno() === "EINTR" ? "busy" : "unsupported";
}

function heldLock(fd: number): Lock {
  return {
    release: () => closeFd(fd),
    isAt: (dirFd, path) => {
      const found = tryStatAt(dirFd, path);
      return found !== undefined && sameFile(found, statFd(fd));
    },
  };
}

function setLock(fd: number, kind: LockKind, path: string): boolean {
  // struct flock: short type, short whence, then start, length and pid, all zero for "the whole file".
  const request = Buffer.alloc(32);
  request.writeInt16LE(LOCK[kind], 0);
  if (fcntl(fd, F_OFD_SETLK, request) === 0) return true;
  const errno = lastErrno();
  if (errno === "EAGAIN" || errno === "EACCES" || errno === "EINTR") return false;
  throw lastError("fcntl F_OFD_SETLK", path);
}

function lockedError(path: string, request: LockRequest): RegrowError {
  const waited = request.timeoutSeconds > 0 ? ` for ${request.timeoutSeconds} s` : "";
  return new RegrowError("locked", `${path}: another process has held the lock${waited}.`, {
    path,
    hint: "Wait for the other command to end; `fuser -v` on that path names it.",
  });
}
