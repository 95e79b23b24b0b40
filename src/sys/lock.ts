/** Advisory locks on files (flock), as OSTree uses them: shared for writers, exclusive for who removes things. */
import { setTimeout as sleep } from "node:timers/promises";
import { RegrowError, throwIfCancelled } from "../base/errors.ts";
import { declare, lastErrno, lastError } from "./native.ts";
import { O, closeFd, openAt } from "./open.ts";

const flock = declare("int flock(int, int)");
const LOCK = { shared: 1, exclusive: 2 } as const;
const LOCK_NB = 4;

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
}

/** Takes the lock on `path` under `dirFd`, made where it is missing. Throws `locked` after the time-out. */
export async function takeLock(dirFd: number, path: string, request: LockRequest): Promise<Lock> {
  const fd = openAt(dirFd, path, O.RDWR | O.CREAT, 0o660);
  try {
    const deadline = Date.now() + request.timeoutSeconds * 1000;
    for (let pause = 5; !tryFlock(fd, request.kind, path); pause = Math.min(pause * 2, 250)) {
      throwIfCancelled(request.signal);
      if (request.timeoutSeconds >= 0 && Date.now() >= deadline) throw lockedError(path, request);
      await sleep(pause);
    }
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return { release: () => closeFd(fd) };
}

/** Takes the lock if nobody holds it, else undefined. The file must exist or is made. */
export function tryLock(dirFd: number, path: string, kind: LockKind): Lock | undefined {
  const fd = openAt(dirFd, path, O.RDWR | O.CREAT, 0o660);
  if (tryFlock(fd, kind, path)) return { release: () => closeFd(fd) };
  closeFd(fd);
  return undefined;
}

/** Takes the lock on an open file if nobody else holds it; it lasts until that file is closed. */
export function tryLockFd(fd: number, kind: LockKind): boolean {
  return tryFlock(fd, kind, `/proc/self/fd/${fd}`);
}

function tryFlock(fd: number, kind: LockKind, path: string): boolean {
  if (flock(fd, LOCK[kind] | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  if (errno === "EAGAIN" || errno === "EWOULDBLOCK" || errno === "EINTR") return false;
  throw lastError("flock", path);
}

function lockedError(path: string, request: LockRequest): RegrowError {
  const waited = request.timeoutSeconds > 0 ? ` for ${request.timeoutSeconds} s` : "";
  return new RegrowError("locked", `${path}: another process has held the lock${waited}.`, {
    path,
    hint: "Wait for the other command to end; `fuser -v` on that path names it.",
  });
}
