/** The holes of a file that need not be read, because the stat cache knows it. */
import type { ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import type { Stretch } from "../../codec/sidecar/folder-record.ts";
import { writtenExtents } from "../../sys/holes.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { type Stat, sameVersion, statFd } from "../../sys/stat.ts";

/** What opening a file says that went away, or gave way to something else, since its folder was read. */
export const GONE = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV"];

/** Holes are a hint: of a file that has changed since, none are told. */
export function holesOf(dirFd: number, name: ByteString, stat: Stat): readonly Stretch[] | undefined {
  let fd = -1;
  try {
    fd = openAt(dirFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    const data = writtenExtents(fd, stat.size);
    return sameVersion(stat, statFd(fd)) ? data : undefined;
  } catch (error) {
    if (isErrno(error, ...GONE)) return undefined;
    throw error;
  } finally {
    if (fd >= 0) closeFd(fd);
  }
}
