/**
 * Writing into a repository so that a cut at any point leaves it sound: objects are first written into a staging folder of
 * this transaction, flushed by one syncfs, renamed to their places, and flushed again; only then do refs move.
 *
 *   tmp/regrow-<time>-<unique>/xx/<62 digits>.<kind>   staged objects, complete when the transaction publishes them
 *   tmp/regrow-<time>-<unique>.lock                     held for the transaction's life; a free one marks left-overs
 *
 * The names don't begin with `staging-`: ostree takes such folders of the same boot up again and trusts what is in them.
 */
import { type ByteString, bytesOf } from "../base/byte-string.ts";
import { RegrowError, isErrno } from "../base/errors.ts";
import { type Checksum, checksumOf } from "../codec/ostree/checksum.ts";
import { looseName } from "../codec/ostree/object-name.ts";
import { syncFileSystem } from "../sys/durable.ts";
import { type Lock, takeLock, tryLock } from "../sys/lock.ts";
import { makeDirAt, removeTreeAt, renameAt, renameNoReplaceAt, tryMakeDirAt, tryUnlinkAt } from "../sys/names.ts";
import { O, closeFd, openAt } from "../sys/open.ts";
import { readDir } from "../sys/read-dir.ts";
import { temporaryName } from "../sys/temporary-name.ts";
import { writeAt } from "../sys/write-file.ts";
import { type MetadataKind, hasObject } from "./object-files.ts";
import { recoverRefs } from "./move-refs.ts";
import type { Repository } from "./repository.ts";
import { type Room, newRoom, takeRoom } from "./room.ts";

export interface Transaction {
  readonly repository: Repository;
  /** The staging folder; objects go to `xx/…` below it. */
  readonly stagingFd: number;
  readonly name: string;
  readonly lock: Lock | undefined;
  readonly stagingLock: Lock;
  /** Metadata objects that are known to be there or staged. */
  readonly known: Set<string>;
  /** What may still be written, for all threads. */
  readonly room: Room;
  stagedMetadata: number;
  /** Content objects that were staged one by one, and their bytes. */
  stagedFiles: number;
  stagedBytes: number;
}

const STAGING = /^regrow-.+-\d+$/;
const MOST_NAMES = 20;

