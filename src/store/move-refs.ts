/**
 * Moving refs: several together or not at all, and never over a change that somebody else made in between.
 *
 *   regrow/refs.lock     held while refs are compared and moved
 *   regrow/refs.new      the ref or journal that is being written: in refs/ ostree would take it for a ref, however it is called
 *   regrow/refs.journal  the moves of more than one ref, written durably before the first of them; whoever takes the lock next
 *                        completes what a cut left open, unless a ref has been moved by somebody else since:
 *                          "regrow-refs-1 <sha256 of what follows>", then "<name> <before> <after>" a line, - for none
 */
import { bytesOf } from "../base/byte-string.ts";
import { RegrowError, isErrno } from "../base/errors.ts";
import { type Checksum, checksumOf, parseChecksum } from "../codec/ostree/checksum.ts";
import { fsyncDirAt, fsyncFd } from "../sys/durable.ts";
import { takeLock } from "../sys/lock.ts";
import { existsAt, makeDirs, renameAt, tryMakeDirAt, tryUnlinkAt } from "../sys/names.ts";
import { O, closeFd, openAt, tryOpenAt } from "../sys/open.ts";
import { tryReadFileAt } from "../sys/read-file.ts";
import { writeAt } from "../sys/write-file.ts";
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
const JOURNAL_MARK = "regrow-refs-1";
/** Room for a move of every ref that there can be. */
const MAX_JOURNAL = 64 * 1024 * 1024;
const UNFINISHED = "regrow/refs.new";
const LOCK_SECONDS = 60;

/**
 * Moves the refs. The objects behind them must be durable before. False, and nothing moved, where a ref no longer names
 * what was expected. Throws `exists` where a name is taken by a folder of refs, `locked`.
 */
export async function moveRefs(repository: Repository, changes: readonly RefChange[]): Promise<boolean> {
  tryMakeDirAt(repository.fd, "regrow", 0o755);
  const lock = await takeLock(repository.fd, "regrow/refs.lock", { kind: "exclusive", timeoutSeconds: LOCK_SECONDS });
  try {
    completeJournal(repository);
    for (const { name } of changes) checkFree(repository, name);
    const before = changes.map(({ name }) => readRef(repository, name));
    if (changes.some(({ expected }, index) => expected !== undefined && (before[index] ?? null) !== expected)) return false;
    const moves = changes
      .map(({ name, commit }, index) => ({ name, before: before[index], after: commit }))
      .filter((move) => move.before !== move.after);
    applyAll(repository, moves);
    return true;
  } finally {
    lock.release();
  }
}

/** Completes moves that a cut left open. Cheap where there are none. */
export async function recoverRefs(repository: Repository): Promise<void> {
  if (!existsAt(repository.fd, `regrow/${JOURNAL}`)) return;
  await moveRefs(repository, []);
}

interface Move {
  readonly name: string;
  readonly before: Checksum | undefined;
  readonly after: Checksum | undefined;
}

/** Where one can't be moved, none is: who is told of a failure must not find the move done later. */
function applyAll(repository: Repository, moves: readonly Move[]): void {
  try {
    if (moves.length > 1) writeJournal(repository, moves);
    else if (moves.length === 1) settleJournal(repository);
    for (const { name, after } of moves) apply(repository, name, after);
    if (moves.length > 1) tryUnlinkAt(repository.fd, `regrow/${JOURNAL}`);
  } catch (error) {
    takeBack(repository, moves);
    throw error;
  }
}

function takeBack(repository: Repository, moves: readonly Move[]): void {
  try {
    for (const { name, before, after } of moves) if (readRef(repository, name) === after) apply(repository, name, before);
    tryUnlinkAt(repository.fd, `regrow/${JOURNAL}`);
    settleJournal(repository);
  } catch (error) {
    // The first failure is the one to be told. The journal stays, so that the next who writes does not leave it at half.
    if (!(error instanceof RegrowError)) throw error;
  }
}

function writeJournal(repository: Repository, moves: readonly Move[]): void {
  const lines = moves.map(({ name, before, after }) => `${name} ${before ?? "-"} ${after ?? "-"}\n`).join("");
  writeFile(repository, `regrow/${JOURNAL}`, `${JOURNAL_MARK} ${checksumOf(Buffer.from(lines))}\n${lines}`);
}

/** Durably: a journal that came back after a cut would undo the moves that came after its own. */
function settleJournal(repository: Repository): void {
  if (repository.config.fsync) fsyncDirAt(repository.fd, "regrow");
}

function completeJournal(repository: Repository): void {
  const data = tryReadFileAt(repository.fd, `regrow/${JOURNAL}`, MAX_JOURNAL);
  if (data === undefined) return;
  for (const { name, before, after } of parseJournal(repository, data)) {
    if (readRef(repository, name) === before) apply(repository, name, after);
  }
  tryUnlinkAt(repository.fd, `regrow/${JOURNAL}`);
}

function parseJournal(repository: Repository, data: Buffer): Move[] {
  const end = data.indexOf("\n") + 1;
  const lines = data.subarray(end);
  if (data.toString("latin1", 0, end) !== `${JOURNAL_MARK} ${checksumOf(lines)}\n`) throw damagedJournal(repository);
  const moves = lines.toString("latin1").split("\n").slice(0, -1);
  return moves.map((line) => {
    const [name, before, after] = line.split(" ") as [string, string, string];
    return { name, before: checksumOrNone(before), after: checksumOrNone(after) };
  });
}

function checksumOrNone(text: string): Checksum | undefined {
  return text === "-" ? undefined : parseChecksum(text);
}

function damagedJournal(repository: Repository): RegrowError {
  const path = `${repository.path}/regrow/${JOURNAL}`;
  return new RegrowError("corrupt", `${path}: the journal of refs that were being moved is damaged.`, {
    path,
    hint: "Compare the refs with `regrow log`, then delete that file.",
  });
}

function apply(repository: Repository, name: string, commit: Checksum | undefined): void {
  if (commit === undefined) deleteRef(repository, name);
  else writeRef(repository, name, commit);
}

function writeRef(repository: Repository, name: string, commit: Checksum): void {
  const path = refPath(name);
  makeRefDirs(repository, path.slice(0, path.lastIndexOf("/")), repository.config.fsync);
  writeFile(repository, path, `${commit}\n`);
}

/** Who holds the lock is the only one to use that name, so that what a cut left there is in nobody's way. */
function writeFile(repository: Repository, path: string, text: string): void {
  tryUnlinkAt(repository.fd, UNFINISHED);
  const fd = openAt(repository.fd, UNFINISHED, O.WRONLY | O.CREAT | O.EXCL, 0o644);
  try {
    writeAt(fd, Buffer.from(text), 0);
    if (repository.config.fsync) fsyncFd(fd);
  } finally {
    closeFd(fd);
  }
  renameAt(repository.fd, UNFINISHED, repository.fd, bytesOf(path));
  if (repository.config.fsync) fsyncDirAt(repository.fd, path.slice(0, path.lastIndexOf("/")));
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
