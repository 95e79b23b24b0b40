/**
 * Where a file has data and where it has holes. There are two answers: `dataExtents` never takes data for a hole, but what was
 * reserved and never written counts as data while it happens to be in memory; `writtenExtents` is the same at all times.
 */
import { declare, lastErrno, lastError } from "./native.ts";

const lseek = declare("int64_t lseek(int, int64_t, int)");
const ioctl = declare("int ioctl(int, uint64_t, void *)");
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const FS_IOC_FIEMAP = 0xc020660b;
const FIEMAP_FLAG_SYNC = 1;
const FIEMAP_EXTENT_UNWRITTEN = 0x800;
const FIEMAP_EXTENT_SHARED = 0x2000;
/** Unknown, not allocated yet, packed, not aligned, inline, or the tail of several files in one block. */
const FIEMAP_PLACE_UNSURE = 0x2 | 0x4 | 0x8 | 0x100 | 0x200 | 0x400;
const FIEMAP_HEADER = 32;
const FIEMAP_EXTENT = 56;
const EXTENTS_AT_ONCE = 32;

/** A stretch of data, in bytes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** The stretches of data of an open file of `size` bytes, in order, by SEEK_DATA and SEEK_HOLE; undefined where it has no hole. */
export function dataExtents(fd: number, size: number): Extent[] | undefined {
  if (size === 0) return undefined;
  const firstHole = lseek(fd, 0, SEEK_HOLE);
  // A file system that knows no holes answers with the end of the file or refuses.
  if (firstHole < 0 || firstHole >= size) return undefined;
  const extents: Extent[] = [];
  for (let at = 0; at < size;) {
    const data = lseek(fd, at, SEEK_DATA);
    const hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
    // No data any more; or the file has just become shorter.
    if (hole < 0 && lastErrno() === "ENXIO") break;
    if (hole < 0) throw lastError("lseek");
    const end = Math.min(hole, size);
    extents.push({ offset: data, length: end - data });
    at = end;
  }
  return extents;
}

/**
 * The stretches that were ever written, by FIEMAP; undefined where that is the whole file. A file with holes is flushed first,
 * for what waits in memory has no place yet. Where the file system has no such map, what `dataExtents` says.
 */
export function writtenExtents(fd: number, size: number): Extent[] | undefined {
  if (size === 0) return undefined;
  const now = mappedExtents(fd, size, 0);
  if (now === "unknown") return dataExtents(fd, size);
  if (isWhole(now, size)) return undefined;
  const flushed = mappedExtents(fd, size, FIEMAP_FLAG_SYNC);
  if (flushed === "unknown") return dataExtents(fd, size);
  return isWhole(flushed, size) ? undefined : flushed;
}

/**
 * Where on the disk the file is, by FIEMAP: two files with the same answer share all of their blocks. Undefined where a place is not
 * known, or stands for something else than the bytes themselves. What waits in memory is flushed.
 */
export function physicalExtents(fd: number, size: number): string | undefined {
  const places: string[] = [];
  for (let at = 0; at < size;) {
    if (!readMap(fd, at, size, FIEMAP_FLAG_SYNC)) return undefined;
    const count = map.readUInt32LE(20);
    for (let index = 0; index < count; index++) {
      const extent = FIEMAP_HEADER + index * FIEMAP_EXTENT;
      const flags = map.readUInt32LE(extent + 40);
      if ((flags & FIEMAP_PLACE_UNSURE) !== 0) return undefined;
      const start = map.readBigUInt64LE(extent);
      const length = map.readBigUInt64LE(extent + 16);
      places.push(`${start}+${length}@${map.readBigUInt64LE(extent + 8)}:${flags & FIEMAP_EXTENT_UNWRITTEN}`);
      at = Number(start + length);
    }
    if (count < EXTENTS_AT_ONCE) break;
  }
  return places.length === 0 ? undefined : places.join(" ");
}

/** Bytes of the file that other files share with it, by FIEMAP; 0 where the file system doesn't tell. */
export function sharedBytes(fd: number, size: number): number {
  let shared = 0;
  for (let at = 0; at < size && readMap(fd, at, size, FIEMAP_FLAG_SYNC);) {
    const count = map.readUInt32LE(20);
    for (let index = 0; index < count; index++) {
      const extent = FIEMAP_HEADER + index * FIEMAP_EXTENT;
      const start = Number(map.readBigUInt64LE(extent));
      const end = Math.min(start + Number(map.readBigUInt64LE(extent + 16)), size);
      if ((map.readUInt32LE(extent + 40) & FIEMAP_EXTENT_SHARED) !== 0) shared += Math.max(end - start, 0);
      at = end;
    }
    if (count < EXTENTS_AT_ONCE) break;
  }
  return shared;
}

function isWhole(extents: readonly Extent[], size: number): boolean {
  return extents.length === 1 && extents[0]!.offset === 0 && extents[0]!.length === size;
}

/** Neighbours are joined, so that it does not matter how a file is scattered over the disk. */
function mappedExtents(fd: number, size: number, flags: number): Extent[] | "unknown" {
  const extents: Extent[] = [];
  for (let at = 0; at < size;) {
    if (!readMap(fd, at, size, flags)) return "unknown";
    const count = map.readUInt32LE(20);
    for (let index = 0; index < count; index++) at = takeExtent(extents, FIEMAP_HEADER + index * FIEMAP_EXTENT, size);
    if (count < EXTENTS_AT_ONCE) break;
  }
  return extents;
}

/** The next extents from `at` on, into `map`. */
function readMap(fd: number, at: number, size: number, flags: number): boolean {
  map.fill(0, 0, FIEMAP_HEADER);
  map.writeBigUInt64LE(BigInt(at), 0);
  map.writeBigUInt64LE(BigInt(size - at), 8);
  map.writeUInt32LE(flags, 16);
  map.writeUInt32LE(EXTENTS_AT_ONCE, 24);
  return ioctl(fd, FS_IOC_FIEMAP, map) >= 0;
}

function takeExtent(extents: Extent[], at: number, size: number): number {
  const start = Number(map.readBigUInt64LE(at));
  const end = Math.min(start + Number(map.readBigUInt64LE(at + 16)), size);
  if ((map.readUInt32LE(at + 40) & FIEMAP_EXTENT_UNWRITTEN) !== 0 || start >= end) return end;
  const last = extents.at(-1);
  const offset = last !== undefined && last.offset + last.length >= start ? extents.pop()!.offset : start;
  extents.push({ offset, length: end - offset });
  return end;
}

const map = Buffer.alloc(FIEMAP_HEADER + EXTENTS_AT_ONCE * FIEMAP_EXTENT);
