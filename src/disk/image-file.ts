/**
 * An image file while it is made: sparse, private, and under the name `<image>.part`, which becomes `<image>` in one step when
 * all of it is on the disk. A half-made image is never found under the final name, and one that a cut left behind is taken over
 * by the next run. The lock on it keeps two runs apart.
 */
import { bytesOf } from "../base/byte-string.ts";
import { RegrowError } from "../base/errors.ts";
import { fsyncDirAt, fsyncFd } from "../sys/durable.ts";
import { tryLockFd } from "../sys/lock.ts";
import { renameAt, renameNoReplaceAt, tryUnlinkAt } from "../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../sys/open.ts";
import { statFd, tryStatAt } from "../sys/stat.ts";
import { truncateFd } from "../sys/write-file.ts";

export interface ImageFile {
  /** Where it is now. */
  readonly path: string;
  /** Flushes it and gives it its name. Throws `exists` where something has that name and `replace` is false. */
  publish(replace: boolean): void;
  /** Removes it, unless it was published. To be called in any case. */
  close(): void;
}

/** Begins a new image of `size` bytes of zeroes. Throws `locked` where another process is making the same one, SystemError. */
export function createImageFile(target: string, size: number): ImageFile {
  const path = `${target}.part`;
  const fd = openLocked(path);
  let published = false;
  try {
    truncateFd(fd, 0);
    truncateFd(fd, size);
  } catch (error) {
    tryUnlinkAt(CWD, bytesOf(path));
    closeFd(fd);
    throw error;
  }
  const publish = (replace: boolean): void => {
    fsyncFd(fd);
    if (replace) renameAt(CWD, bytesOf(path), CWD, bytesOf(target));
    else if (!renameNoReplaceAt(CWD, bytesOf(path), CWD, bytesOf(target))) throw appeared(target);
    published = true;
    fsyncDirAt(CWD, folderOf(target));
  };
  const close = (): void => {
    if (!published) tryUnlinkAt(CWD, bytesOf(path));
    closeFd(fd);
  };
  return { path, publish, close };
}

/** The folder that a path is in. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash + 1);
}

function appeared(target: string): RegrowError {
  const hint = "Choose another name, or remove that file first.";
  return new RegrowError("exists", `${target}: came to be while the image was made.`, { path: target, hint });
}

function openLocked(path: string): number {
  for (;;) {
    const fd = openAt(CWD, bytesOf(path), O.RDWR | O.CREAT | O.NOFOLLOW, 0o600);
    if (!tryLockFd(fd, "exclusive")) {
      closeFd(fd);
      const hint = "Wait for the other command to end, or choose another name.";
      throw new RegrowError("locked", `${path}: another process is making this image.`, { path, hint });
    }
    // Its maker may have published or removed it between our open and our lock.
    if (isSameFile(fd, path)) return fd;
    closeFd(fd);
  }
}

function isSameFile(fd: number, path: string): boolean {
  const opened = statFd(fd);
  const named = tryStatAt(CWD, bytesOf(path));
  const keys = ["devMajor", "devMinor", "inoHigh", "inoLow"] as const;
  return named !== undefined && keys.every((key) => opened[key] === named[key]);
}
