/** Makes a tree removable that a checkout was killed in after it had set the flags that stop every later change. */
import { chmodFd, getFlags, setFlags } from "../../sys/metadata.ts";
import { O, closeFd, openAt, openFolderHere } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { S_IFDIR, S_IFREG, statAt, statFd, typeOf } from "../../sys/stat.ts";
import { LAST_FLAGS } from "./put-flags.ts";

/** Below the open folder and on itself. A file with several names is left alone: the other may be a repository's; so is what is mounted. */
export function clearLastFlags(fd: number): void {
  clear(fd);
  if ((statFd(fd).mode & 0o700) !== 0o700) chmodFd(fd, 0o700);
  for (const { name } of readDir(fd)) {
    const { mode, nlink } = statAt(fd, name);
    const isDir = typeOf(mode) === S_IFDIR;
    if (!isDir && (typeOf(mode) !== S_IFREG || nlink > 1)) continue;
    const child = isDir ? openFolderHere(fd, name) : openAt(fd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    try {
      if (isDir) clearLastFlags(child);
      else clear(child);
    } finally {
      closeFd(child);
    }
  }
}

function clear(fd: number): void {
  const flags = getFlags(fd);
  if ((flags & LAST_FLAGS) !== 0) setFlags(fd, flags & ~LAST_FLAGS);
}
