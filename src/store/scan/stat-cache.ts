/**
 * The stat cache: what was hashed before need not be read again as long as device, inode, size, mtime and ctime are the
 * same. It may be lost or damaged at any time without harm: a damaged one is as good as none.
 *
 *   64 bytes   "rgstat3\n", u32 count of records, u32 count of buckets (a power of two), SHA-256 of all that follows,
 *              u32 count of folders of the tree, zeroes
 *   folders    256 times two f64: ctime of the folder of the repository's objects (object-folders.ts)
 *   buckets    u32 each: number of a record + 1, or 0; open addressing, by inode
 *   records    88 bytes each: u32 dev major, dev minor, inode low, high, mtime ns, ctime ns · f64 size, mtime, ctime ·
 *              u32 inode flags, u32 bits (1: has holes) · 32 bytes checksum
 *   tree       what the folders of the tree became (folder-cache.ts)
 *
 * A file whose times may not tell of a later write (settled.ts) is not entered. Times are in this machine's byte order: it is read nowhere else.
 */
import { hash } from "node:crypto";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import { replaceFileAt } from "../../sys/durable.ts";
import { makeDirs, tryUnlinkAt } from "../../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readLinkAt, tryReadFileAt } from "../../sys/read-file.ts";
import { type Stat, tryStatAt } from "../../sys/stat.ts";
import type { Repository } from "../repository.ts";
import { changedBefore } from "./settled.ts";
import { FOLDER_RECORD, type FolderCache, readFolderCache } from "./folder-cache.ts";

export interface CachedFile {
  readonly checksum: Checksum;
  /** Inode flags (chattr). */
  readonly flags: number;
  readonly hasHoles: boolean;
}

const MAGIC = "rgstat3\n";
const HEADER = 64;
const FOLDERS = 256 * 16;
const RECORD = 88;
const WORDS = RECORD / 4;
const DOUBLES = RECORD / 8;
const FOLDER = "regrow/stat-cache";
/** More than ten million files. */
const MAX_FILE = 2 ** 30;
/** Milliseconds after which an unfinished file has been left by somebody who was cut. */
const LEFT_OVER = 3600_000;

export interface StatCache {
  readonly file: string;
  readonly count: number;
  /** Of the repository's objects, when the cache was written. */
  readonly folders: Float64Array;
  /** Of the tree. */
  readonly tree: FolderCache;
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  readonly bytes: Buffer;
  readonly buckets: Uint32Array;
}

/** What a scan collects for the next one. */
export interface StatCacheBuilder {
  bytes: Buffer;
  words: Uint32Array;
  doubles: Float64Array;
  count: number;
}

/** The cache of the tree whose root folder is `root`, scanned with options of that fingerprint; undefined where there is none. */
export function loadStatCache(repository: Repository, root: Stat, fingerprint: string): StatCache | undefined {
  const file = cacheName(root, fingerprint);
  const data = tryReadCache(repository, file);
  if (data === undefined || data.length < HEADER || data.toString("latin1", 0, 8) !== MAGIC) return undefined;
  const count = data.readUInt32LE(8);
  const bucketCount = data.readUInt32LE(12);
  if (
    data.length !== HEADER + FOLDERS + padded(bucketCount) + count * RECORD + data.readUInt32LE(48) * FOLDER_RECORD ||
    bucketCount < 1 ||
    (bucketCount & (bucketCount - 1)) !== 0
  )
    return undefined;
  if (hash("sha256", data.subarray(HEADER), "hex") !== data.toString("hex", 16, 48)) return undefined;
  // Typed arrays need aligned memory of their own.
  const aligned = new Uint8Array(data.length - HEADER);
  aligned.set(data.subarray(HEADER));
  const recordStart = FOLDERS + padded(bucketCount);
  return {
    file,
    count,
    folders: new Float64Array(aligned.buffer, 0, FOLDERS / 8),
    tree: readFolderCache(Buffer.from(aligned.buffer, recordStart + count * RECORD)),
    buckets: new Uint32Array(aligned.buffer, FOLDERS, bucketCount),
    words: new Uint32Array(aligned.buffer, recordStart, count * WORDS),
    doubles: new Float64Array(aligned.buffer, recordStart, count * DOUBLES),
    bytes: Buffer.from(aligned.buffer, recordStart, count * RECORD),
  };
}

