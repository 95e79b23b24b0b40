/**
 * The worker's part of a commit: read files, hash them, and write what the repository lacks into the staging folder.
 * What is written is exactly what was hashed, even where a file changes while it is read; such a file is read again, and
 * reported as torn when it does not come to rest.
 */
import { createHash, hash } from "node:crypto";
import { type ByteString, EMPTY, displayBytes, isUtf8, joinBytes } from "../../base/byte-string.ts";
import { RegrowError, SystemError, isErrno } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ContentMeta, encodeContentHeader } from "../../codec/ostree/content.ts";
import type { NodeRecord, Stretch } from "../../codec/sidecar/folder-record.ts";
import { writtenExtents } from "../../sys/holes.ts";
import { getFlags } from "../../sys/metadata.ts";
import { O, closeFd, openAt, openBeneath } from "../../sys/open.ts";
import { readAt, readLinkAt } from "../../sys/read-file.ts";
import { type Stat, S_IFLNK, S_IFREG, sameVersion, statFd, tryStatAt, typeOf } from "../../sys/stat.ts";
import { type Xattr, readXattrsAt, readXattrsFd } from "../../sys/xattr.ts";
import { MEMORY_LIMIT, eachChunk } from "../content/payload.ts";
import { type ScanOptions, committedOwnership, committedXattrs, emptyXattrs, nodeXattrs } from "./scan-options.ts";
import { type StageTarget, type Staging, stage, stageLarge } from "./stage-hashed.ts";
import { changedBefore } from "./settled.ts";
import { userFlags } from "./user-flags.ts";

export interface HashFilesJob {
  readonly rootFd: number;
  /** Undefined: hash only. */
  readonly target: StageTarget | undefined;
  readonly options: ScanOptions;
  /** Of the scan, in milliseconds since 1970: what waited in memory then has been flushed. */
  readonly startedAt: number;
  readonly folders: readonly {
    readonly path: ByteString;
    readonly files: readonly ByteString[];
    readonly links: readonly ByteString[];
  }[];
}

export interface HashedFile {
  readonly checksum: Checksum;
  readonly stat: Stat;
  readonly flags: number;
  /** The stretches of data of a sparse file. */
  readonly data: readonly Stretch[] | undefined;
  readonly emptyXattrs: readonly ByteString[] | undefined;
  /** A link whose target is not UTF-8: there is no object, and `checksum` is empty. */
  readonly node: NodeRecord | undefined;
  readonly torn: boolean;
  /** Bytes of payload that were staged for this file. */
  readonly stagedBytes: number;
  readonly staging: Staging;
}

/** For each folder its files, then its links, in the job's order; undefined where the file has vanished or is no file or link any more. */
export type HashFilesResult = readonly (readonly (HashedFile | undefined)[])[];

const READ_ATTEMPTS = 3;
const HEADER_ROOM = 4096;
/** A file in which blocks can be shared at all: smaller ones stand inside the file system's metadata. */
const CLONE_LEAST = 4096;
/** The smallest block of any file system that keeps holes. */
const SMALLEST_BLOCK = 512;
const NOTHING = Buffer.alloc(0);
let scratch = Buffer.allocUnsafe(1024 * 1024);

export async function hashFiles(job: HashFilesJob): Promise<HashFilesResult> {
  const results: (HashedFile | undefined)[][] = [];
  for (const { path, files, links } of job.folders) {
    const folder: (HashedFile | undefined)[] = [];
    const dirFd = openFolder(job.rootFd, path);
    try {
      for (const name of files) {
        const hashed = dirFd < 0 ? undefined : hashFile(job, dirFd, path, name);
        folder.push(hashed instanceof Promise ? await hashed : hashed);
      }
      for (const name of links) folder.push(dirFd < 0 ? undefined : hashLink(job, dirFd, path, name));
    } finally {
      if (dirFd >= 0) closeFd(dirFd);
    }
    results.push(folder);
  }
  return results;
}

