/** Making what was written survive a power cut. */
import { bytesOf } from "../base/byte-string.ts";
import { failPoint } from "./fail-point.ts";
import { chmodFd } from "./metadata.ts";
import { declareOnce, lastError } from "./native.ts";
import { renameAt, tryUnlinkAt } from "./names.ts";
import { O, closeFd, openAt } from "./open.ts";
import { readDir } from "./read-dir.ts";
import { temporaryName } from "./temporary-name.ts";
import { writeAt } from "./write-file.ts";

const fsync = declareOnce("int fsync(int)");
const syncfs = declareOnce("int syncfs(int)");

export function fsyncFd(fd: number): void {
  failPoint("fsync");
  if (fsync(fd) < 0) throw lastError("fsync");
}

/** Flushes the whole file system that holds `fd`: one call for any number of new files. */
export function syncFileSystem(fd: number): void {
  failPoint("syncfs");
  if (syncfs(fd) < 0) throw lastError("syncfs");
}

/** Flushes a folder's names. */
export function fsyncDirAt(dirFd: number, path: string): void {
  const fd = openAt(dirFd, path, O.RDONLY | O.DIRECTORY);
  try {
    fsyncFd(fd);
  } finally {
    closeFd(fd);
  }
}

/**
 * Replaces a small file so that a reader, or a machine after a power cut, sees the old or the new content and nothing
 * between: temp file in the same folder, fsync, rename, fsync of the folder. `folder` is relative to `dirFd`.
 */
export function replaceFileAt(dirFd: number, folder: string, name: string, data: Uint8Array, options: ReplaceOptions = {}): void {
  const folderFd = openAt(dirFd, bytesOf(folder), O.RDONLY | O.DIRECTORY);
  const temp = `${temporaryName(name)}.tmp`;
  try {
    const fd = openAt(folderFd, bytesOf(temp), O.WRONLY | O.CREAT | O.EXCL, options.mode ?? 0o644);
    try {
      writeAt(fd, data, 0);
      if (options.exactMode === true) chmodFd(fd, options.mode ?? 0o644);
      if (options.durable !== false) fsyncFd(fd);
    } finally {
      closeFd(fd);
    }
    renameAt(folderFd, bytesOf(temp), folderFd, bytesOf(name));
    if (options.durable !== false) fsyncFd(folderFd);
  } catch (error) {
    tryUnlinkAt(folderFd, bytesOf(temp));
    throw error;
  } finally {
    closeFd(folderFd);
  }
}

const TEMPORARY = /^\.(.+)-\d+-\d+-[0-9a-f]{8}-\d+\.tmp$/;

/**
 * Takes away what runs of `replaceFileAt` have left that were killed: for the file `name`, or for all in the folder. Only for who knows
 * that nobody else is replacing them.
 */
export function removeTemporaries(dirFd: number, folder: string, name?: string): void {
  const folderFd = openAt(dirFd, bytesOf(folder), O.RDONLY | O.DIRECTORY);
  try {
    for (const entry of readDir(folderFd)) {
      const [, of] = TEMPORARY.exec(entry.name) ?? [];
      if (of !== undefined && (name === undefined || of === name)) tryUnlinkAt(folderFd, entry.name);
    }
  } finally {
    closeFd(folderFd);
  }
}

export interface ReplaceOptions {
  readonly mode?: number;
  /** True gives it that mode whatever the umask is. */
  readonly exactMode?: boolean;
  /** False skips both fsyncs: for caches, whose loss costs nothing. */
  readonly durable?: boolean;
}
