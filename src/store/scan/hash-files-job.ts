/**
 * The worker's part of a commit: read files, hash them, and write what the repository lacks into the staging folder.
 * What is written is exactly what was hashed, even where a file changes while it is read; such a file is read again, and
 * reported as torn when it does not come to rest.
 */
import { createHash, hash } from "node:crypto";
import { type ByteString, bufferOf, joinBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ContentMeta, encodeContentHeader } from "../../codec/ostree/content.ts";
import { looseName } from "../../codec/ostree/object-name.ts";
import type { Stretch } from "../../codec/sidecar/folder-record.ts";
import { dataExtents } from "../../sys/holes.ts";
import { getFlags } from "../../sys/metadata.ts";
import { tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt, openBeneath } from "../../sys/open.ts";
import { readAt, readLinkAt } from "../../sys/read-file.ts";
import { type Stat, S_IFLNK, S_IFREG, sameVersion, statAt, statFd, typeOf } from "../../sys/stat.ts";
import { readXattrsAt, readXattrsFd } from "../../sys/xattr.ts";
import { writeContent } from "../content/content-format.ts";
import { MEMORY_LIMIT, type Payload, copyPayload, eachChunk } from "../content/payload.ts";
import { placeCopy } from "../content/place-copy.ts";
import { hasObject } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { inStagingFolder } from "../transaction.ts";
import { type ScanOptions, committedOwnership, committedXattrs } from "./scan-options.ts";
import { userFlags } from "./user-flags.ts";

export interface HashFilesJob {
  readonly rootFd: number;
  /** Undefined: hash only. */
  readonly target: { readonly repository: Repository; readonly stagingFd: number } | undefined;
  readonly options: ScanOptions;
  readonly folders: readonly { readonly path: ByteString; readonly names: readonly ByteString[] }[];
}

export interface HashedFile {
  readonly checksum: Checksum;
  readonly stat: Stat;
  readonly flags: number;
  /** The stretches of data of a sparse file. */
  readonly data: readonly Stretch[] | undefined;
  readonly torn: boolean;
  /** Bytes of payload that were staged, 0 where the repository had the object. */
  readonly stagedBytes: number;
  readonly staged: boolean;
}

/** For each folder and name in the job's order; undefined where the file has vanished or is no file or link any more. */
export type HashFilesResult = readonly (readonly (HashedFile | undefined)[])[];

const READ_ATTEMPTS = 3;
const HEADER_ROOM = 4096;
/** A file in which blocks can be shared at all: smaller ones stand inside the file system's metadata. */
const CLONE_LEAST = 4096;
let scratch = Buffer.allocUnsafe(1024 * 1024);
let temporary = 0;

