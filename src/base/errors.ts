/**
 * The one family of errors that regrow throws on purpose. Each names what failed, on which path, why, and what to do
 * next; each kind has one exit code.
 */
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** What went wrong, as a stable identifier for programs. */
export type ErrorCode =
  | "usage"
  | "no-repository"
  | "not-found"
  | "ambiguous"
  | "exists"
  | "locked"
  | "corrupt"
  | "hostile"
  | "verification"
  | "unsupported"
  | "torn"
  | "conflict"
  | "no-space"
  | "refused"
  | "missing-program"
  | "missing-privilege"
  | "program-failed"
  | "system"
  | "cancelled";

const EXIT_OF: Record<ErrorCode, ExitCode> = {
  usage: EXIT.usage,
  "no-repository": EXIT.noRepository,
  "not-found": EXIT.failure,
  ambiguous: EXIT.failure,
  exists: EXIT.refused,
  locked: EXIT.locked,
  corrupt: EXIT.verification,
  hostile: EXIT.verification,
  verification: EXIT.verification,
  unsupported: EXIT.failure,
  torn: EXIT.failure,
  conflict: EXIT.refused,
  "no-space": EXIT.noSpace,
  refused: EXIT.refused,
  "missing-program": EXIT.missing,
  "missing-privilege": EXIT.missing,
  "program-failed": EXIT.failure,
  system: EXIT.failure,
  cancelled: EXIT.cancelled,
};

export interface ErrorDetail {
  /** The path, ref or object that the error is about, as shown to a person. */
  readonly path?: string;
  /** What the person can do about it: one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class RegrowError extends Error {
  override readonly name: string = "RegrowError";
  readonly code: ErrorCode;
  readonly path: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.path = detail.path;
    this.hint = detail.hint;
  }

  get exitCode(): ExitCode {
    return EXIT_OF[this.code];
  }
}

/** A system call that failed. `errno` is the symbolic name, such as `ENOENT`. */
export class SystemError extends RegrowError {
  override readonly name = "SystemError";
  readonly errno: string;
  readonly call: string;

  constructor(call: string, errno: string, path?: string) {
    const detail: ErrorDetail = { hint: hintFor(errno), path };
    super(codeFor(errno), `${path === undefined ? "" : `${path}: `}${reasonFor(errno)} (${call}: ${errno})`, detail);
    this.errno = errno;
    this.call = call;
  }
}

/** True where `error` is a failed system call with one of the given errnos. */
export function isErrno(error: unknown, ...errnos: readonly string[]): error is SystemError {
  return error instanceof SystemError && errnos.includes(error.errno);
}

/** Throws `cancelled` once the signal has been raised. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RegrowError("cancelled", "Cancelled.");
}

function codeFor(errno: string): ErrorCode {
  if (errno === "ENOSPC" || errno === "EDQUOT") return "no-space";
  if (errno === "EACCES" || errno === "EPERM") return "missing-privilege";
  if (errno === "EEXIST") return "exists";
  if (errno === "ENOENT") return "not-found";
  return "system";
}

function reasonFor(errno: string): string {
  return REASONS[errno] ?? "system call failed";
}

function hintFor(errno: string): string | undefined {
  if (errno === "ENOSPC") return "Free some space there, or choose another place.";
  if (errno === "EDQUOT") return "The quota is used up: raise it, or choose another place.";
  if (errno === "EACCES" || errno === "EPERM") return "Run it as root, or choose a place that you may write to.";
  if (errno === "EIO") return "The disk reports an error: look at the kernel log, and make a copy of what can still be read.";
  if (errno === "EMFILE") return "Raise the limit of open files (ulimit -n).";
  return undefined;
}

const REASONS: Record<string, string> = {
  EACCES: "permission denied",
  EBUSY: "device or resource busy",
  EDQUOT: "disk quota exceeded",
  EEXIST: "exists already",
  EINVAL: "invalid argument",
  EIO: "input/output error",
  EISDIR: "is a folder",
  ELOOP: "is a symbolic link where none may be",
  EMFILE: "too many open files",
  EMLINK: "too many hard links",
  ENAMETOOLONG: "name too long",
  ENOENT: "no such file or folder",
  ENOSPC: "no space left on the device",
  ENOTDIR: "is not a folder",
  ENOTEMPTY: "folder is not empty",
  ENOTSUP: "not supported by this file system",
  EOPNOTSUPP: "not supported by this file system",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
  ESTALE: "stale file handle",
  ETXTBSY: "file is in use as a program",
  EXDEV: "is on another file system",
};
