/** How many bytes of a tree's files lie in blocks that other files have too. */
import { sharedBytes } from "../sys/holes.ts";
import { O, closeFd, openAt, openFolderHere } from "../sys/open.ts";
import { readDir } from "../sys/read-dir.ts";
import { S_IFDIR, S_IFREG, statAt, typeOf } from "../sys/stat.ts";

export interface SharedBytes {
  /** The sizes of all files, each once. */
  readonly total: number;
  readonly shared: number;
}

/** Below the open folder: a look at each file, where anything of it is not on the disk yet with a flush. Throws SystemError. */
export function measureSharing(rootFd: number): SharedBytes {
  let [total, shared] = [0, 0];
  const seen = new Set<string>();
  const look = (folderFd: number): void => {
    for (const { name } of readDir(folderFd)) {
      const { mode, size, nlink, inoHigh, inoLow } = statAt(folderFd, name);
      if (typeOf(mode) !== S_IFDIR && (typeOf(mode) !== S_IFREG || seen.has(`${inoHigh}:${inoLow}`))) continue;
      if (typeOf(mode) === S_IFREG && nlink > 1) seen.add(`${inoHigh}:${inoLow}`);
      const isFolder = typeOf(mode) === S_IFDIR;
      const fd = isFolder ? openFolderHere(folderFd, name) : openAt(folderFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
      try {
        if (isFolder) look(fd);
        else {
          total += size;
          shared += sharedBytes(fd, size);
        }
      } finally {
        closeFd(fd);
      }
    }
  };
  look(rootFd);
  return { total, shared };
}
