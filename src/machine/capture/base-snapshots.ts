/**
 * The snapshots that commits of a machine leave beside the repository, `base/<commit>/root`: what makes the next commit cost its changes
 * only. A snapshot gets its commit's name when that commit is made; until then it is `base/.new-<unique>`, and whoever holds the
 * machine's lock and finds such a name takes it away.
 */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { type Observer, notice } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { createSnapshot, destroySubvolume } from "../../sys/btrfs/subvolumes.ts";
import { fsyncFd, syncFileSystem } from "../../sys/durable.ts";
import { makeDirAt, removeDirAt, renameAt } from "../../sys/names.ts";
import { O, closeFd, openAt, tryOpenAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { temporaryName } from "../../sys/temporary-name.ts";
import type { Place } from "../../volume/driver.ts";
import { isUnaltered, markSnapshot } from "./snapshot-identity.ts";

const ROOT = bytesOf("root");
const NEW = /^\.new-/;
const COMMIT = /^[0-9a-f]{64}$/;
const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

export interface BaseSnapshot {
  /** Of the snapshot's root. */
  readonly fd: number;
  /** For what takes a path; valid as long as `fd` is open. */
  readonly path: string;
}

export interface NewSnapshot extends BaseSnapshot {
  readonly name: ByteString;
}

/** A read-only snapshot of the machine's root as it is now. Throws `no-space`, `refused` where a swapfile is in use, SystemError. */
export function takeSnapshot(homeFd: number, rootFd: number): NewSnapshot {
  const name = bytesOf(`.new-${temporaryName("root").slice(1)}`);
  return inBase(homeFd, (baseFd) => {
    makeDirAt(baseFd, name, 0o700);
    const folderFd = openAt(baseFd, name, FOLDER);
    try {
      createSnapshot(rootFd, folderFd, ROOT, { readOnly: true });
      const fd = openAt(folderFd, ROOT, FOLDER);
      markSnapshot(folderFd, fd);
      return { name, ...opened(fd) };
    } finally {
      closeFd(folderFd);
    }
  });
}

/** Has a commit's tree made, read-only, unless there is one already. Nothing is left where that fails. */
export async function buildSnapshot(homeFd: number, commit: Checksum, build: (target: Place) => Promise<void>): Promise<void> {
  const baseFd = openAt(homeFd, "base", FOLDER);
  try {
    if (!makeRoom(baseFd, commit)) return;
    const name = bytesOf(`.new-${temporaryName("root").slice(1)}`);
    makeDirAt(baseFd, name, 0o700);
    const folderFd = openAt(baseFd, name, FOLDER);
    try {
      await build({ folderFd, name: ROOT });
      markBuilt(folderFd);
    } catch (error) {
      removeIn(baseFd, name);
      throw error;
    } finally {
      closeFd(folderFd);
    }
    renameAt(baseFd, name, baseFd, bytesOf(commit));
    fsyncFd(baseFd);
  } finally {
    closeFd(baseFd);
  }
}

/** Gives it its commit's name, for good. */
export function keepSnapshot(homeFd: number, { name }: NewSnapshot, commit: Checksum): void {
  inBase(homeFd, (baseFd) => {
    // One that is there already is of the same tree, and as good.
    if (!makeRoom(baseFd, commit)) return removeIn(baseFd, name);
    renameAt(baseFd, name, baseFd, bytesOf(commit));
    fsyncFd(baseFd);
  });
}

/** For a commit that has been written anew with the same tree. Where `to` has one already, that of `from` goes. */
export function renameSnapshot(homeFd: number, from: Checksum, to: Checksum): void {
  inBase(homeFd, (baseFd) => {
    if (!makeRoom(baseFd, to)) return removeIn(baseFd, bytesOf(from));
    renameAt(baseFd, bytesOf(from), baseFd, bytesOf(to));
    fsyncFd(baseFd);
  });
}

export function dropSnapshot(homeFd: number, name: ByteString): void {
  inBase(homeFd, (baseFd) => removeIn(baseFd, name));
}

/**
 * The snapshot of a commit, open; undefined where there is none, or one that somebody has written into, which a notice tells. A change
 * that is not on the disk yet is not seen: ask after a snapshot has been taken, or after a flush.
 */
export function openSnapshot(homeFd: number, commit: Checksum, observer: Observer = {}): BaseSnapshot | undefined {
  const found = tryOpen(homeFd, `base/${commit}`);
  if (found === undefined || found.isUnaltered) return found && opened(found.fd);
  closeFd(found.fd);
  const path = `@regrow/base/${commit}/root`;
  notice(
    observer,
    "altered-snapshot",
    `${path}: was changed after the commit, and is not used; the commit itself is whole.`,
    path,
  );
  return undefined;
}

/** The commits that have one. */
export function listSnapshots(homeFd: number): Checksum[] {
  return inBase(homeFd, (baseFd) =>
    readDir(baseFd)
      .map(({ name }) => name as string)
      .filter((name) => COMMIT.test(name)),
  ) as Checksum[];
}

/** Takes away what runs that were cut have left. Only for who holds the machine's lock. */
export function removeUnfinished(homeFd: number): void {
  inBase(homeFd, (baseFd) => {
    for (const { name } of readDir(baseFd)) if (NEW.test(name)) removeIn(baseFd, name);
  });
}

function opened(fd: number): BaseSnapshot {
  return { fd, path: `/proc/self/fd/${fd}` };
}

/** False where the name is taken by a sound snapshot. One that was altered goes: the tree is in the repository. */
function makeRoom(baseFd: number, commit: Checksum): boolean {
  const found = tryOpen(baseFd, commit);
  if (found === undefined) return true;
  closeFd(found.fd);
  if (found.isUnaltered) return false;
  removeIn(baseFd, bytesOf(commit));
  return true;
}

function tryOpen(dirFd: number, folder: string): { readonly fd: number; readonly isUnaltered: boolean } | undefined {
  const folderFd = tryOpenAt(dirFd, folder, FOLDER);
  if (folderFd < 0) return undefined;
  try {
    const fd = tryOpenAt(folderFd, ROOT, FOLDER);
    return fd < 0 ? undefined : { fd, isUnaltered: isUnaltered(folderFd, fd) };
  } finally {
    closeFd(folderFd);
  }
}

function markBuilt(folderFd: number): void {
  const fd = openAt(folderFd, ROOT, FOLDER);
  try {
    syncFileSystem(fd);
    markSnapshot(folderFd, fd);
  } finally {
    closeFd(fd);
  }
}

function removeIn(baseFd: number, name: ByteString): void {
  const folderFd = openAt(baseFd, name, FOLDER);
  try {
    // The root, or what a run that was cut was making it of.
    for (const entry of readDir(folderFd)) destroySubvolume(folderFd, entry.name);
  } finally {
    closeFd(folderFd);
  }
  removeDirAt(baseFd, name);
}

function inBase<T>(homeFd: number, work: (baseFd: number) => T): T {
  const baseFd = openAt(homeFd, "base", FOLDER);
  try {
    return work(baseFd);
  } finally {
    closeFd(baseFd);
  }
}
