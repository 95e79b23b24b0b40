/** How much of a file's blocks are its own, where the file system lets files share them: FIEMAP tells (linux/fiemap.h). */
import { declare, lastErrno, lastError } from "./native.ts";

const ioctl = declare("int ioctl(int, uint64_t, void *)");

const FS_IOC_FIEMAP = 0xc020660b;
const HEADER = 32;
const EXTENT = 56;
const AT_ONCE = 64;
const FLAG_SYNC = 1;
const EXTENT_LAST = 0x1;
const EXTENT_SHARED = 0x2000;

/**
 * Bytes of the open file in extents that something else refers to as well: a reflink, a snapshot. Undefined where the file system
 * can't tell. Throws SystemError.
 */
export function sharedBytes(fd: number): number | undefined {
  const buffer = Buffer.alloc(HEADER + AT_ONCE * EXTENT);
  let shared = 0;
  for (let start = 0n; ;) {
    buffer.fill(0, 0, HEADER);
    buffer.writeBigUInt64LE(start, 0);
    buffer.writeBigUInt64LE(0xffff_ffff_ffff_ffffn - start, 8);
    buffer.writeUInt32LE(FLAG_SYNC, 16);
    buffer.writeUInt32LE(AT_ONCE, 24);
    if (ioctl(fd, FS_IOC_FIEMAP, buffer) < 0) {
      if (["EOPNOTSUPP", "ENOTTY", "ENOTSUP"].includes(lastErrno())) return undefined;
      throw lastError("ioctl FIEMAP");
    }
    const count = buffer.readUInt32LE(20);
    for (let index = 0; index < count; index++) {
      const at = HEADER + index * EXTENT;
      const length = buffer.readBigUInt64LE(at + 16);
      const flags = buffer.readUInt32LE(at + 40);
      if (flags & EXTENT_SHARED) shared += Number(length);
      if (flags & EXTENT_LAST) return shared;
      start = buffer.readBigUInt64LE(at) + length;
    }
    if (count === 0) return shared;
  }
}
