/**
 * Moving refs: several together or not at all, and never over a change that somebody else made in between.
 *
 *   regrow/refs.lock     held while refs are compared and moved
 *   regrow/refs.journal  the moves of more than one ref, written durably before the first of them; whoever takes the lock next
 *                        completes what a cut left open, unless a ref has been moved by somebody else since
 */
import { bytesOf } from "../base/byte-string.ts";
import { RegrowError, isErrno } from "../base/errors.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { isChecksum } from "../codec/ostree/checksum.ts";
import { fsyncDirAt, replaceFileAt } from "../sys/durable.ts";
import { takeLock } from "../sys/lock.ts";
import { makeDirs, tryMakeDirAt, tryUnlinkAt } from "../sys/names.ts";
import { O, closeFd, tryOpenAt } from "../sys/open.ts";
import { tryReadFileAt } from "../sys/read-file.ts";
import { checkRefName, readRef, refPath } from "./refs.ts";
import type { Repository } from "./repository.ts";

export interface RefChange {
  readonly name: string;
  /** Undefined deletes the ref. */
  readonly commit: Checksum | undefined;
  /** What the ref must name now: null for "no such ref", undefined for "whatever". */
  readonly expected?: Checksum | null | undefined;
}

const JOURNAL = "refs.journal";
const LOCK_SECONDS = 60;

/**
 * Moves the refs. The objects behind them must be durable before. False, and nothing moved, where a ref no longer names
 * what was expected. Throws `exists` where a name is taken by a folder of refs, `locked`.
 */
export async function moveRefs(repository: Repository, changes: readonly RefChange[]): Promise<boolean> {
  for (const { name } of changes) checkFree(repository, name);
  tryMakeDirAt(repository.fd, "regrow", 0o755);
  const lock = await takeLock(repository.fd, "regrow/refs.lock", { kind: "exclusive", timeoutSeconds: LOCK_SECONDS });
  try {
    completeJournal(repository);
    const before = changes.map(({ name }) => readRef(repository, name));
    if (changes.some(({ expected }, index) => expected !== undefined && (before[index] ?? null) !== expected)) return false;
    const moves = changes.filter(({ commit }, index) => before[index] !== commit);
    if (moves.length > 1) writeJournal(repository, moves);
    for (const move of moves) apply(repository, move);
    if (moves.length > 1) tryUnlinkAt(repository.fd, `regrow/${JOURNAL}`);
    return true;
  } finally {
    lock.release();
  }
}

/** Completes moves that a cut left open. Cheap where there are none. */
export async function recoverRefs(repository: Repository): Promise<void> {
  if (tryReadFileAt(repository.fd, `regrow/${JOURNAL}`) === undefined) return;
  await moveRefs(repository, []);
}

function writeJournal(repository: Repository, moves: readonly RefChange[]): void {
  const lines = moves.map(({ name, commit }) => `${name} ${readRef(repository, name) ?? "-"} ${commit ?? "-"}\n`);
  replaceFileAt(repository.fd, "regrow", JOURNAL, Buffer.from(lines.join("")), { durable: repository.config.fsync });
}

function completeJournal(repository: Repository): void {
  const journal = tryReadFileAt(repository.fd, `regrow/${JOURNAL}`);
  if (journal === undefined) return;
  for (const line of journal.toString("latin1").split("\n")) {
    const [name, before, after] = line.split(" ");
    if (name === undefined || name === "" || before === undefined || after === undefined) continue;
    const expected = isChecksum(before) ? before : undefined;
    if (readRef(repository, name) === expected) apply(repository, { name, commit: isChecksum(after) ? after : undefined });
  }
  tryUnlinkAt(repository.fd, `regrow/${JOURNAL}`);
}

function apply(repository: Repository, { name, commit }: RefChange): void {
  if (commit === undefined) deleteRef(repository, name);
  else writeRef(repository, name, commit);
}

function writeRef(repository: Repository, name: string, commit: Checksum): void {
  const path = refPath(name);
  const slash = path.lastIndexOf("/");
  const folder = path.slice(0, slash);
  const durable = repository.config.fsync;
  makeRefDirs(repository, folder, durable);
  replaceFileAt(repository.fd, folder, path.slice(slash + 1), Buffer.from(`${commit}\n`), { durable });
}

function makeRefDirs(repository: Repository, folder: string, durable: boolean): void {
  const fd = tryOpenAt(repository.fd, bytesOf(folder), O.PATH | O.DIRECTORY);
  if (fd >= 0) return closeFd(fd);
  makeDirs(repository.fd, folder, 0o755);
  const pieces = folder.split("/");
  for (let depth = pieces.length - 1; durable && depth > 0; depth--) fsyncDirAt(repository.fd, pieces.slice(0, depth).join("/"));
}

function deleteRef(repository: Repository, name: string): void {
  const path = refPath(name);
  if (tryUnlinkAt(repository.fd, bytesOf(path)) && repository.config.fsync) {
    fsyncDirAt(repository.fd, path.slice(0, path.lastIndexOf("/")));
  }
}

function checkFree(repository: Repository, name: string): void {
  checkRefName(name);
  const pieces = refPath(name).split("/");
  for (let depth = 3; depth < pieces.length; depth++) {
    const parent = pieces.slice(0, depth).join("/");
    if (isFile(repository, parent)) throw refConflict(name, parent);
  }
  if (isFolder(repository, pieces.join("/"))) throw refConflict(name, `${pieces.join("/")}/`);
}

function isFolder(repository: Repository, path: string): boolean {
  const fd = openKind(repository, path, O.PATH | O.DIRECTORY);
  if (fd >= 0) closeFd(fd);
  return fd >= 0;
}

function isFile(repository: Repository, path: string): boolean {
  const fd = openKind(repository, path, O.PATH);
  if (fd < 0) return false;
  closeFd(fd);
  return !isFolder(repository, path);
}

function openKind(repository: Repository, path: string, flags: number): number {
  try {
    return tryOpenAt(repository.fd, bytesOf(path), flags);
  } catch (error) {
    if (isErrno(error, "ENOTDIR")) return -1;
    throw error;
  }
}

function refConflict(name: string, other: string): RegrowError {
  return new RegrowError("exists", `${name}: can't be a ref beside ${other}: a name can't be both a ref and a folder of refs.`, {
    path: name,
    hint: "Choose another name, or delete the other ref.",
  });
}
