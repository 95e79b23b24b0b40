/**
 * Walks a folder on disk into a working tree. This thread reads folders and looks files up in the stat cache; what is not
 * known there goes to the worker threads in batches, which read, hash and stage it. A walk never leaves the folder and
 * never follows a link.
 */
import { type ByteString, EMPTY, isUtf8, joinBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno, throwIfCancelled } from "../../base/errors.ts";
import { O, closeFd, openAt, openBeneath } from "../../sys/open.ts";
import { type DirEntry, readDir } from "../../sys/read-dir.ts";
import {
  type Stat,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
  S_IFSOCK,
  sameDevice,
  sameFile,
  statFd,
  tryStatAt,
  typeOf,
} from "../../sys/stat.ts";
import { hasObject } from "../object-files.ts";
import { refuseTooDeep } from "../tree/depth-limit.ts";
import type { FolderNode } from "../tree/working-tree.ts";
import type { FolderIdentity } from "../tree/write-tree.ts";
import { beginScan } from "./begin-scan.ts";
import { GONE, holesOf } from "./file-holes.ts";
import { lookUpFolder } from "./folder-cache.ts";
import { flushWrites } from "./flush-writes.ts";
import { keepCache } from "./keep-cache.ts";
import { folderOf } from "./object-folders.ts";
import { addName, newNameSum } from "./name-sum.ts";
import { objectOfInode } from "./object-inodes.ts";
import { folderNode, specialNode } from "./scan-nodes.ts";
import {
  type BatchFolder,
  type Scan,
  type ScanCounts,
  type ScanRequest,
  closeBatchFolder,
  countSocket,
  countVanished,
  enqueueFile,
  forgetKnown,
  groupOf,
  isBatchFull,
  knownIdentity,
  sendBatch,
  settleBatches,
  tell,
} from "./scan-state.ts";
import { type CachedFile, lookUpStat, rememberStat } from "./stat-cache.ts";

export interface ScannedFolder {
  readonly root: FolderNode;
  readonly counts: ScanCounts;
  /** What a folder becomes, where neither it nor a file in it has changed since it was last written. */
  readonly known: (folder: FolderNode) => FolderIdentity | undefined;
  /**
   * Keeps what was learnt for the next scan; to be called when the tree has been written. `asScanned`: it was written as it was
   * scanned, with its sidecar, so that what its folders became will hold for the next scan too.
   */
  readonly keep: (asScanned: boolean) => void;
}

interface OpenFolder {
  readonly path: ByteString;
  readonly folder: FolderNode;
  readonly subfolders: readonly ByteString[];
}

const DT_DIR = 4;
const DT_REG = 8;
const DT_LNK = 10;
/** Bytes: what a file of a system has on average. */
const GUESSED_SIZE = 32 * 1024;
/** How many entries are walked before the other threads' answers are looked at. */
const YIELD_EVERY = 1024;
/** How many batches may be out: enough to keep every thread busy, few enough to bound what is held in memory. */
const MOST_BATCHES = 64;

/** Scans the folder at `path`. Throws SystemError, `cancelled`, `no-space`. */
export async function scanFolder(dirFd: number, path: ByteString, request: ScanRequest): Promise<ScannedFolder> {
  const rootFd = openAt(dirFd, path, O.RDONLY | O.DIRECTORY);
  const scan = beginScan(request, rootFd);
  try {
    const root = await walk(scan);
    sendBatch(scan);
    await settleBatches(scan, 0);
    tell(scan);
    return {
      root,
      counts: scan.counts,
      known: (folder) => knownIdentity(scan, folder),
      keep: (asScanned) => keepCache(scan, asScanned),
    };
  } finally {
    // Who wants to stop doesn't wait for what is already handed out.
    if (request.observer.signal?.aborted === true) await request.pool.close();
    await Promise.allSettled(scan.running);
    closeFd(rootFd);
  }
}

async function walk(scan: Scan): Promise<FolderNode> {
  const root = readFolder(scan, EMPTY);
  if (root === undefined) throw new RegrowError("refused", "The repository itself can't be committed into itself.");
  const open: OpenFolder[] = [root];
  let walked = 0;
  while (open.length > 0) {
    const { path, folder, subfolders } = open.pop()!;
    for (const name of subfolders) {
      if (folder.dirs.has(name) || folder.files.has(name) || folder.nodes.has(name)) continue;
      const child = readFolder(scan, joinBytes(path, name));
      if (child === undefined) {
        forgetKnown(scan, folder);
        continue;
      }
      folder.dirs.set(name, child.folder);
      if (child.subfolders.length > 0) open.push(child);
      walked += child.folder.files.size + 1;
      if (walked < YIELD_EVERY) continue;
      walked = 0;
      tell(scan);
      throwIfCancelled(scan.request.observer.signal);
      await settleBatches(scan, MOST_BATCHES);
    }
  }
  return root.folder;
}