function tryReadCache(repository: Repository, file: string): Buffer | undefined {
  try {
    return tryReadFileAt(repository.fd, `${FOLDER}/${file}`, MAX_FILE);
  } catch (error) {
    if (isErrno(error, "EISDIR", "ENOTDIR", "EACCES") || (error instanceof RegrowError && error.code === "corrupt"))
      return undefined;
    throw error;
  }
}

/** What is known of the file, or undefined. */
export function lookUpStat(cache: StatCache, stat: Stat): CachedFile | undefined {
  const mask = cache.buckets.length - 1;
  const first = bucketOf(stat.inoLow, stat.inoHigh, mask);
  // A table without an empty bucket is none of ours, but it must not be walked for ever.
  for (let probe = 0; probe <= mask; probe++) {
    const record = cache.buckets[(first + probe) & mask]! - 1;
    if (record < 0) return undefined;
    if (record < cache.count && matches(cache, record, stat)) return decodeRecord(cache, record);
  }
  return undefined;
}

export function newStatCacheBuilder(expected = 1024): StatCacheBuilder {
  return viewsOf(new ArrayBuffer(Math.max(16, expected) * RECORD), 0);
}

/** Enters a file that was read at the time `readAt` (milliseconds) or before, unless it may still change unseen. */
export function rememberStat(builder: StatCacheBuilder, stat: Stat, file: CachedFile, readAt: number): void {
  if (!changedBefore(stat, readAt)) return;
  if ((builder.count + 1) * RECORD > builder.bytes.length) grow(builder);
  const { words, doubles, bytes } = builder;
  const word = builder.count * WORDS;
  const double = builder.count * DOUBLES;
  words[word] = stat.devMajor;
  words[word + 1] = stat.devMinor;
  words[word + 2] = stat.inoLow;
  words[word + 3] = stat.inoHigh;
  words[word + 4] = stat.mtimeNanoseconds;
  words[word + 5] = stat.ctimeNanoseconds;
  doubles[double + 3] = stat.size;
  doubles[double + 4] = stat.mtimeSeconds;
  doubles[double + 5] = stat.ctimeSeconds;
  words[word + 12] = file.flags;
  words[word + 13] = file.hasHoles ? 1 : 0;
  bytes.write(file.checksum, builder.count * RECORD + 56, "hex");
  builder.count++;
}

/** What a scan hands on to the next one. */
export interface Learnt {
  readonly builder: StatCacheBuilder;
  /** Of the repository's objects (object-folders.ts). */
  readonly folders: Float64Array;
  /** What the tree's folders became (folder-cache.ts). */
  readonly tree: Buffer;
}

/** Keeps the collected records for the next scan. */
export function saveStatCache(repository: Repository, root: Stat, fingerprint: string, { builder, folders, tree }: Learnt): void {
  const bucketCount = 2 ** Math.ceil(Math.log2(Math.max(2, builder.count * 2)));
  const recordStart = HEADER + FOLDERS + padded(bucketCount);
  const treeStart = recordStart + builder.count * RECORD;
  const data = Buffer.alloc(treeStart + tree.length);
  const buckets = new Uint32Array(bucketCount);
  for (let record = 0; record < builder.count; record++) enter(buckets, builder.words, record);
  Buffer.from(folders.buffer, folders.byteOffset, FOLDERS).copy(data, HEADER);
  Buffer.from(buckets.buffer).copy(data, HEADER + FOLDERS);
  builder.bytes.copy(data, recordStart, 0, builder.count * RECORD);
  tree.copy(data, treeStart);
  data.write(MAGIC, 0, "latin1");
  data.writeUInt32LE(builder.count, 8);
  data.writeUInt32LE(bucketCount, 12);
  data.write(hash("sha256", data.subarray(HEADER), "hex"), 16, "hex");
  data.writeUInt32LE(tree.length / FOLDER_RECORD, 48);
  makeDirs(repository.fd, FOLDER, 0o700);
  removeLeftOvers(repository);
  replaceFileAt(repository.fd, FOLDER, cacheName(root, fingerprint), data, { durable: false, mode: 0o600 });
}

