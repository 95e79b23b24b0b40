/** Where a file has data and where it has holes, by SEEK_DATA and SEEK_HOLE. */
import { declare, lastErrno, lastError } from "./native.ts";

const lseek = declare("int64_t lseek(int, int64_t, int)");
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** A stretch of data, in bytes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** The stretches of data of an open file of `size` bytes, in order; undefined where it has no hole. */
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
