/** The names in a folder, as bytes, by getdents64. */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { isErrno } from "../base/errors.ts";
import { declare, lastError } from "./native.ts";
import { O, closeFd, openInRoot } from "./open.ts";

const getdents64 = declare("int64_t getdents64(int, void *, uint64_t)");
const lseek = declare("int64_t lseek(int, int64_t, int)");
const buffer = Buffer.alloc(256 * 1024);

export interface DirEntry {
  readonly name: ByteString;
  /** The kernel's d_type: 4 folder, 8 file, 10 link, 0 where the file system doesn't tell. */
  readonly type: number;
}

/** All entries of the open folder `fd` but `.` and `..`, in the file system's order. Throws SystemError. */
export function readDir(fd: number, path?: ByteString): DirEntry[] {
  lseek(fd, 0, 0);
  const entries: DirEntry[] = [];
  for (;;) {
    const length = getdents64(fd, buffer, buffer.length);
    if (length < 0) throw lastError("getdents64", path === undefined ? undefined : displayBytes(path));
    if (length === 0) return entries;
    for (let at = 0; at < length;) {
      const recordLength = buffer[at + 16]! | (buffer[at + 17]! << 8);
      const name = buffer.toString("latin1", at + 19, buffer.indexOf(0, at + 19)) as ByteString;
      if (name !== "." && name !== "..") entries.push({ name, type: buffer[at + 18]! });
      at += recordLength;
    }
  }
}

/** The names in a folder, as somebody sees it for whom `rootFd` is the root folder; none where there is no such folder. */
export function listInRoot(rootFd: number, path: ByteString | string): ByteString[] {
  let fd: number;
  try {
    fd = openInRoot(rootFd, path, O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
  try {
    return readDir(fd).map(({ name }) => name);
  } finally {
    closeFd(fd);
  }
}
