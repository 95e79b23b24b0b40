/**
 * Trees that are being made or removed: `.regrow-tree-<process>-<thread>-<random>-<count>` in the folder where each will be, or was.
 * While there may be such names in a folder, their maker holds a shared lock on it; who gets the exclusive one knows that those in it
 * have been left by the dead, and removes them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../base/errors.ts";
import { type Observer, notice } from "../base/events.ts";
import { fsyncFd } from "../sys/durable.ts";
import { tryLockFolder } from "../sys/lock.ts";
import { mountsBelow } from "../sys/mounts-below.ts";
import { existsAt, renameNoReplaceAt } from "../sys/names.ts";
import { O, closeFd, openAt } from "../sys/open.ts";
import { readDir } from "../sys/read-dir.ts";
import { temporaryName } from "../sys/temporary-name.ts";
import type { Place } from "./driver.ts";

const UNFINISHED = /^\.regrow-tree-\d+-\d+-[0-9a-f]{8}-\d+$/;
const PAUSE_MILLISECONDS = 10;

/** Removes a tree whatever stands in it. */
export type RemoveTree = (folderFd: number, name: ByteString) => void;

export function isUnfinished(name: ByteString): boolean {
  return UNFINISHED.test(name);
}

/**
 * Has `make` make a tree under an unfinished name in the folder of `target`, and gives it the final one. Where that fails, nothing is
 * left. Throws `exists`, and what `make` throws.
 */
export async function makeAside<T>(
  target: Place,
  removeTree: RemoveTree,
  make: (name: ByteString) => Promise<T>,
  observer: Observer,
): Promise<T> {
  refuseTaken(target);
  return inFolder(target.folderFd, removeTree, observer, async (folderFd) => {
    const name = temporaryName("regrow-tree") as ByteString;
    try {
      const made = await make(name);
      throwIfCancelled(observer.signal);
      if (!renameNoReplaceAt(folderFd, name, folderFd, target.name)) throw taken(target);
      fsyncFd(folderFd);
      return made;
    } catch (error) {
      if (existsAt(folderFd, name)) removeTree(folderFd, name);
      throw error;
    }
  });
}

/** Takes the tree's name away at once, and then removes what it named. */
export async function removeAside(
  place: Place,
  removeTree: RemoveTree,
  rename: (folderFd: number, name: ByteString, to: ByteString) => void,
  observer: Observer,
): Promise<void> {
  await inFolder(place.folderFd, removeTree, observer, async (folderFd) => {
    if (!existsAt(folderFd, place.name)) return;
    const name = temporaryName("regrow-tree") as ByteString;
    rename(folderFd, place.name, name);
    fsyncFd(folderFd);
    removeTree(folderFd, name);
  });
}

/** Removes what the dead have left in the folder, and holds the lock while `work` may make unfinished names in it. */
export async function inFolder<T>(
  folderFd: number,
  removeTree: RemoveTree,
  observer: Observer,
  work: (folderFd: number) => Promise<T>,
): Promise<T> {
  const fd = openAt(folderFd, ".", O.RDONLY | O.DIRECTORY);
  try {
    if (tryLockFolder(fd, "exclusive") === "locked") removeLeftOvers(fd, removeTree, observer);
    while (tryLockFolder(fd, "shared") === "busy") {
      throwIfCancelled(observer.signal);
      await sleep(PAUSE_MILLISECONDS);
    }
    return await work(fd);
  } finally {
    closeFd(fd);
  }
}

/** What is mounted in a tree is somebody else's, and would go with it, or stop its removal half way. */
export function refuseMounted({ folderFd, name }: Place): void {
  if (!existsAt(folderFd, name)) return;
  const fd = openAt(folderFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  try {
    const [mounted] = mountsBelow(fd);
    if (mounted === undefined) return;
    const path = displayBytes(name);
    throw new RegrowError("refused", `${path}: something is mounted in it, at ${displayBytes(mounted)}.`, {
      path,
      hint: "Unmount that first.",
    });
  } finally {
    closeFd(fd);
  }
}

export function refuseTaken(target: Place): void {
  if (existsAt(target.folderFd, target.name)) throw taken(target);
}

function removeLeftOvers(fd: number, removeTree: RemoveTree, observer: Observer): void {
  for (const { name } of readDir(fd)) {
    if (!isUnfinished(name)) continue;
    try {
      removeTree(fd, name);
    } catch (error) {
      if (!(error instanceof RegrowError)) throw error;
      // It is in nobody's way.
      notice(
        observer,
        "left-over",
        `${name}: what was left by a process that was killed can't be removed: ${error.message}`,
        name,
      );
    }
  }
}

function taken({ name }: Place): RegrowError {
  const path = displayBytes(name);
  return new RegrowError("exists", `${path}: exists already.`, { path, hint: "Choose another name, or remove it first." });
}
