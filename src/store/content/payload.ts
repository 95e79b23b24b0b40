/** The bytes of a content object on their way in: in memory, or in an open file that is too large for that. */
import { dataExtents } from "../../sys/holes.ts";
import { readAt } from "../../sys/read-file.ts";
import { type Stat, sameVersion, statFd } from "../../sys/stat.ts";
import { beginWriteOut, cloneFile, copyRangeInKernel, truncateFd, writeAt } from "../../sys/write-file.ts";
import { type Room, takeRoom, writeWithin } from "../room.ts";

export type Payload =
  | {
      readonly kind: "memory";
      readonly data: Buffer;
      /** An open file with the same bytes, whose blocks may be shared. */
      readonly cloneFrom?: number | undefined;
      /** What that file was when `data` was read from it, where somebody else may write into it. */
      readonly cloneVersion?: Stat | undefined;
    }
  | { readonly kind: "file"; readonly fd: number; readonly size: number };

/** Files up to this many bytes are read as a whole. */
export const MEMORY_LIMIT = 32 * 1024 * 1024;
const CHUNK = 1024 * 1024;
/** Files of this size make most of a system's bytes; for smaller ones the call costs more than it brings. */
const WRITE_OUT_LEAST = 256 * 1024;

let chunk: Buffer | undefined;

export function payloadSize(payload: Payload): number {
  return payload.kind === "memory" ? payload.data.length : payload.size;
}

/** Calls `take` with the payload piece by piece; the piece is only valid during the call. Returns the count of bytes. */
export function eachChunk(fd: number, size: number, take: (piece: Buffer, position: number) => void): number {
  chunk ??= Buffer.allocUnsafe(CHUNK);
  let position = 0;
  while (position < size) {
    const count = readAt(fd, chunk, 0, Math.min(CHUNK, size - position), position);
    if (count === 0) break;
    take(chunk.subarray(0, count), position);
    position += count;
  }
  return position;
}

/** Writes the payload into an empty open file, by sharing blocks where that can be; only what can't be shared needs room. */
export function writePayload(fd: number, payload: Payload, room?: Room): void {
  if (payload.kind === "file") {
    if (tryClone(fd, payload.fd)) return;
    if (room !== undefined) takeRoom(room, payload.size);
    return copyInKernel(payload.fd, fd, payload.size);
  }
  const { cloneFrom, cloneVersion } = payload;
  if (cloneFrom !== undefined && tryClone(fd, cloneFrom)) {
    if (cloneVersion === undefined || sameVersion(cloneVersion, statFd(cloneFrom))) return;
    // Somebody has written into it since: these are not the bytes that were hashed.
    truncateFd(fd, 0);
  }
  if (payload.data.length > 0) writeWithin(room, fd, payload.data, 0);
  if (payload.data.length >= WRITE_OUT_LEAST) beginWriteOut(fd);
}

/**
 * Copies an open file of about `size` bytes, and shows `take` every byte of the copy. Returns how many the copy has: the
 * source may have grown or shrunk meanwhile.
 */
export function copyPayload(
  targetFd: number,
  sourceFd: number,
  size: number,
  take: (piece: Buffer) => void,
  room?: Room,
): number {
  if (tryClone(targetFd, sourceFd)) return eachChunk(targetFd, statFd(targetFd).size, take);
  const count = eachChunk(sourceFd, size, (piece, position) => {
    take(piece);
    if (!isZero(piece)) writeWithin(room, targetFd, piece, position);
  });
  truncateFd(targetFd, count);
  return count;
}

function tryClone(targetFd: number, sourceFd: number): boolean {
  if (hopeless.size > 0 && hopeless.has(devicesOf(targetFd, sourceFd))) return false;
  const result = cloneFile(targetFd, sourceFd);
  if (result === "impossible") hopeless.add(devicesOf(targetFd, sourceFd));
  return result === "cloned";
}

function devicesOf(targetFd: number, sourceFd: number): string {
  const target = statFd(targetFd);
  const source = statFd(sourceFd);
  return `${target.devMajor}:${target.devMinor} ${source.devMajor}:${source.devMinor}`;
}

/** Copies the stretches of data only: what is a hole in the source is one in the copy. */
function copyInKernel(sourceFd: number, targetFd: number, size: number): void {
  for (const { offset, length } of dataExtents(sourceFd, size) ?? [{ offset: 0, length: size }]) {
    const end = offset + length;
    for (let at = offset; at < end;) {
      const count = copyRangeInKernel(sourceFd, targetFd, at, Math.min(end - at, 1 << 30));
      if (count < 0) return copyByHand(sourceFd, targetFd, size);
      if (count === 0) break;
      at += count;
    }
  }
  truncateFd(targetFd, size);
}

function copyByHand(sourceFd: number, targetFd: number, size: number): void {
  eachChunk(sourceFd, size, (piece, position) => {
    if (!isZero(piece)) writeAt(targetFd, piece, position);
  });
  truncateFd(targetFd, size);
}

/** Whether the piece, which is not empty, holds nothing but zero bytes. */
export function isZero(piece: Buffer): boolean {
  if (piece[0] !== 0 || piece.at(-1) !== 0) return false;
  for (let at = 0; at < piece.length; at += CHUNK) {
    const part = piece.subarray(at, at + CHUNK);
    if (!part.equals(zeroes.subarray(0, part.length))) return false;
  }
  return true;
}

const zeroes = Buffer.alloc(CHUNK);
/** Pairs of devices between which no blocks can be shared: they would be asked for every file. */
const hopeless = new Set<string>();
