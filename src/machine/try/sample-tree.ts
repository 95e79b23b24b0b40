/** A copy of a part of this machine that everybody may read, to play with. What may not be read is left out. */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import { chmodFd, setTimeFd } from "../../sys/metadata.ts";
import { makeDirAt, symlinkAt } from "../../sys/names.ts";
import { CWD, O, closeFd, openAt, tryOpenAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readAt, readLinkAt } from "../../sys/read-file.ts";
import { type Stat, S_IFDIR, S_IFLNK, S_IFREG, statFd, tryStatAt, typeOf } from "../../sys/stat.ts";
import { writeAt } from "../../sys/write-file.ts";

export interface Sample {
  /** The folders that were copied. */
  readonly from: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** Entries that could not be read, or were too many or too large. */
  readonly leftOut: number;
}

const SOURCES = ["/etc", "/usr/share/doc"];
/** Fewer are no sample. */
const ENOUGH_FILES = 200;
const MOST_FILES = 5000;
const MOST_BYTES = 100_000_000;

interface Copy {
  files: number;
  bytes: number;
  leftOut: number;
}

/** Fills the folder `targetFd`. */
export function copySample(targetFd: number): Sample {
  const copy: Copy = { files: 0, bytes: 0, leftOut: 0 };
  const from: string[] = [];
  for (const source of SOURCES) {
    if (copy.files >= ENOUGH_FILES) break;
    const sourceFd = tryOpenAt(CWD, source, O.RDONLY | O.DIRECTORY);
    if (sourceFd < 0) continue;
    from.push(source);
    const name = bytesOf(source.slice(source.lastIndexOf("/") + 1));
    copyFolder(copy, sourceFd, targetFd, name);
    closeFd(sourceFd);
  }
  return { from, ...copy };
}

/** Makes the folder `name` in `parentFd` like the one that `sourceFd` is. */
function copyFolder(copy: Copy, sourceFd: number, parentFd: number, name: ByteString): void {
  makeDirAt(parentFd, name, 0o700);
  const targetFd = openAt(parentFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  try {
    const names = readDir(sourceFd).map((entry) => entry.name);
    for (const entry of names.sort()) copyEntry(copy, sourceFd, targetFd, entry);
    const stat = statFd(sourceFd);
    chmodFd(targetFd, (stat.mode & 0o777) | 0o700);
    setTimeFd(targetFd, { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds });
  } finally {
    closeFd(targetFd);
  }
}

function copyEntry(copy: Copy, sourceFd: number, targetFd: number, name: ByteString): void {
  const stat = tryStatAt(sourceFd, name);
  if (stat === undefined) return;
  const type = typeOf(stat.mode);
  if (copy.files >= MOST_FILES || copy.bytes + stat.size > MOST_BYTES) copy.leftOut++;
  else if (type === S_IFLNK) symlinkAt(readLinkAt(sourceFd, name), targetFd, name);
  else if (type === S_IFREG || type === S_IFDIR) copyReadable(copy, sourceFd, targetFd, name, stat);
  else copy.leftOut++;
}

function copyReadable(copy: Copy, sourceFd: number, targetFd: number, name: ByteString, stat: Stat): void {
  const isFolder = typeOf(stat.mode) === S_IFDIR;
  const fd = openReadable(sourceFd, name, isFolder ? O.DIRECTORY : O.NONBLOCK);
  if (fd === undefined) {
    copy.leftOut++;
    return;
  }
  try {
    if (isFolder) copyFolder(copy, fd, targetFd, name);
    else copyFile(copy, fd, targetFd, name, stat);
  } finally {
    closeFd(fd);
  }
}

function copyFile(copy: Copy, sourceFd: number, targetFd: number, name: ByteString, stat: Stat): void {
  const data = Buffer.alloc(stat.size);
  const length = readAt(sourceFd, data, 0, data.length, 0);
  const fd = openAt(targetFd, name, O.WRONLY | O.CREAT | O.EXCL, 0o600);
  try {
    if (length > 0) writeAt(fd, data.subarray(0, length), 0);
    chmodFd(fd, (stat.mode & 0o777) | 0o400);
    setTimeFd(fd, { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds });
  } finally {
    closeFd(fd);
  }
  copy.files++;
  copy.bytes += length;
}

function openReadable(dirFd: number, name: ByteString, flags: number): number | undefined {
  try {
    return openAt(dirFd, name, O.RDONLY | O.NOFOLLOW | flags);
  } catch (error) {
    if (isErrno(error, "EACCES", "EPERM", "ENOENT", "ELOOP", "ENOTDIR")) return undefined;
    throw error;
  }
}
