/** Writing bytes into open files. */
import { displayBytes, type ByteString } from "../base/byte-string.ts";
import { failPoint } from "./fail-point.ts";
import { declare, lastErrno, lastError } from "./native.ts";

const pwrite = declare("int64_t pwrite(int, void *, uint64_t, int64_t)");
const ftruncate = declare("int ftruncate(int, int64_t)");
const ioctlInt = declare("int ioctl(int, uint64_t, int64_t)");
const copyRange = declare("int64_t copy_file_range(int, void *, int, void *, uint64_t, unsigned int)");

const syncRange = declare("int sync_file_range(int, int64_t, int64_t, unsigned int)");

const FICLONE = 0x40049409;
const SYNC_FILE_RANGE_WRITE = 2;

/** Writes all of `data` at `position`. Throws SystemError (ENOSPC, EIO …). */
export function writeAt(fd: number, data: Uint8Array, position: number, path?: ByteString): void {
  failPoint("pwrite", path);
  for (let done = 0; done < data.length;) {
    const rest = data.subarray(done);
    const count = pwrite(fd, rest, rest.length, position + done);
    if (count < 0) throw lastError("pwrite", path === undefined ? undefined : displayBytes(path));
    done += count;
  }
}

/**
 * Lets the disk begin with what was written to the file, without waiting for it: the flush that makes it durable finds less to do.
 * Whatever is wrong with the disk, that flush will tell.
 */
export function beginWriteOut(fd: number): void {
  syncRange(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/** Sets the size; what is added reads as zeroes and takes no space. */
export function truncateFd(fd: number, size: number): void {
  failPoint("ftruncate");
  if (ftruncate(fd, size) < 0) throw lastError("ftruncate");
}

/** `impossible` for this pair of file systems at all, `refused` for this pair of files (one is marked `+C`, or in use). */
export type CloneResult = "cloned" | "refused" | "impossible";

/** Makes `targetFd` share all blocks of `sourceFd`. Throws SystemError for a full disk and the like. */
export function cloneFile(targetFd: number, sourceFd: number): CloneResult {
  failPoint("ficlone");
  if (ioctlInt(targetFd, FICLONE, sourceFd) === 0) return "cloned";
  const errno = lastErrno();
  if (["EOPNOTSUPP", "ENOTSUP", "EXDEV", "ENOTTY", "ENOSYS"].includes(errno)) return "impossible";
  if (["EINVAL", "ETXTBSY", "EPERM", "EBADF"].includes(errno)) return "refused";
  throw lastError("ioctl FICLONE");
}

/** Copies a range inside the kernel. Returns the count, 0 at the end of the source, -1 where the kernel can't. */
export function copyRangeInKernel(sourceFd: number, targetFd: number, position: number, length: number): number {
  failPoint("copy_file_range");
  const from = offset(position, 0);
  const to = offset(position, 8);
  return copyRange(sourceFd, from, targetFd, to, length, 0);
}

const offsets = Buffer.alloc(16);

function offset(position: number, at: 0 | 8): Buffer {
  offsets.writeBigInt64LE(BigInt(position), at);
  return offsets.subarray(at, at + 8);
}
