/**
 * The state of one scan, and its exchange with the worker threads: files go out in batches, what comes back fills the
 * nodes of the tree that were put there for them.
 */
import { type ByteString, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { type Observer, notice, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { NodeRecord } from "../../codec/sidecar/folder-record.ts";
import type { Stat } from "../../sys/stat.ts";
import type { WorkerPool } from "../../sys/worker-pool.ts";
import type { Repository } from "../repository.ts";
import type { Transaction } from "../transaction.ts";
import { type Extras, type FileNode, type FolderNode, type LinkGroup, NO_EXTRAS } from "../tree/working-tree.ts";
import type { FolderIdentity } from "../tree/write-tree.ts";
import type { KnownFolder } from "./folder-cache.ts";
import { type NameSum, addName, sameSum } from "./name-sum.ts";
import type { HashFilesJob, HashFilesResult, HashedFile } from "./hash-files-job.ts";
import type { ObjectInodes } from "./object-inodes.ts";
import { type FolderTimes, folderOf, forgetFolder } from "./object-folders.ts";
import type { ScanOptions } from "./scan-options.ts";
import { type StatCache, type StatCacheBuilder, rememberStat } from "./stat-cache.ts";

/** What was met that OSTree's format has no place for, or that moved while it was read. */
export interface ScanCounts {
  files: number;
  folders: number;
  bytes: number;
  /** Files that had to be read. */
  hashed: number;
  stagedFiles: number;
  stagedBytes: number;
  sockets: number;
  vanished: number;
  torn: number;
}

export function newScanCounts(): ScanCounts {
  return { files: 0, folders: 0, bytes: 0, hashed: 0, stagedFiles: 0, stagedBytes: 0, sockets: 0, vanished: 0, torn: 0 };
}

export interface ScanRequest {
  /** Whose stat cache is used, and which is left out where it lies inside the tree. */
  readonly repository: Repository | undefined;
  /** Undefined: hash only, write nothing. */
  readonly transaction: Transaction | undefined;
  readonly options: ScanOptions;
  /** The repository's own files, where the tree may hold hard links to them. */
  readonly objectInodes?: ObjectInodes | undefined;
  readonly pool: WorkerPool;
  readonly observer: Observer;
  /** False neither reads nor writes the stat cache. */
  readonly useCache: boolean;
  /** Nothing can change in the folder while it is read, and nothing of it waits in memory: it is a read-only snapshot. */
  readonly isStill?: boolean | undefined;
  /** Which entries are looked at, by their path, and folders entered; all where it is left out. Then nothing is to be kept. */
  readonly wanted?: ((path: ByteString) => boolean) | undefined;
}

export interface ScannedFolder {
  readonly root: FolderNode;
  readonly counts: ScanCounts;
}

export interface Scan {
  readonly request: ScanRequest;
  readonly rootFd: number;
  readonly rootStat: Stat;
  /** The repository's own folder, which is no part of what it keeps. */
  readonly repositoryStat: Stat | undefined;
  readonly cache: StatCache | undefined;
  readonly builder: StatCacheBuilder;
  /** The folders of the repository's objects at the start; those for which the cache that is being collected may not vouch are left out. */
  readonly folders: FolderTimes;
  /** The folders that were read, with what they looked like and what they are known to be. */
  readonly seen: Map<FolderNode, SeenFolder>;
  /** By number: whether the cache's word that an object is there still counts. */
  readonly vouched: readonly boolean[];
  readonly counts: ScanCounts;
  readonly groups: Map<string, LinkGroup>;
  readonly running: Set<Promise<void>>;
  /** Milliseconds since 1970; before any file was looked at and any file system flushed. Infinity where nothing can change. */
  startedAt: number;
  /** Devices that were flushed since. */
  readonly flushed: Set<string>;
  batch: BatchFolder[];
  batchFiles: number;
  batchBytes: number;
  failure: unknown;
  cacheHits: number;
}

export interface SeenFolder {
  readonly stat: Stat;
  /** What it was when it looked the same; undefined where something in it is not known for certain. */
  known: KnownFolder | undefined;
  /** Its files and links by name and inode. */
  readonly files: NameSum;
}

export interface BatchFolder {
  readonly path: ByteString;
  readonly folder: FolderNode;
  readonly files: ByteString[];
  readonly links: ByteString[];
}

const BATCH_FILES = 192;
const BATCH_BYTES = 6 * 1024 * 1024;

const UNKNOWN = "" as Checksum;

/** Puts a file that has to be read into the batch; its node is filled when the answer comes. */
export function enqueueFile(scan: Scan, batch: BatchFolder, name: ByteString, isLink: boolean, size: number): void {
  batch.folder.files.set(name, { checksum: UNKNOWN, extras: NO_EXTRAS });
  forgetKnown(scan, batch.folder);
  (isLink ? batch.links : batch.files).push(name);
  scan.batchFiles++;
  scan.batchBytes += size;
}

/** Something in the folder may be other than it was. */
export function forgetKnown(scan: Scan, folder: FolderNode): void {
  const seen = scan.seen.get(folder);
  if (seen !== undefined) seen.known = undefined;
}

/** What a folder becomes, where all in it is what it was. */
export function knownIdentity(scan: Scan, folder: FolderNode): FolderIdentity | undefined {
  const seen = scan.seen.get(folder);
  if (seen?.known === undefined || !sameSum(seen.known.names, namesOf(scan, folder, seen))) return undefined;
  return seen.known.identity;
}

/** Of all that is in the folder. */
export function namesOf(scan: Scan, folder: FolderNode, { files }: SeenFolder): NameSum {
  const sum = { ...files };
  for (const [name, child] of folder.dirs) {
    const seen = scan.seen.get(child);
    if (seen !== undefined) addName(sum, name, seen.stat);
  }
  return sum;
}

/** Ends a folder's part of the batch, and sends the batch when it is full. */
export function closeBatchFolder(scan: Scan, batch: BatchFolder): void {
  if (batch.files.length + batch.links.length > 0) scan.batch.push(batch);
  if (scan.batchFiles >= BATCH_FILES || scan.batchBytes >= BATCH_BYTES) sendBatch(scan);
}

export function isBatchFull(scan: Scan): boolean {
  return scan.batchFiles >= BATCH_FILES || scan.batchBytes >= BATCH_BYTES;
}

export function sendBatch(scan: Scan): void {
  if (scan.batch.length === 0) return;
  const batch = scan.batch;
  scan.batch = [];
  scan.batchFiles = 0;
  scan.batchBytes = 0;
  const { transaction, options, pool } = scan.request;
  const job: HashFilesJob = {
    rootFd: scan.rootFd,
    target:
      transaction === undefined
        ? undefined
        : {
            repository: transaction.repository,
            stagingFd: transaction.stagingFd,
            room: transaction.room,
            transaction: transaction.name,
          },
    options,
    startedAt: scan.startedAt,
    folders: batch.map(({ path, files, links }) => ({ path, files, links })),
  };
  const work: Promise<void> = pool
    .run<HashFilesJob, HashFilesResult>("hash-files", job)
    .then((results) => takeResults(scan, batch, results))
    .catch((error: unknown) => {
      scan.failure ??= error;
    })
    .finally(() => scan.running.delete(work));
  scan.running.add(work);
}

/** Waits until no more than `most` batches are out. Throws what a worker threw. */
export async function settleBatches(scan: Scan, most: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  while (scan.running.size > most && scan.failure === undefined) {
    await Promise.race(scan.running);
    tell(scan);
    throwIfCancelled(scan.request.observer.signal);
  }
  if (scan.failure !== undefined) throw scan.failure;
}

export function tell(scan: Scan): void {
  report(scan.request.observer, "scan", { done: scan.counts.files, bytes: scan.counts.bytes });
}

/** The group of a file with several names. */
export function groupOf(scan: Scan, stat: Stat): LinkGroup | undefined {
  if (stat.nlink < 2) return undefined;
  const key = `${stat.devMajor}:${stat.devMinor}:${stat.inoHigh}:${stat.inoLow}`;
  let group = scan.groups.get(key);
  if (group === undefined) scan.groups.set(key, (group = { leader: undefined, count: 0 }));
  return group;
}

/** The files with several names that were met, by inode; of a scan that stays on one device. */
export function* linkedInodes(scan: Scan): Generator<readonly [ino: number, group: LinkGroup]> {
  for (const [key, group] of scan.groups) {
    const [, , high, low] = key.split(":").map(Number) as [number, number, number, number];
    yield [high * 2 ** 32 + low, group];
  }
}

export function countSocket(scan: Scan, path: ByteString): void {
  scan.counts.sockets++;
  notice(scan.request.observer, "socket", "is a socket, which can't be kept", displayBytes(path));
}

export function countVanished(scan: Scan, path: ByteString): void {
  scan.counts.vanished++;
  notice(scan.request.observer, "vanished", "vanished while the tree was read", displayBytes(path));
}

function takeResults(scan: Scan, batch: readonly BatchFolder[], results: HashFilesResult): void {
  for (const [index, { path, folder, files, links }] of batch.entries()) {
    for (const [at, name] of [...files, ...links].entries()) {
      const result = results[index]![at];
      const node = folder.files.get(name)!;
      if (result?.node !== undefined) {
        folder.files.delete(name);
        folder.nodes.set(name, { node: withBuffers(result.node), extras: extrasOf(scan, result) });
        scan.counts.files++;
      } else if (result !== undefined) fillNode(scan, { node, folder, name, path }, result);
      else {
        folder.files.delete(name);
        countVanished(scan, joinBytes(path, name));
      }
    }
  }
}

interface Placed {
  readonly node: FileNode;
  readonly folder: FolderNode;
  readonly name: ByteString;
  /** Of the folder. */
  readonly path: ByteString;
}

function fillNode(scan: Scan, { node, folder, name, path }: Placed, result: HashedFile): void {
  const { stat, flags, data, checksum, emptyXattrs } = result;
  const { counts, request } = scan;
  node.checksum = checksum;
  node.extras = extrasOf(scan, result);
  const seen = scan.seen.get(folder);
  if (seen !== undefined) addName(seen.files, name, stat);
  counts.files++;
  counts.hashed++;
  counts.bytes += stat.size;
  if (result.staging === "staged") counts.stagedFiles++;
  if (result.staging !== "stored") forgetFolder(scan.folders, folderOf(checksum));
  counts.stagedBytes += result.stagedBytes;
  if (result.torn) {
    counts.torn++;
    notice(request.observer, "torn", "changed while it was read", displayBytes(joinBytes(path, name)));
    return;
  }
  // The cache has no place for these.
  if (emptyXattrs === undefined)
    rememberStat(scan.builder, stat, { checksum, flags, hasHoles: data !== undefined }, scan.startedAt);
}

/** A Buffer comes from another thread as a plain array of bytes. */
function withBuffers(node: NodeRecord): NodeRecord {
  return { ...node, xattrs: node.xattrs.map(({ name, value }) => ({ name, value: Buffer.from(value) })) };
}

function extrasOf(scan: Scan, { stat, flags, data, emptyXattrs }: HashedFile): Extras {
  const time = { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds };
  return { time, flags, data, group: groupOf(scan, stat), emptyXattrs };
}
