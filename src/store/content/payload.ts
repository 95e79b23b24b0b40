/** The bytes of a content object on their way in: in memory, or in an open file that is too large for that. */
import { dataExtents } from "../../sys/holes.ts";
import { readAt } from "../../sys/read-file.ts";
import { cloneFile, copyRangeInKernel, truncateFd, writeAt } from "../../sys/write-file.ts";

export type Payload =
  | {
      readonly kind: "memory";
      readonly data: Buffer;
      /** An open file with the same bytes, whose blocks may be shared. */ readonly cloneFrom?: number | undefined;
    }
  | { readonly kind: "file"; readonly fd: number; readonly size: number };

/** Files up to this many bytes are read as a whole. */
export const MEMORY_LIMIT = 32 * 1024 * 1024;
const CHUNK = 1024 * 1024;

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

/** Writes the payload into an empty open file, by sharing blocks where that can be. */
export function writePayload(fd: number, payload: Payload): void {
  if (payload.kind === "file") {
    if (!tryClone(fd, payload.fd)) copyInKernel(payload.fd, fd, payload.size);
    return;
  }
  if (payload.cloneFrom !== undefined && tryClone(fd, payload.cloneFrom)) return;
  if (payload.data.length > 0) writeAt(fd, payload.data, 0);
}

/** Copies an open file and shows `take` every byte that was written. True where blocks were shared and nothing was shown. */
export function copyPayload(targetFd: number, sourceFd: number, size: number, take: (piece: Buffer) => void): boolean {
  if (tryClone(targetFd, sourceFd)) return true;
  eachChunk(sourceFd, size, (piece, position) => {
    take(piece);
    if (!isZero(piece)) writeAt(targetFd, piece, position);
  });
  truncateFd(targetFd, size);
  return false;
}

function tryClone(targetFd: number, sourceFd: number): boolean {
  if (!canClone) return false;
  const result = cloneFile(targetFd, sourceFd);
  if (result === "impossible") canClone = false;
  return result === "cloned";
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

export function isZero(piece: Buffer): boolean {
  return piece[0] === 0 && piece.at(-1) === 0 && piece.equals(zeroes.subarray(0, piece.length));
}

const zeroes = Buffer.alloc(CHUNK);
/** Whether sharing blocks has worked so far in this thread: a file system that can't would be asked for every file. */
let canClone = true;
