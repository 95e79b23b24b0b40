/** Writing into the tree of a machine, durably, with links followed as the system itself would: /etc may lead elsewhere in it. */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import { fsyncFd, removeTemporaries, replaceFileAt } from "../../sys/durable.ts";
import { symlinkAt, tryMakeDirAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openInRoot } from "../../sys/open.ts";

/** Replaces the file as a whole; folders above that are missing are made. Throws SystemError. */
export function writeInRoot(rootFd: number, path: string, content: Uint8Array | string, mode: number): void {
  const { folder, name } = split(path);
  inFolder(rootFd, folder, (fd) => {
    // A run that was killed may have left one.
    removeTemporaries(fd, ".", name);
    replaceFileAt(fd, ".", name, Buffer.from(content), { mode });
  });
}

/** A link that is there already is replaced. */
export function linkInRoot(rootFd: number, path: string, target: string): void {
  const { folder, name } = split(path);
  inFolder(rootFd, folder, (fd) => {
    tryUnlinkAt(fd, name);
    symlinkAt(bytesOf(target), fd, name);
    fsyncFd(fd);
  });
}

/** Whether there was something to remove. */
export function removeInRoot(rootFd: number, path: string): boolean {
  const { folder, name } = split(path);
  try {
    const fd = openInRoot(rootFd, folder, O.RDONLY | O.DIRECTORY);
    try {
      const wasThere = tryUnlinkAt(fd, name);
      if (wasThere) fsyncFd(fd);
      return wasThere;
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

function inFolder(rootFd: number, folder: string, work: (fd: number) => void): void {
  const fd = openOrMake(rootFd, folder);
  try {
    work(fd);
  } finally {
    closeFd(fd);
  }
}

function openOrMake(rootFd: number, folder: string): number {
  try {
    return openInRoot(rootFd, folder === "" ? "." : folder, O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (folder === "" || !isErrno(error, "ENOENT")) throw error;
  }
  const { folder: above, name } = split(folder);
  inFolder(rootFd, above, (fd) => {
    tryMakeDirAt(fd, name, 0o755);
    fsyncFd(fd);
  });
  return openInRoot(rootFd, folder, O.RDONLY | O.DIRECTORY);
}

function split(path: string): { folder: string; name: ByteString } {
  const slash = path.lastIndexOf("/");
  return { folder: path.slice(0, Math.max(0, slash)), name: bytesOf(path.slice(slash + 1)) };
}
