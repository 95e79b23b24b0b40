/**
 * Loads koffi, the bridge to libc, and declares system calls. Everything that reaches the kernel other than by
 * node:fs goes through `declare`.
 *
 * In the single-file build the native module is an asset of the executable: it is written to an unnamed file
 * (O_TMPFILE) and loaded from there, so that no name exists that somebody could replace.
 */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import process from "node:process";
import { getAsset, isSea } from "node:sea";
import { SystemError } from "../base/errors.ts";

export interface Library {
  /** Throws where the library lacks it. */
  func<Result = number>(prototype: string): (...args: readonly unknown[]) => Result;
}

interface Koffi {
  load(library: string): Omit<Library, "func"> & { func<Result = number>(prototype: string): NativeCall<Result> };
  errno(): number;
}

type NativeCall<Result> = ((...args: readonly unknown[]) => Result) & {
  async(...args: readonly [...unknown[], (error: Error | null, result: Result) => void]): void;
};

export type NativeFunction = (...args: readonly unknown[]) => number;

const koffi: Koffi = isSea() ? loadFromExecutable() : createRequire(import.meta.url)("koffi");
const libc = koffi.load("libc.so.6");

// Some errnos have two names, of which the first is the usual one: EAGAIN, not EWOULDBLOCK.
const ERRNO_NAMES = new Map(
  Object.entries(os.constants.errno)
    .reverse()
    .map(([name, value]) => [value as number, name]),
);

/**
 * What the engine's own waiting for locks leaves in errno when it happens between a call and the look at errno. A call that has
 * failed has done nothing, so making it again is right whatever its true reason was.
 */
const DOUBTFUL = new Set([os.constants.errno.EAGAIN, os.constants.errno.EINTR, os.constants.errno.ETIMEDOUT]);
const ATTEMPTS = 3;
let errnoOfCall = 0;

/** A libc function by its C prototype, which returns -1 where it fails. Use int64_t and uint64_t for ssize_t, off_t and size_t. */
export function declare(prototype: string): NativeFunction {
  const call = libc.func(prototype);
  return (...args) => {
    for (let attempt = 1; ; attempt++) {
      const result = call(...args);
      if (result !== -1) return result;
      errnoOfCall = koffi.errno();
      if (!DOUBTFUL.has(errnoOfCall) || attempt === ATTEMPTS) return result;
    }
  };
}

/** The same for a call that a failure changes: a file system tells of lost data once, a descriptor is gone after the first close. */
export function declareOnce(prototype: string): NativeFunction {
  const call = libc.func(prototype);
  return (...args) => {
    const result = call(...args);
    if (result === -1) errnoOfCall = koffi.errno();
    return result;
  };
}

/**
 * The same for a call that takes long: it is made on another thread, while this one goes on. The buffers among the arguments must not
 * be touched until then. The promise fails with SystemError, which is about `name`.
 */
export function declareAsync(name: string, prototype: string): (...args: readonly unknown[]) => Promise<number> {
  const call = libc.func(prototype);
  return (...args) =>
    new Promise((resolve, reject) => {
      call.async(...args, (error: Error | null, result: number) => {
        if (error === null && result !== -1) return resolve(result);
        errnoOfCall = koffi.errno();
        reject(error ?? lastError(name));
      });
    });
}

/** The symbolic errno of the call that failed last on this thread. */
export function lastErrno(): string {
  return ERRNO_NAMES.get(errnoOfCall) ?? `E${errnoOfCall}`;
}

/** The error of the call just made on this thread. */
export function lastError(call: string, path?: string): SystemError {
  return new SystemError(call, lastErrno(), path);
}

/** Turns what node:fs throws into the family's own error. */
export function fromNodeError(error: unknown, path?: string): unknown {
  const known = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || typeof known.code !== "string" || known.syscall === undefined) return error;
  return new SystemError(known.syscall, known.code, path ?? known.path);
}

/**
 * A shared library: the copy that is part of the executable, else the machine's own. Undefined where neither can be loaded, so
 * only for what can be done without.
 */
export function tryLoadLibrary(name: string): Library | undefined {
  const image = isSea() ? tryReadAsset(name) : undefined;
  try {
    // The loader takes two libraries of the same path for one, and /proc/self/fd/N may have been koffi's.
    if (image !== undefined) return withUnnamedFile(image, (fd) => koffi.load(`/proc/${process.pid}/fd/${fd}`));
  } catch {
    // Nowhere may files be executed: the machine's own is the next best.
  }
  try {
    return koffi.load(name);
  } catch {
    return undefined;
  }
}

function tryReadAsset(name: string): Uint8Array | undefined {
  try {
    return new Uint8Array(getAsset(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SINGLE_EXECUTABLE_APPLICATION_ASSET_NOT_FOUND") throw error;
    return undefined;
  }
}

function loadFromExecutable(): Koffi {
  const module: { exports: unknown } = { exports: {} };
  return withUnnamedFile(new Uint8Array(getAsset("koffi.node")), (fd) => {
    process.dlopen(module, `/proc/self/fd/${fd}`);
    return module.exports as Koffi;
  });
}

/** Throws where there is no folder of which `load` can take the file. */
function withUnnamedFile<T>(image: Uint8Array, load: (fd: number) => T): T {
  let failure: unknown;
  for (const folder of ["/dev/shm", os.tmpdir(), "/run", "/var/tmp"]) {
    try {
      const fd = openUnnamed(folder);
      try {
        for (let written = 0; written < image.length;) written += writeSync(fd, image, written);
        return load(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function openUnnamed(folder: string): number {
  const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
  return openSync(folder, O_TMPFILE | constants.O_RDWR, 0o700);
}
