/** A file on disk as content, with the metadata that a commit would give it. */
import { EMPTY, type ByteString } from "../../base/byte-string.ts";
import { O, closeFd, openAt, openBeneath } from "../../sys/open.ts";
import { readLinkAt } from "../../sys/read-file.ts";
import { S_IFLNK, statAt, statFd, typeOf } from "../../sys/stat.ts";
import { readXattrsAt, readXattrsFd } from "../../sys/xattr.ts";
import type { OpenContent } from "../content/open-content.ts";
import { type ScanOptions, committedOwnership, committedXattrs } from "./scan-options.ts";

/** Throws SystemError. */
export function openOnDisk(rootFd: number, path: ByteString, options: ScanOptions): OpenContent {
  const slash = path.lastIndexOf("/");
  const dirFd = openBeneath(rootFd, path.slice(0, Math.max(0, slash)) as ByteString, O.RDONLY | O.DIRECTORY);
  try {
    const name = path.slice(slash + 1) as ByteString;
    const stat = statAt(dirFd, name);
    if (typeOf(stat.mode) === S_IFLNK) {
      const xattrs = committedXattrs(options, readXattrsAt(dirFd, name));
      return {
        meta: { ...committedOwnership(options, stat), target: readLinkAt(dirFd, name), xattrs },
        size: 0,
        fd: -1,
        start: 0,
        deflated: false,
      };
    }
    const fd = openAt(dirFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    const opened = statFd(fd);
    const xattrs = committedXattrs(options, readXattrsFd(fd));
    return {
      meta: { ...committedOwnership(options, opened), target: EMPTY, xattrs },
      size: opened.size,
      fd,
      start: 0,
      deflated: false,
    };
  } finally {
    closeFd(dirFd);
  }
}
