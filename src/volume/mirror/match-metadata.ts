/** Owners, access, attributes and times of a mirrored entry, set only where they differ: to a change stream nothing has happened else. */
import type { ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import { chmodFd, chownAt, chownFd, setTimeAt, setTimeFd } from "../../sys/metadata.ts";
import { type Stat, statAt, statFd } from "../../sys/stat.ts";
import { readXattrsFd, removeXattrFd, setXattrFd } from "../../sys/xattr.ts";

/** What a file system can hold. */
export interface Keeping {
  /** Owners, modes and attributes. */
  readonly owners: boolean;
  readonly links: boolean;
}

export const KEEPS_ALL: Keeping = { owners: true, links: true };
/** vfat and its kin. */
export const KEEPS_CONTENTS: Keeping = { owners: false, links: false };

/** Of two open files or folders; of folders when nothing in them changes any more. Throws SystemError. */
export function matchOpen(sourceFd: number, targetFd: number, keeping: Keeping): void {
  const from = statFd(sourceFd);
  if (keeping.owners) {
    matchAttributes(sourceFd, targetFd);
    const to = statFd(targetFd);
    if (from.uid !== to.uid || from.gid !== to.gid) chownFd(targetFd, from.uid, from.gid);
    if ((from.mode & 0o7777) !== (statFd(targetFd).mode & 0o7777)) chmodFd(targetFd, from.mode & 0o7777);
  }
  const to = statFd(targetFd);
  if (!sameTime(from, to)) setTimeFd(targetFd, timeOf(from));
}

export function matchLink(from: Stat, folderFd: number, name: ByteString): void {
  const to = statAt(folderFd, name);
  if (from.uid !== to.uid || from.gid !== to.gid) chownAt(folderFd, name, from.uid, from.gid);
  if (!sameTime(from, to)) setTimeAt(folderFd, name, timeOf(from));
}

/** Moves the time of its last change to now, and nothing else. */
export function touchFd(fd: number, stat: Stat): void {
  setTimeFd(fd, timeOf(stat));
}

function matchAttributes(sourceFd: number, targetFd: number): void {
  const before = new Map(readXattrsFd(targetFd).map(({ name, value }) => [name, value]));
  for (const { name, value } of readXattrsFd(sourceFd)) {
    if (before.get(name)?.equals(value) !== true) tolerating(() => setXattrFd(targetFd, name, value));
    before.delete(name);
  }
  for (const name of before.keys()) tolerating(() => removeXattrFd(targetFd, name));
}

/** Labels of a machine's own kernel are its own business. */
function tolerating(set: () => void): void {
  try {
    set();
  } catch (error) {
    if (!isErrno(error, "EPERM", "EOPNOTSUPP", "EINVAL", "EACCES")) throw error;
  }
}

function sameTime(a: Stat, b: Stat): boolean {
  return a.mtimeSeconds === b.mtimeSeconds && a.mtimeNanoseconds === b.mtimeNanoseconds;
}

function timeOf({ mtimeSeconds, mtimeNanoseconds }: Stat): { seconds: number; nanoseconds: number } {
  return { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds };
}
