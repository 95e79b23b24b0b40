/** Extended attributes of open files, and by name where a file can't be opened (links, devices). */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { isErrno } from "../base/errors.ts";
import { c, c2 } from "./c-string.ts";
import { failPoint } from "./fail-point.ts";
import { declare, lastErrno, lastError } from "./native.ts";

const flistxattr = declare("int64_t flistxattr(int, void *, uint64_t)");
const llistxattr = declare("int64_t llistxattr(void *, void *, uint64_t)");
const fgetxattr = declare("int64_t fgetxattr(int, void *, void *, uint64_t)");
const lgetxattr = declare("int64_t lgetxattr(void *, void *, void *, uint64_t)");
const fsetxattr = declare("int fsetxattr(int, void *, void *, uint64_t, int)");
const lsetxattr = declare("int lsetxattr(void *, void *, void *, uint64_t, int)");
const fremovexattr = declare("int fremovexattr(int, void *)");
const lremovexattr = declare("int lremovexattr(void *, void *)");

export interface Xattr {
  /** Such as `user.comment`, without a trailing NUL. */
  readonly name: ByteString;
  readonly value: Buffer;
}

const names = Buffer.alloc(65536);
const values = Buffer.alloc(65536);
const NONE: readonly Xattr[] = [];

/** All attributes of an open file, sorted by name. None where the file system has no such thing. */
export function readXattrsFd(fd: number): readonly Xattr[] {
  const length = flistxattr(fd, names, names.length);
  return collect(length, (name) => fgetxattr(fd, c(name), values, values.length));
}

/** The same for `name` in the folder `dirFd`, not following a link. */
export function readXattrsAt(dirFd: number, name: ByteString): readonly Xattr[] {
  const path = throughFd(dirFd, name);
  const length = llistxattr(c(path), names, names.length);
  return collect(length, (xattr) => lgetxattr(c(path), c2(xattr), values, values.length));
}

/** One attribute of an open file, or undefined. */
export function getXattrFd(fd: number, name: string): Buffer | undefined {
  const length = fgetxattr(fd, c(name), values, values.length);
  if (length >= 0) return Buffer.from(values.subarray(0, length));
  if (isAbsent(lastErrno())) return undefined;
  throw lastError("fgetxattr", name);
}

export function setXattrFd(fd: number, name: ByteString | string, value: Uint8Array): void {
  failPoint("fsetxattr");
  if (fsetxattr(fd, c(name), value, value.length, 0) < 0) throw lastError("fsetxattr", displayBytes(name as ByteString));
}

export function setXattrAt(dirFd: number, name: ByteString, xattr: Xattr): void {
  failPoint("lsetxattr");
  const result = lsetxattr(c(throughFd(dirFd, name)), c2(xattr.name), xattr.value, xattr.value.length, 0);
  if (result < 0) throw lastError("lsetxattr", `${displayBytes(name)} (${displayBytes(xattr.name)})`);
}

/** Of an open file; that it has none of that name is no error. */
export function removeXattrFd(fd: number, name: ByteString): void {
  failPoint("fremovexattr");
  if (fremovexattr(fd, c(name)) < 0 && !isAbsent(lastErrno())) throw lastError("fremovexattr", displayBytes(name));
}

export function removeXattrAt(dirFd: number, name: ByteString, xattr: ByteString): void {
  failPoint("lremovexattr");
  if (lremovexattr(c(throughFd(dirFd, name)), c2(xattr)) < 0 && !isAbsent(lastErrno())) {
    throw lastError("lremovexattr", `${displayBytes(name)} (${displayBytes(xattr)})`);
  }
}

/** True where the error says that the file system keeps no such attributes. */
export function isXattrUnsupported(error: unknown): boolean {
  return isErrno(error, "EOPNOTSUPP", "ENOTSUP");
}

// The *at family has no calls for attributes before Linux 6.13; the folder's descriptor stands for its path.
function throughFd(dirFd: number, name: ByteString): string {
  return `/proc/self/fd/${dirFd}/${name}`;
}

function collect(length: number, get: (name: ByteString) => number): readonly Xattr[] {
  if (length === 0) return NONE;
  if (length < 0) {
    if (isAbsent(lastErrno())) return NONE;
    throw lastError("listxattr");
  }
  const found: Xattr[] = [];
  const list = names.toString("latin1", 0, length - 1).split("\0") as ByteString[];
  for (const name of list) {
    const size = get(name);
    // An attribute that went away between the two calls is none.
    if (size >= 0) found.push({ name, value: Buffer.from(values.subarray(0, size)) });
    else if (!isAbsent(lastErrno())) throw lastError("getxattr", displayBytes(name));
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function isAbsent(errno: string): boolean {
  return errno === "ENODATA" || errno === "EOPNOTSUPP" || errno === "ENOTSUP";
}
