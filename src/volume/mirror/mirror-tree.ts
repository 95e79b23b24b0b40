/**
 * Makes one tree like another and writes only what differs: files appear whole, by a rename. What is mounted in either tree is left as it
 * is, and so are device nodes and the like. A content of the same size and time is read only where the copy might be older than the last
 * change of the original.
 */
import { type ByteString, EMPTY, bytesOf, joinBytes } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { copyBetween } from "../../sys/copy-between.ts";
import { fsyncFd } from "../../sys/durable.ts";
import { makeDirAt, removeTreeAt, renameAt, symlinkAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readAt, readLinkAt } from "../../sys/read-file.ts";
import { S_IFDIR, S_IFLNK, S_IFREG, type Stat, sameDevice, statAt, statFd, tryStatAt, typeOf } from "../../sys/stat.ts";
import { temporaryName } from "../../sys/temporary-name.ts";
import { type Keeping, matchLink, matchOpen, touchFd } from "./match-metadata.ts";

export interface MirrorOptions {
  /** Paths that are neither made nor changed nor removed. */
  readonly skips: (path: ByteString) => boolean;
  /** What the target's file system can hold beside contents and times. */
  readonly keeping: Keeping;
  /** Compare all contents. */
  readonly thorough?: boolean | undefined;
  /** Every file is on the disk before it gets its name. */
  readonly durable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MirrorCounts {
  readonly written: number;
  readonly removed: number;
  readonly bytes: number;
}

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const FILE = O.RDONLY | O.NOFOLLOW | O.NONBLOCK;
const PIECE = 1024 * 1024;
/** Two clocks tick in steps: what is this close may be before or after. */
const CLOSE_SECONDS = 2;

interface Mirror extends MirrorOptions {
  readonly source: Stat;
  readonly target: Stat;
  written: number;
  removed: number;
  bytes: number;
}

/** Both are open folders. Throws `cancelled`, SystemError (ENOSPC …): the target is then partly the one and partly the other. */
export function mirrorTree(sourceFd: number, targetFd: number, options: MirrorOptions): MirrorCounts {
  const mirror = { ...options, source: statFd(sourceFd), target: statFd(targetFd), written: 0, removed: 0, bytes: 0 };
  mirrorFolder(mirror, EMPTY, sourceFd, targetFd);
  return { written: mirror.written, removed: mirror.removed, bytes: mirror.bytes };
}

function mirrorFolder(mirror: Mirror, path: ByteString, sourceFd: number, targetFd: number): void {
  throwIfCancelled(mirror.signal);
  const names = readDir(sourceFd)
    .map(({ name }) => name)
    .filter((name) => !mirror.skips(joinBytes(path, name)));
  const wanted = new Set(names);
  // First, so that there is room for the others.
  for (const { name } of readDir(targetFd)) {
    if (!wanted.has(name) && !mirror.skips(joinBytes(path, name))) remove(mirror, targetFd, name);
  }
  for (const name of names) mirrorEntry(mirror, joinBytes(path, name), name, sourceFd, targetFd);
  matchOpen(sourceFd, targetFd, mirror.keeping);
}

function mirrorEntry(mirror: Mirror, path: ByteString, name: ByteString, sourceFd: number, targetFd: number): void {
  const from = tryStatAt(sourceFd, name);
  if (from === undefined) return;
  const type = typeOf(from.mode);
  let to = tryStatAt(targetFd, name);
  if (to !== undefined && typeOf(to.mode) !== type) {
    if (!remove(mirror, targetFd, name)) return;
    to = undefined;
  }
  if (type === S_IFDIR) enterFolder(mirror, { path, name, sourceFd, targetFd, from, to });
  else if (type === S_IFLNK) mirrorLink(mirror, { path, name, sourceFd, targetFd, from, to });
  else if (type === S_IFREG) mirrorFile(mirror, { path, name, sourceFd, targetFd, from, to });
}

interface Entry {
  readonly path: ByteString;
  readonly name: ByteString;
  readonly sourceFd: number;
  readonly targetFd: number;
  readonly from: Stat;
  readonly to: Stat | undefined;
}

function enterFolder(mirror: Mirror, { path, name, sourceFd, targetFd, from, to }: Entry): void {
  if (to === undefined) makeDirAt(targetFd, name, 0o700);
  const isMounted = !sameDevice(from, mirror.source) || (to !== undefined && !sameDevice(to, mirror.target));
  if (isMounted) return;
  inBoth(name, sourceFd, targetFd, FOLDER, (source, target) => mirrorFolder(mirror, path, source, target));
}

function mirrorLink(mirror: Mirror, { name, sourceFd, targetFd, from, to }: Entry): void {
  if (!mirror.keeping.links) return;
  const leadsTo = readLinkAt(sourceFd, name);
  if (to === undefined || readLinkAt(targetFd, name) !== leadsTo) {
    inPlaceOf(targetFd, name, (temporary) => symlinkAt(leadsTo, targetFd, temporary));
    mirror.written++;
  }
  matchLink(from, targetFd, name);
}

function mirrorFile(mirror: Mirror, { name, sourceFd, targetFd, from, to }: Entry): void {
  const source = openAt(sourceFd, name, FILE);
  try {
    if (to === undefined || !isSame(mirror, source, from, targetFd, name, to)) {
      inPlaceOf(targetFd, name, (temporary) => copy(mirror, source, targetFd, temporary));
      mirror.written++;
      mirror.bytes += from.size;
      return;
    }
    const target = openAt(targetFd, name, FILE);
    try {
      matchOpen(source, target, mirror.keeping);
    } finally {
      closeFd(target);
    }
  } finally {
    closeFd(source);
  }
}

function copy(mirror: Mirror, source: number, folderFd: number, name: ByteString): void {
  const target = openAt(folderFd, name, O.RDWR | O.CREAT | O.EXCL, 0o600);
  try {
    const { size } = statFd(source);
    for (let at = 0; at < size; at += PIECE) {
      throwIfCancelled(mirror.signal);
      copyBetween(source, target, { from: at, to: at, length: Math.min(PIECE, size - at) });
    }
    matchOpen(source, target, mirror.keeping);
    if (mirror.durable === true) fsyncFd(target);
  } finally {
    closeFd(target);
  }
}

function isSame(mirror: Mirror, source: number, from: Stat, folderFd: number, name: ByteString, to: Stat): boolean {
  if (from.size !== to.size) return false;
  const isSameTime = from.mtimeSeconds === to.mtimeSeconds && from.mtimeNanoseconds === to.mtimeNanoseconds;
  if (isSameTime && mirror.thorough !== true && from.ctimeSeconds + CLOSE_SECONDS < to.ctimeSeconds) return true;
  const target = openAt(folderFd, name, FILE);
  try {
    if (!sameContent(source, target, from.size)) return false;
    // From now on it is known to be younger than the original.
    if (isSameTime) touchFd(target, to);
    return true;
  } finally {
    closeFd(target);
  }
}

function sameContent(one: number, other: number, size: number): boolean {
  const [a, b] = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)];
  for (let at = 0; at < size; at += PIECE) {
    const [countA, countB] = [readAt(one, a, 0, PIECE, at), readAt(other, b, 0, PIECE, at)];
    if (!a.subarray(0, countA).equals(b.subarray(0, countB))) return false;
  }
  return true;
}

/** False where something is mounted in it. */
function remove(mirror: Mirror, folderFd: number, name: ByteString): boolean {
  if (!sameDevice(statAt(folderFd, name), mirror.target)) return false;
  removeTreeAt(folderFd, name);
  mirror.removed++;
  return true;
}

function inPlaceOf(folderFd: number, name: ByteString, make: (temporary: ByteString) => void): void {
  const temporary = bytesOf(`${temporaryName("regrow-mirror")}.tmp`);
  try {
    make(temporary);
    renameAt(folderFd, temporary, folderFd, name);
  } catch (error) {
    tryUnlinkAt(folderFd, temporary);
    throw error;
  }
}

function inBoth(
  name: ByteString,
  sourceFd: number,
  targetFd: number,
  flags: number,
  work: (source: number, target: number) => void,
): void {
  const source = openAt(sourceFd, name, flags);
  try {
    const target = openAt(targetFd, name, flags);
    try {
      work(source, target);
    } finally {
      closeFd(target);
    }
  } finally {
    closeFd(source);
  }
}