/** Takes the shared lock and makes the staging folder. Throws `locked`, `no-space`. */
export async function beginTransaction(repository: Repository, signal?: AbortSignal): Promise<Transaction> {
  const { config, fd } = repository;
  const request = { kind: "shared", timeoutSeconds: config.lockTimeoutSeconds, ...(signal && { signal }) } as const;
  const lock = config.locking ? await takeLock(fd, ".lock", request) : undefined;
  try {
    removeLeftOvers(repository);
    await recoverRefs(repository);
    const room = newRoom(repository);
    const staging = makeStagingFolder(repository);
    return {
      repository,
      ...staging,
      lock,
      known: new Set(),
      room,
      stagedMetadata: 0,
      stagedFiles: 0,
      stagedBytes: 0,
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** A folder below `tmp/` with a lock beside it: who comes later removes it once nobody holds the lock. */
export function makeStagingFolder(repository: Repository): Pick<Transaction, "name" | "stagingFd" | "stagingLock"> {
  const { fd } = repository;
  const { name, stagingLock } = lockNewName(fd);
  try {
    makeDirAt(fd, `tmp/${name}`, 0o755);
    return { name, stagingLock, stagingFd: openAt(fd, bytesOf(`tmp/${name}`), O.RDONLY | O.DIRECTORY) };
  } catch (error) {
    stagingLock.release();
    throw error;
  }
}

function lockNewName(fd: number): { name: string; stagingLock: Lock } {
  for (let attempt = 0; attempt < MOST_NAMES; attempt++) {
    const name = `regrow${temporaryName(Date.now().toString(36)).replace(".", "-")}`;
    const stagingLock = tryLock(fd, `tmp/${name}.lock`, "exclusive");
    // Who cleans up may have found the file in the moment before it was locked, and may even have removed it.
    if (stagingLock !== undefined && stagingLock.isAt(fd, `tmp/${name}.lock`)) return { name, stagingLock };
    stagingLock?.release();
  }
  throw new RegrowError("locked", "tmp: no staging folder can be locked there.", { hint: "Try again." });
}

/** Stages a metadata object unless the repository has it. Returns its checksum. Throws `no-space`. */
export function stageMetadata(transaction: Transaction, kind: MetadataKind, data: Buffer): Checksum {
  const checksum = checksumOf(data);
  const name = looseName(checksum, kind);
  if (transaction.known.has(name)) return checksum;
  transaction.known.add(name);
  if (hasObject(transaction.repository, kind, checksum)) return checksum;
  takeRoom(transaction.room, data.length);
  stageFile(transaction.stagingFd, name, data);
  transaction.stagedMetadata++;
  return checksum;
}

/**
 * Makes everything staged part of the repository, durably, and all that others have left there. Commits come last, so that a commit
 * which can be seen is whole. The transaction stays open for refs.
 */
export function publish(transaction: Transaction): void {
  const { repository, stagingFd } = transaction;
  const folders = readDir(stagingFd).map((entry) => entry.name);
  if (repository.config.fsync) syncFileSystem(stagingFd);
  // All was there already; whoever put it there may have been killed before it was flushed.
  if (folders.length === 0) return;
  const commits = folders.flatMap((folder) => publishFolder(transaction, folder));
  for (const name of commits) renameAt(stagingFd, name, repository.objectsFd, name);
  if (repository.config.fsync) syncFileSystem(stagingFd);
}

/** Moves what is in a staged folder but commits, whose names it returns. */
function publishFolder({ repository, stagingFd }: Transaction, folder: ByteString): string[] {
  const fromFd = openAt(stagingFd, folder, O.RDONLY | O.DIRECTORY);
  try {
    const names = readDir(fromFd).map((entry) => entry.name);
    const commits = names.filter((name) => name.endsWith(".commit"));
    // In a new repository whole folders move at once.
    if (commits.length === 0 && renameNoReplaceAt(stagingFd, folder, repository.objectsFd, folder)) return [];
    tryMakeDirAt(repository.objectsFd, folder, 0o755);
    const toFd = openAt(repository.objectsFd, folder, O.RDONLY | O.DIRECTORY);
    try {
      for (const name of names) if (!name.endsWith(".commit")) renameAt(fromFd, name, toFd, name);
    } finally {
      closeFd(toFd);
    }
    return commits.map((name) => `${folder}/${name}`);
  } finally {
    closeFd(fromFd);
  }
}

/** Ends the transaction and drops whatever was not published. */
export function endTransaction(transaction: Transaction): void {
  const { repository, stagingFd, name } = transaction;
  closeFd(stagingFd);
  try {
    removeTreeAt(repository.fd, `tmp/${name}`);
    tryUnlinkAt(repository.fd, `tmp/${name}.lock`);
  } finally {
    transaction.stagingLock.release();
    transaction.lock?.release();
  }
}

/** Runs `work` in a transaction that ends whatever happens. `work` publishes by itself. */
export async function withTransaction<T>(
  repository: Repository,
  signal: AbortSignal | undefined,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const transaction = await beginTransaction(repository, signal);
  try {
    return await work(transaction);
  } finally {
    tidyUp(transaction);
  }
}

function tidyUp(transaction: Transaction): void {
  try {
    endTransaction(transaction);
  } catch (error) {
    // What is done is done, and a failure before this one is the one to be told; whoever writes next removes what is left.
    if (!(error instanceof RegrowError)) throw error;
  }
}

/** Writes a file into the staging folder; a twin that is staged already is as good. */
export function stageFile(stagingFd: number, name: string, data: Buffer): void {
  const fd = inStagingFolder(stagingFd, name, () => openAt(stagingFd, bytesOf(name), O.WRONLY | O.CREAT | O.EXCL, 0o644));
  if (fd === undefined) return;
  try {
    writeAt(fd, data, 0);
  } finally {
    closeFd(fd);
  }
}

/** Runs `make`, which makes `xx/…`, after making `xx` where it is missing. Undefined where `xx/…` is staged already. */
export function inStagingFolder<T>(stagingFd: number, name: string, make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (isErrno(error, "EEXIST")) return undefined;
    if (!isErrno(error, "ENOENT")) throw error;
  }
  tryMakeDirAt(stagingFd, name.slice(0, 2), 0o755);
  return inStagingFolder(stagingFd, name, make);
}

/** Takes away what transactions that have died left behind. */
export function removeLeftOvers(repository: Repository): void {
  const tmpFd = openAt(repository.fd, "tmp", O.RDONLY | O.DIRECTORY);
  try {
    for (const { name } of readDir(tmpFd)) {
      const folder = name.replace(/\.lock$/, "");
      if (!STAGING.test(folder)) continue;
      const lock = tryLock(tmpFd, `${folder}.lock`, "exclusive");
      if (lock === undefined) continue;
      removeTreeAt(tmpFd, folder);
      tryUnlinkAt(tmpFd, `${folder}.lock`);
      lock.release();
    }
  } finally {
    closeFd(tmpFd);
  }
}