function removeLeftOvers(repository: Repository): void {
  const fd = openAt(repository.fd, FOLDER, O.RDONLY | O.DIRECTORY);
  try {
    for (const { name } of readDir(fd)) {
      if (!name.endsWith(".tmp")) continue;
      const stat = tryStatAt(fd, name);
      if (stat !== undefined && Date.now() - stat.ctimeSeconds * 1000 > LEFT_OVER) tryUnlinkAt(fd, name);
    }
  } finally {
    closeFd(fd);
  }
}

/** One for everybody who may see other owners and attributes than somebody else does. */
function cacheName(root: Stat, fingerprint: string): string {
  const viewer = `${process.geteuid!()} ${userNamespace()}`;
  const key = [root.devMajor, root.devMinor, root.inoHigh, root.inoLow, fingerprint, viewer].join(":");
  return hash("sha256", key, "hex").slice(0, 32);
}

function userNamespace(): string {
  try {
    return readLinkAt(CWD, "/proc/self/ns/user");
  } catch (error) {
    if (isErrno(error, "ENOENT", "EACCES")) return "";
    throw error;
  }
}

function padded(bucketCount: number): number {
  return Math.ceil((bucketCount * 4) / 8) * 8;
}

function bucketOf(inoLow: number, inoHigh: number, mask: number): number {
  return (Math.imul(inoLow ^ Math.imul(inoHigh, 0x85ebca6b), 0x9e3779b1) >>> 7) & mask;
}

function matches({ words, doubles }: StatCache, record: number, stat: Stat): boolean {
  const word = record * WORDS;
  const double = record * DOUBLES;
  return (
    words[word + 2] === stat.inoLow &&
    words[word + 3] === stat.inoHigh &&
    words[word] === stat.devMajor &&
    words[word + 1] === stat.devMinor &&
    words[word + 4] === stat.mtimeNanoseconds &&
    words[word + 5] === stat.ctimeNanoseconds &&
    doubles[double + 3] === stat.size &&
    doubles[double + 4] === stat.mtimeSeconds &&
    doubles[double + 5] === stat.ctimeSeconds
  );
}

function decodeRecord({ words, bytes }: StatCache, record: number): CachedFile {
  return {
    checksum: bytes.toString("hex", record * RECORD + 56, record * RECORD + 88) as Checksum,
    flags: words[record * WORDS + 12]!,
    hasHoles: (words[record * WORDS + 13]! & 1) !== 0,
  };
}

function enter(buckets: Uint32Array, words: Uint32Array, record: number): void {
  const mask = buckets.length - 1;
  let bucket = bucketOf(words[record * WORDS + 2]!, words[record * WORDS + 3]!, mask);
  while (buckets[bucket] !== 0) bucket = (bucket + 1) & mask;
  buckets[bucket] = record + 1;
}

function viewsOf(memory: ArrayBuffer, count: number): StatCacheBuilder {
  return { bytes: Buffer.from(memory), words: new Uint32Array(memory), doubles: new Float64Array(memory), count };
}

function grow(builder: StatCacheBuilder): void {
  const larger = viewsOf(new ArrayBuffer(builder.bytes.length * 2), builder.count);
  builder.bytes.copy(larger.bytes);
  Object.assign(builder, larger);
}
