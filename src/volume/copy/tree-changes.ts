/**
 * What differs between two trees, in the words of a change stream, by walking both. A file that was renamed is one that was removed and
 * one that was added: copies have inodes of their own. Contents of the same size are the same where they are one file or share all
 * their blocks; else they are read.
 */
import { type ByteString, EMPTY, joinBytes } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import type { ChangeSet, StreamAspect, StreamChange, StreamEntryType } from "../../codec/btrfs-send/changes/change.ts";
import { physicalExtents } from "../../sys/holes.ts";
import { userFlags } from "../../sys/inode-flags.ts";
import { getFlags } from "../../sys/metadata.ts";
import { O, closeFd, openAt, openBeneath } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readAt, readLinkAt } from "../../sys/read-file.ts";
import { S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK, type Stat, sameFile, statAt, statFd, typeOf } from "../../sys/stat.ts";
import { type Xattr, readXattrsAt, readXattrsFd } from "../../sys/xattr.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const FILE = O.RDONLY | O.NOFOLLOW | O.NONBLOCK;
const PIECE = 1024 * 1024;

interface Walk {
  readonly beforeFd: number;
  readonly afterFd: number;
  readonly signal: AbortSignal | undefined;
  readonly changes: StreamChange[];
  /** Folders to be compared that both trees have. */
  readonly waiting: ByteString[];
}

/** Throws `cancelled`, SystemError. */
export async function compareTrees(beforeFd: number, afterFd: number, signal?: AbortSignal): Promise<ChangeSet> {
  const walk: Walk = { beforeFd, afterFd, signal, changes: [], waiting: [EMPTY] };
  const root = aspectsOf(statFd(beforeFd), statFd(afterFd), readXattrsFd(beforeFd), readXattrsFd(afterFd));
  if (getUserFlags(beforeFd) !== getUserFlags(afterFd)) root.what.push("flags");
  pushModified(walk, EMPTY, statFd(afterFd), root);
  for (let path = walk.waiting.pop(); path !== undefined; path = walk.waiting.pop()) {
    throwIfCancelled(signal);
    compareFolder(walk, path);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const order = { removed: 0, added: 1, renamed: 1, modified: 1 };
  const changes = walk.changes.toSorted((a, b) => {
    if (a.path !== b.path) return a.path < b.path ? -1 : 1;
    return order[a.kind] - order[b.kind];
  });
  return { changes, touched: [] };
}

function compareFolder(walk: Walk, path: ByteString): void {
  const beforeFd = openBeneath(walk.beforeFd, path, FOLDER);
  const afterFd = openBeneath(walk.afterFd, path, FOLDER);
  try {
    const before = new Set(readDir(beforeFd).map(({ name }) => name));
    for (const { name } of readDir(afterFd)) {
      const at = joinBytes(path, name);
      if (!before.delete(name)) pushAll(walk, "added", afterFd, name, at);
      else compareEntry(walk, at, { beforeFd, afterFd, name });
    }
    for (const name of before) pushAll(walk, "removed", beforeFd, name, joinBytes(path, name));
  } finally {
    closeFd(beforeFd);
    closeFd(afterFd);
  }
}

interface Pair {
  readonly beforeFd: number;
  readonly afterFd: number;
  readonly name: ByteString;
}

function compareEntry(walk: Walk, path: ByteString, pair: Pair): void {
  const { beforeFd, afterFd, name } = pair;
  const [a, b] = [statAt(beforeFd, name), statAt(afterFd, name)];
  if (sameFile(a, b)) return;
  const type = typeOf(a.mode);
  const isOther = type !== typeOf(b.mode) || a.rdevMajor !== b.rdevMajor || a.rdevMinor !== b.rdevMinor;
  if (isOther || (type === S_IFLNK && readLinkAt(beforeFd, name) !== readLinkAt(afterFd, name))) {
    pushAll(walk, "removed", beforeFd, name, path);
    pushAll(walk, "added", afterFd, name, path);
    return;
  }
  const aspects = aspectsOf(a, b, readXattrsAt(beforeFd, name), readXattrsAt(afterFd, name));
  if (type === S_IFREG) compareFiles(walk, pair, aspects.what);
  if (type === S_IFDIR) {
    compareOpened(pair, FOLDER, (one, other) => {
      if (getUserFlags(one) !== getUserFlags(other)) aspects.what.push("flags");
    });
    walk.waiting.push(path);
  }
  pushModified(walk, path, b, aspects);
}

interface Aspects {
  readonly what: StreamAspect[];
  readonly xattrs: readonly ByteString[];
}

function aspectsOf(a: Stat, b: Stat, xattrsA: readonly Xattr[], xattrsB: readonly Xattr[]): Aspects {
  const what: StreamAspect[] = [];
  if ((a.mode & 0o7777) !== (b.mode & 0o7777)) what.push("mode");
  if (a.uid !== b.uid || a.gid !== b.gid) what.push("owner");
  const xattrs = differing(xattrsA, xattrsB);
  if (xattrs.length > 0) what.push("xattrs");
  if (a.mtimeSeconds !== b.mtimeSeconds || a.mtimeNanoseconds !== b.mtimeNanoseconds) what.push("time");
  return { what, xattrs };
}

function differing(a: readonly Xattr[], b: readonly Xattr[]): ByteString[] {
  const before = new Map(a.map(({ name, value }) => [name, value]));
  const names = new Set<ByteString>();
  for (const { name, value } of b) {
    if (before.get(name)?.equals(value) !== true) names.add(name);
    before.delete(name);
  }
  for (const name of before.keys()) names.add(name);
  return [...names].toSorted();
}

function compareFiles(walk: Walk, pair: Pair, what: StreamAspect[]): void {
  compareOpened(pair, FILE, (before, after) => {
    if (!sameContent(before, after, walk.signal)) what.unshift("content");
    if (getUserFlags(before) !== getUserFlags(after)) what.push("flags");
  });
}

function sameContent(before: number, after: number, signal: AbortSignal | undefined): boolean {
  const { size } = statFd(before);
  if (statFd(after).size !== size) return false;
  if (size === 0 || shareAll(before, after, size)) return true;
  for (let at = 0; at < size; at += PIECE) {
    throwIfCancelled(signal);
    const [countA, countB] = [readAt(before, pieces[0], 0, PIECE, at), readAt(after, pieces[1], 0, PIECE, at)];
    if (!pieces[0].subarray(0, countA).equals(pieces[1].subarray(0, countB))) return false;
  }
  return true;
}

const pieces = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)] as const;

