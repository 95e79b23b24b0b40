/** The times of the last access and of the last change of content, each with a value of its own. */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { c } from "./c-string.ts";
import { failPoint } from "./fail-point.ts";
import type { Time } from "./metadata.ts";
import { declare, lastError } from "./native.ts";

const utimensat = declare("int utimensat(int, void *, void *, int)");
const futimens = declare("int futimens(int, void *)");

const AT_SYMLINK_NOFOLLOW = 0x100;

/** Not following a link. */
export function setTimesAt(dirFd: number, name: ByteString, atime: Time, mtime: Time): void {
  failPoint("utimensat", name);
  if (utimensat(dirFd, c(name), timespecs(atime, mtime), AT_SYMLINK_NOFOLLOW) < 0)
    throw lastError("utimensat", displayBytes(name));
}

export function setTimesFd(fd: number, atime: Time, mtime: Time): void {
  failPoint("futimens");
  if (futimens(fd, timespecs(atime, mtime)) < 0) throw lastError("futimens");
}

const times = Buffer.alloc(32);

function timespecs(...both: readonly [Time, Time]): Buffer {
  for (const [index, { seconds, nanoseconds }] of both.entries()) {
    times.writeBigInt64LE(BigInt(seconds), index * 16);
    times.writeBigInt64LE(BigInt(nanoseconds), index * 16 + 8);
  }
  return times;
}
