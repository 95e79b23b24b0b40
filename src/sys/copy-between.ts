/** Copying a stretch of one file into another, sharing its blocks where the file system can. */
import { failPoint } from "./fail-point.ts";
import { declare, lastErrno, lastError } from "./native.ts";
import { readAt } from "./read-file.ts";
import { writeAt } from "./write-file.ts";

const copyRange = declare("int64_t copy_file_range(int, void *, int, void *, uint64_t, unsigned int)");

const NOT_IN_KERNEL = ["EXDEV", "EINVAL", "ENOSYS", "EOPNOTSUPP", "ENOTSUP", "EBADF", "ETXTBSY"];
const PIECE = 1024 * 1024;

export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** Copies the stretch; the files may be one. Returns the bytes copied, fewer only where the source ends. Throws SystemError. */
export function copyBetween(sourceFd: number, targetFd: number, { from, to, length }: Stretch): number {
  let done = 0;
  while (done < length) {
    failPoint("copy_file_range");
    const count = copyRange(sourceFd, offset(from + done, 0), targetFd, offset(to + done, 8), length - done, 0);
    if (count === 0) return done;
    if (count > 0) done += count;
    else if (NOT_IN_KERNEL.includes(lastErrno()))
      return done + copyBytes(sourceFd, targetFd, from + done, to + done, length - done);
    else throw lastError("copy_file_range");
  }
  return done;
}

function copyBytes(sourceFd: number, targetFd: number, from: number, to: number, length: number): number {
  const buffer = Buffer.allocUnsafe(Math.min(PIECE, length));
  let done = 0;
  while (done < length) {
    const count = readAt(sourceFd, buffer, 0, Math.min(buffer.length, length - done), from + done);
    if (count === 0) break;
    writeAt(targetFd, buffer.subarray(0, count), to + done);
    done += count;
  }
  return done;
}

const offsets = Buffer.alloc(16);

function offset(position: number, at: 0 | 8): Buffer {
  offsets.writeBigInt64LE(BigInt(position), at);
  return offsets.subarray(at, at + 8);
}
