/** The bytes of a content object on their way in: in memory, or in an open file that is too large for that. */
import { readAt } from "../../sys/read-file.ts";
import { cloneFile, copyRangeInKernel, writeAt } from "../../sys/write-file.ts";

export type Payload =
  | { readonly kind: "memory"; readonly data: Buffer; /** An open file with the same bytes, whose blocks may be shared. */ readonly cloneFrom?: number | undefined }
  | { readonly kind: "file"; readonly fd: number; readonly size: number };

/** Files up to this many bytes are read as a whole. */
export const MEMORY_LIMIT = 8 * 1024 * 1024;
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
  if (payload.kind === "memory") {
    if (payload.cloneFrom !== undefined && cloneFile(fd, payload.cloneFrom)) return;
    if (payload.data.length > 0) writeAt(fd, payload.data, 0);
    return;
  }
  if (!cloneFile(fd, payload.fd)) copyFile(payload.fd, fd, payload.size);
}

function copyFile(sourceFd: number, targetFd: number, size: number): void {
  for (let done = 0; done < size; ) {
    const count = copyRangeInKernel(sourceFd, targetFd, done, Math.min(size - done, 1 << 30));
    if (count < 0) {
      eachChunk(sourceFd, size, (piece, position) => writeAt(targetFd, piece, position));
      return;
    }
    if (count === 0) return;
    done += count;
  }
}