export async function hashFiles(job: HashFilesJob): Promise<HashFilesResult> {
  const results: (HashedFile | undefined)[][] = [];
  for (const { path, names } of job.folders) {
    const folder: (HashedFile | undefined)[] = [];
    const dirFd = openFolder(job.rootFd, path);
    try {
      for (const name of names) folder.push(dirFd < 0 ? undefined : await hashEntry(job, dirFd, path, name));
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

async function hashEntry(
  job: HashFilesJob,
  dirFd: number,
  folder: ByteString,
  name: ByteString,
): Promise<HashedFile | undefined> {
  try {
    const stat = statAt(dirFd, name);
    if (typeOf(stat.mode) === S_IFLNK) return hashLink(job, dirFd, name, stat);
    if (typeOf(stat.mode) !== S_IFREG) return undefined;
    const fd = openAt(dirFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    try {
      return await hashRegular(job, fd);
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw located(error, joinBytes(folder, name));
  }
}

function hashLink(job: HashFilesJob, dirFd: number, name: ByteString, stat: Stat): HashedFile {
  const xattrs = committedXattrs(job.options, job.options.noXattrs ? [] : readXattrsAt(dirFd, name));
  const meta = { ...committedOwnership(job.options, stat), target: readLinkAt(dirFd, name), xattrs };
  const checksum = hash("sha256", encodeContentHeader(meta), "hex") as Checksum;
  const staged = stage(job, checksum, meta, { kind: "memory", data: Buffer.alloc(0) });
  return { checksum, stat, flags: 0, data: undefined, torn: false, stagedBytes: 0, staged };
}

async function hashRegular(job: HashFilesJob, fd: number): Promise<HashedFile> {
  let before = statFd(fd);
  for (let attempt = 1; ; attempt++) {
    const read = before.size <= MEMORY_LIMIT ? hashInMemory(job, fd, before) : await hashLarge(job, fd, before);
    const after = statFd(fd);
    const torn = !read.whole || !sameVersion(before, after);
    if (torn && attempt < READ_ATTEMPTS) {
      before = after;
      continue;
    }
    const flags = userFlags(getFlags(fd));
    const { checksum, staged } = await read.stage();
    const data = dataExtents(fd, before.size);
    return { checksum, stat: before, flags, data, torn, stagedBytes: staged ? before.size : 0, staged };
  }
}

interface ReadFile {
  /** False where the file turned out shorter than it said. */
  readonly whole: boolean;
  stage(): Promise<{ checksum: Checksum; staged: boolean }> | { checksum: Checksum; staged: boolean };
}

function hashInMemory(job: HashFilesJob, fd: number, stat: Stat): ReadFile {
  const { header, meta } = headerFor(job.options, fd, stat);
  const room = Math.max(HEADER_ROOM, header.length) + stat.size;
  if (scratch.length < room) scratch = Buffer.allocUnsafe(room * 2);
  header.copy(scratch);
  const count = readAt(fd, scratch, header.length, stat.size, 0);
  const checksum = hash("sha256", scratch.subarray(0, header.length + count), "hex") as Checksum;
  const data = scratch.subarray(header.length, header.length + count);
  const cloneFrom = count >= CLONE_LEAST && isAtRest(stat) ? fd : undefined;
  const stageIt = (): { checksum: Checksum; staged: boolean } => ({
    checksum,
    staged: stage(job, checksum, meta, { kind: "memory", data, cloneFrom }),
  });
  return { whole: count === stat.size, stage: stageIt };
}

async function hashLarge(job: HashFilesJob, fd: number, stat: Stat): Promise<ReadFile> {
  const { header, meta } = headerFor(job.options, fd, stat);
  const digest = createHash("sha256").update(header);
  const count = eachChunk(fd, stat.size, (piece) => digest.update(piece));
  const checksum = digest.digest("hex") as Checksum;
  return { whole: count === stat.size, stage: () => stageLarge(job, { fd, size: stat.size, header, meta, expected: checksum }) };
}

interface LargeFile {
  readonly fd: number;
  readonly size: number;
  readonly header: Buffer;
  readonly meta: ContentMeta;
  readonly expected: Checksum;
}

/** The copy is what counts: it is hashed itself, so that a writer beside us can't make a wrong object. */
async function stageLarge(job: HashFilesJob, file: LargeFile): Promise<{ checksum: Checksum; staged: boolean }> {
  const { target } = job;
  if (target === undefined || hasObject(target.repository, "file", file.expected))
    return { checksum: file.expected, staged: false };
  const copyName = `copy-${process.pid}-${temporary++}-${file.expected.slice(0, 16)}`;
  const copyFd = openAt(target.stagingFd, copyName, O.RDWR | O.CREAT | O.EXCL, 0o600);
  try {
    const digest = createHash("sha256").update(file.header);
    const cloned = copyPayload(copyFd, file.fd, file.size, (piece) => digest.update(piece));
    if (cloned) eachChunk(copyFd, file.size, (piece) => digest.update(piece));
    const checksum = digest.digest("hex") as Checksum;
    const copy = { name: copyName, fd: copyFd, size: file.size };
    return { checksum, staged: await placeCopy(target, copy, file.meta, checksum) };
  } finally {
    closeFd(copyFd);
    tryUnlinkAt(target.stagingFd, copyName);
  }
}

function stage(job: HashFilesJob, checksum: Checksum, meta: ContentMeta, payload: Payload & { kind: "memory" }): boolean {
  const { target } = job;
  if (target === undefined || hasObject(target.repository, "file", checksum)) return false;
  const { config, umask } = target.repository;
  const name = looseName(checksum, config.mode === "archive" ? "filez" : "file");
  const place = { dirFd: target.stagingFd, umask, zlibLevel: config.zlibLevel };
  let staged = true;
  if (inStagingFolder(target.stagingFd, name, () => (writeContent(config.mode, place, name, meta, payload), true)) === undefined)
    staged = false;
  return staged;
}

function headerFor(options: ScanOptions, fd: number, stat: Stat): { header: Buffer; meta: ContentMeta } {
  const xattrs = options.noXattrs ? [] : committedXattrs(options, readXattrsFd(fd));
  const meta = { ...committedOwnership(options, stat), target: "" as ByteString, xattrs };
  return { header: encodeContentHeader(meta), meta };
}

/** Not written to in the last moments, so that its times would tell if it were. */
function isAtRest(stat: Stat): boolean {
  return Date.now() - stat.ctimeSeconds * 1000 > 3000;
}

function located(error: unknown, path: ByteString): unknown {
  if (!(error instanceof RegrowError) || error.path?.includes("/") === true) return error;
  const shown = bufferOf(path).toString("utf8");
  return new RegrowError(error.code, `${shown}: ${error.message}`, { path: shown, cause: error, hint: error.hint });
}
