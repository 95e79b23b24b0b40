/** Taking space for a file before it is written, and giving it back in the middle of one. */
import { failPoint } from "./fail-point.ts";
import { declare, lastErrno, lastError } from "./native.ts";

const fallocate = declare("int fallocate(int, int, int64_t, int64_t)");

export const ALLOCATE = { keepSize: 1, punchHole: 2 } as const;

/** fallocate(2). False where the file system has no such thing. Throws SystemError. */
export function allocate(fd: number, mode: number, offset: number, length: number): boolean {
  failPoint("fallocate");
  if (fallocate(fd, mode, offset, length) === 0) return true;
  if (["EOPNOTSUPP", "ENOTSUP", "ENOSYS"].includes(lastErrno())) return false;
  throw lastError("fallocate");
}
