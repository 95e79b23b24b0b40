/** Where a file that is known already has its data, and what it means when it is not there any more. */
import type { ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import type { Stretch } from "../../codec/sidecar/folder-record.ts";
import { dataExtents } from "../../sys/holes.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { type Stat, sameVersion, statFd } from "../../sys/stat.ts";

/** Whether a system call says that the name went away, or gave way to something else, since it was listed. */
export function isGone(error: unknown): boolean {
  return isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV");
}

/** Holes are a hint: of a file that has changed since, none are told. */
export function readHoles(dirFd: number, name: ByteString, stat: Stat): readonly Stretch[] | undefined {
  let fd = -1;
  try {
    fd = openAt(dirFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    const data = dataExtents(fd, stat.size);
    return sameVersion(stat, statFd(fd)) ? data : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  } finally {
    if (fd >= 0) closeFd(fd);
  }
}