function shareAll(before: number, after: number, size: number): boolean {
  const extents = physicalExtents(before, size);
  return extents !== undefined && extents === physicalExtents(after, size);
}

function compareOpened({ beforeFd, afterFd, name }: Pair, flags: number, work: (before: number, after: number) => void): void {
  const before = openAt(beforeFd, name, flags);
  try {
    const after = openAt(afterFd, name, flags);
    try {
      work(before, after);
    } finally {
      closeFd(after);
    }
  } finally {
    closeFd(before);
  }
}

function getUserFlags(fd: number): number {
  return userFlags(getFlags(fd));
}

function pushModified(walk: Walk, path: ByteString, stat: Stat, { what, xattrs }: Aspects): void {
  if (what.length === 0) return;
  walk.changes.push({ kind: "modified", path, from: path, type: typeName(stat), ino: inodeOf(stat), what, xattrs });
}

/** The entry with all below it. */
function pushAll(walk: Walk, kind: "added" | "removed", folderFd: number, name: ByteString, path: ByteString): void {
  const stat = statAt(folderFd, name);
  const type = typeName(stat);
  if (kind === "removed") walk.changes.push({ kind, path, type });
  else walk.changes.push({ kind, path, type, ino: inodeOf(stat), what: [], xattrs: [] });
  if (type !== "folder") return;
  const fd = openAt(folderFd, name, FOLDER);
  try {
    for (const entry of readDir(fd)) pushAll(walk, kind, fd, entry.name, joinBytes(path, entry.name));
  } finally {
    closeFd(fd);
  }
}

function inodeOf({ inoHigh, inoLow }: Stat): number {
  return inoHigh * 2 ** 32 + inoLow;
}

function typeName({ mode }: Stat): StreamEntryType {
  return TYPES[typeOf(mode)] ?? "device";
}

const TYPES: Readonly<Record<number, StreamEntryType>> = {
  [S_IFREG]: "file",
  [S_IFDIR]: "folder",
  [S_IFLNK]: "link",
  [S_IFIFO]: "fifo",
  [S_IFSOCK]: "socket",
};