function openFolder(rootFd: number, path: ByteString): number {
  try {
    return openBeneath(rootFd, path, O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR") || (error instanceof RegrowError && error.code === "hostile")) return -1;
    throw error;
  }
}

/** A promise only for large files: a promise for each of many small ones would cost as much as reading them. */
function hashFile(
  job: HashFilesJob,
  dirFd: number,
  folder: ByteString,
  name: ByteString,
): HashedFile | undefined | Promise<HashedFile | undefined> {
  let fd = -1;
  try {
    fd = openAt(dirFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    const stat = statFd(fd);
    // It was a file when the folder was read.
    if (typeOf(stat.mode) !== S_IFREG) return undefined;
    if (stat.size > MEMORY_LIMIT) {
      const large = fd;
      fd = -1;
      return hashLargeFile(job, large, stat, joinBytes(folder, name));
    }
    return hashSmallFile(job, fd, stat);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV")) return undefined;
    throw located(job, error, joinBytes(folder, name));
  } finally {
    if (fd >= 0) closeFd(fd);
  }
}

function hashLink(job: HashFilesJob, dirFd: number, folder: ByteString, name: ByteString): HashedFile | undefined {
  try {
    const stat = tryStatAt(dirFd, name);
    if (stat === undefined || typeOf(stat.mode) !== S_IFLNK) return undefined;
    const found = job.options.noXattrs ? [] : readXattrsAt(dirFd, name);
    const target = readLinkAt(dirFd, name);
    if (!isUtf8(target)) return oddLink(job.options, stat, target, found);
    const meta = { ...committedOwnership(job.options, stat), target, xattrs: committedXattrs(job.options, found) };
    const checksum = hash("sha256", encodeContentHeader(meta), "hex") as Checksum;
    const staging = stage(job.target, checksum, meta, { kind: "memory", data: NOTHING });
    return { ...LINK_FACTS, checksum, stat, emptyXattrs: emptyXattrs(job.options, found), staging };
  } catch (error) {
    // It was a link a moment ago.
    if (isErrno(error, "ENOENT", "EINVAL")) return undefined;
    throw located(job, error, joinBytes(folder, name));
  }
}

const LINK_FACTS = { flags: 0, data: undefined, node: undefined, torn: false, stagedBytes: 0, staging: "not-asked" } as const;

/** OSTree's text type holds UTF-8 only, so such a link can be no object. */
function oddLink(options: ScanOptions, stat: Stat, target: ByteString, xattrs: readonly Xattr[]): HashedFile {
  const node = { ...committedOwnership(options, stat), major: 0, minor: 0, xattrs: nodeXattrs(options, xattrs), target };
  return { ...LINK_FACTS, checksum: "" as Checksum, stat, emptyXattrs: undefined, node };
}

function hashSmallFile(job: HashFilesJob, fd: number, first: Stat): HashedFile {
  let before = first;
  for (let attempt = 1; ; attempt++) {
    const read = readSmall(job, fd, before);
    const after = statFd(fd);
    const torn = read.data.length !== before.size || !sameVersion(before, after);
    if (!torn || attempt === READ_ATTEMPTS) {
      // Only where its times would tell if it were written to meanwhile.
      const cloneFrom = !torn && before.size >= CLONE_LEAST && changedBefore(before, job.startedAt) ? fd : undefined;
      const staging = stage(job.target, read.checksum, read.meta, {
        kind: "memory",
        data: read.data,
        cloneFrom,
        cloneVersion: before,
      });
      return hashedFile(fd, before, { ...read, staging, torn });
    }
    // What has grown too large for memory meanwhile is cut, and reported as torn.
    before = after.size <= MEMORY_LIMIT ? after : before;
  }
}

async function hashLargeFile(job: HashFilesJob, fd: number, first: Stat, path: ByteString): Promise<HashedFile> {
  try {
    let before = first;
    for (let attempt = 1; ; attempt++) {
      const { header, meta, empty } = headerFor(job.options, fd, before);
      const digest = createHash("sha256").update(header);
      const count = eachChunk(fd, before.size, (piece) => digest.update(piece));
      const expected = digest.digest("hex") as Checksum;
      const result = await stageLarge(job.target, { fd, size: before.size, header, meta, expected });
      const after = statFd(fd);
      const torn = count !== before.size || !sameVersion(before, after);
      if (!torn || attempt === READ_ATTEMPTS) return hashedFile(fd, before, { ...result, empty, torn });
      before = after;
    }
  } catch (error) {
    throw located(job, error, path);
  } finally {
    closeFd(fd);
  }
}

function hashedFile(
  fd: number,
  stat: Stat,
  { checksum, staging, torn, empty }: Pick<HashedFile, "checksum" | "staging" | "torn"> & { empty: HashedFile["emptyXattrs"] },
): HashedFile {
  // A file of a block or less that has one has no hole.
  const dense = torn || (stat.size <= SMALLEST_BLOCK && stat.blocks > 0);
  const data = dense ? undefined : writtenExtents(fd, stat.size);
  const stagedBytes = staging === "staged" ? stat.size : 0;
  return {
    checksum,
    stat,
    flags: userFlags(getFlags(fd)),
    data,
    emptyXattrs: empty,
    node: undefined,
    torn,
    stagedBytes,
    staging,
  };
}

interface SmallFile {
  readonly checksum: Checksum;
  readonly meta: ContentMeta;
  readonly data: Buffer;
  readonly empty: HashedFile["emptyXattrs"];
}

function readSmall(job: HashFilesJob, fd: number, stat: Stat): SmallFile {
  const { header, meta, empty } = headerFor(job.options, fd, stat);
  const room = Math.max(HEADER_ROOM, header.length) + stat.size;
  if (scratch.length < room) scratch = Buffer.allocUnsafe(room * 2);
  header.copy(scratch);
  const count = stat.size === 0 ? 0 : readAt(fd, scratch, header.length, stat.size, 0);
  const checksum = hash("sha256", scratch.subarray(0, header.length + count), "hex") as Checksum;
  return { checksum, meta, data: scratch.subarray(header.length, header.length + count), empty };
}

function headerFor(
  options: ScanOptions,
  fd: number,
  stat: Stat,
): { header: Buffer; meta: ContentMeta; empty: HashedFile["emptyXattrs"] } {
  const found = options.noXattrs ? [] : readXattrsFd(fd);
  const meta = { ...committedOwnership(options, stat), target: EMPTY, xattrs: committedXattrs(options, found) };
  return { header: encodeContentHeader(meta), meta, empty: emptyXattrs(options, found) };
}

/** A full disk is the repository's. */
function located({ target }: HashFilesJob, error: unknown, path: ByteString): unknown {
  if (!(error instanceof RegrowError) || error.path?.includes("/") === true || error.path === target?.repository.path)
    return error;
  const shown = error.code === "no-space" && target !== undefined ? target.repository.path : displayBytes(path);
  if (error instanceof SystemError) return new SystemError(error.call, error.errno, shown);
  return new RegrowError(error.code, `${shown}: ${error.message}`, { path: shown, cause: error, hint: error.hint });
}
