/** What is at a path, as somebody sees it for whom an open folder is the root folder: nothing is opened for reading. */
import type { ByteString } from "../base/byte-string.ts";
import { isErrno } from "../base/errors.ts";
import { O, closeFd, openInRoot } from "./open.ts";
import { type Stat, statFd } from "./stat.ts";

/** Links are followed, and none leads out. Undefined where nothing is there. Throws SystemError: EACCES, ELOOP … */
export function tryStatInRoot(rootFd: number, path: ByteString | string): Stat | undefined {
  let fd: number;
  try {
    fd = openInRoot(rootFd, path, O.PATH);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
  try {
    return statFd(fd);
  } finally {
    closeFd(fd);
  }
}
