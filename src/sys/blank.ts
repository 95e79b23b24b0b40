/** Whether a file or disk holds anything but zeroes. */
import { throwIfCancelled } from "../base/errors.ts";
import { dataExtents } from "./holes.ts";
import { readAt } from "./read-file.ts";

const CHUNK = 1 << 20;

/** Reads the data (never the holes) of `size` bytes, until the first byte that isn't zero. */
export function isBlank(fd: number, size: number, signal?: AbortSignal): boolean {
  const chunk = Buffer.allocUnsafe(CHUNK);
  const zeroes = Buffer.alloc(CHUNK);
  for (const extent of dataExtents(fd, size) ?? [{ offset: 0, length: size }]) {
    for (let done = 0; done < extent.length;) {
      throwIfCancelled(signal);
      const count = readAt(fd, chunk, 0, Math.min(CHUNK, extent.length - done), extent.offset + done);
      if (count === 0) return true;
      if (chunk.compare(zeroes, 0, count, 0, count) !== 0) return false;
      done += count;
    }
  }
  return true;
}