function readFolder(scan: Scan, path: ByteString): OpenFolder | undefined {
  refuseTooDeep(path);
  const fd = openFolder(scan, path);
  if (fd < 0) return undefined;
  try {
    const stat = statFd(fd);
    if (scan.repositoryStat !== undefined && sameFile(stat, scan.repositoryStat)) return undefined;
    flushWrites(scan, fd, stat);
    const folder = folderNode(scan.request.options, fd, stat);
    const subfolders: ByteString[] = [];
    scan.counts.folders++;
    // Where another file system is mounted, an empty folder is kept: the mount point.
    if (scan.request.options.oneFileSystem && !sameDevice(stat, scan.rootStat)) return { path, folder, subfolders };
    const known = scan.cache === undefined ? undefined : lookUpFolder(scan.cache.tree, stat);
    scan.seen.set(folder, { stat, known, files: newNameSum() });
    readEntries(scan, fd, { path, folder, files: [], links: [] }, subfolders);
    return { path, folder, subfolders };
  } finally {
    closeFd(fd);
  }
}

function readEntries(scan: Scan, fd: number, first: BatchFolder, subfolders: ByteString[]): void {
  let batch = first;
  for (const entry of namesIn(scan, fd, first.path)) {
    // A folder that is being changed may list a name twice.
    if (first.folder.files.has(entry.name) || first.folder.nodes.has(entry.name)) continue;
    if (scan.request.wanted?.(joinBytes(first.path, entry.name)) === false) continue;
    tryReadEntry(scan, fd, batch, subfolders, entry);
    if (!isBatchFull(scan)) continue;
    closeBatchFolder(scan, batch);
    batch = { ...first, files: [], links: [] };
  }
  closeBatchFolder(scan, batch);
}

function namesIn(scan: Scan, fd: number, path: ByteString): DirEntry[] {
  try {
    return readDir(fd, path);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ESTALE")) throw error;
    countVanished(scan, path);
    return [];
  }
}

function tryReadEntry(scan: Scan, fd: number, batch: BatchFolder, subfolders: ByteString[], entry: DirEntry): void {
  try {
    readEntry(scan, fd, batch, subfolders, entry);
  } catch (error) {
    if (!isErrno(error, ...GONE)) throw error;
    countVanished(scan, joinBytes(batch.path, entry.name));
  }
}

function readEntry(scan: Scan, fd: number, batch: BatchFolder, subfolders: ByteString[], { name, type: listed }: DirEntry): void {
  // What such a name needs in the sidecar is not known of a folder.
  if (!isUtf8(name)) forgetKnown(scan, batch.folder);
  if (listed === DT_DIR) return void subfolders.push(name);
  // Without a cache nothing is asked of the stat that the thread which opens the file does not find itself.
  if (scan.cache === undefined && scan.request.objectInodes === undefined && (listed === DT_REG || listed === DT_LNK))
    return enqueueFile(scan, batch, name, listed === DT_LNK, GUESSED_SIZE);
  const stat = tryStatAt(fd, name);
  if (stat === undefined) return countVanished(scan, joinBytes(batch.path, name));
  const type = typeOf(stat.mode);
  if (type === S_IFDIR) subfolders.push(name);
  else if (type === S_IFREG || type === S_IFLNK) readFileEntry(scan, fd, batch, name, stat);
  else if (type === S_IFSOCK) countSocket(scan, joinBytes(batch.path, name));
  else {
    batch.folder.nodes.set(name, specialNode(scan.request.options, { dirFd: fd, name }, stat, groupOf(scan, stat)));
    forgetKnown(scan, batch.folder);
  }
}

function readFileEntry(scan: Scan, fd: number, batch: BatchFolder, name: ByteString, stat: Stat): void {
  const cached = knownFile(scan, stat);
  if (cached === undefined || isLost(scan, cached))
    return enqueueFile(scan, batch, name, typeOf(stat.mode) === S_IFLNK, stat.size);
  const time = { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds };
  const data = cached.hasHoles ? holesOf(fd, name, stat) : undefined;
  // Where its other names are may have changed elsewhere, and a map of holes is not a matter of times.
  if (cached.hasHoles || stat.nlink > 1) forgetKnown(scan, batch.folder);
  addName(scan.seen.get(batch.folder)!.files, name, stat);
  batch.folder.files.set(name, {
    checksum: cached.checksum,
    extras: { time, flags: cached.flags, data, group: groupOf(scan, stat) },
  });
  scan.counts.files++;
  scan.counts.bytes += stat.size;
  remember(scan, stat, cached);
}

function knownFile(scan: Scan, stat: Stat): CachedFile | undefined {
  const { objectInodes } = scan.request;
  const checksum = objectInodes === undefined ? undefined : objectOfInode(objectInodes, stat);
  if (checksum !== undefined) return { checksum, flags: 0, hasHoles: false };
  return scan.cache === undefined ? undefined : lookUpStat(scan.cache, stat);
}

/** The cache knows the file, but the object is not there: its commit was cut, or it was pruned. */
function isLost(scan: Scan, cached: CachedFile): boolean {
  const { transaction } = scan.request;
  if (transaction === undefined || scan.vouched[folderOf(cached.checksum)] === true) return false;
  return !hasObject(transaction.repository, "file", cached.checksum);
}

function remember(scan: Scan, stat: Stat, cached: CachedFile): void {
  scan.cacheHits++;
  rememberStat(scan.builder, stat, cached, scan.startedAt);
}

function openFolder(scan: Scan, path: ByteString): number {
  try {
    return openBeneath(scan.rootFd, path, O.RDONLY | O.DIRECTORY);
  } catch (error) {
    // It went away, or gave way to something else, between the reading of its parent and now.
    if (!isErrno(error, "ENOENT", "ENOTDIR") && !(error instanceof RegrowError && error.code === "hostile")) throw error;
    countVanished(scan, path);
    return -1;
  }
}
