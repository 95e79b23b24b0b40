/**
 * Reaching what a stream names in the folder where it is unpacked: each path is opened beneath that folder and through no link,
 * and what is done to it is done to a name in an open folder.
 */
import { type ByteString, displayBytes } from "../../../base/byte-string.ts";
import { RegrowError } from "../../../base/errors.ts";
import { O, closeFd, openAt, openBeneath } from "../../../sys/open.ts";
import { S_IFREG, statAt, statFd, typeOf } from "../../../sys/stat.ts";

/** Folders that are kept open, since commands come in runs about one. */
const MOST_FOLDERS = 64;

/** A name in an open folder, which stays open while few others are asked for. */
export interface Place {
  readonly fd: number;
  readonly name: ByteString;
}

export interface OpenTree {
  readonly rootFd: number;
  /** The folder that holds the path's last piece. */
  placeOf(path: ByteString): Place;
  /** A regular file, open for reading and writing; it stays open until another one is asked for. */
  fileAt(path: ByteString): number;
  /** Forgets what was open under the path: it gets another name, or goes away. */
  forget(path: ByteString): void;
  close(): void;
}

/** Takes over `rootFd` and closes it in the end. */
export function openTree(rootFd: number): OpenTree {
  const folders = new Map<string, number>();
  let filePath: ByteString | undefined;
  let fileFd = -1;

  function folderAt(path: ByteString): number {
    if (path === "") return rootFd;
    const fd = folders.get(path) ?? openBeneath(rootFd, path, O.PATH | O.DIRECTORY);
    // A Map keeps its order: the first is the one that was not used for longest.
    folders.delete(path);
    folders.set(path, fd);
    if (folders.size > MOST_FOLDERS) dropFolder(folders.keys().next().value!);
    return fd;
  }

  function dropFolder(path: string): void {
    closeFd(folders.get(path)!);
    folders.delete(path);
  }

  function placeOf(path: ByteString): Place {
    const cut = path.lastIndexOf("/");
    return { fd: folderAt(path.slice(0, Math.max(cut, 0)) as ByteString), name: path.slice(cut + 1) as ByteString };
  }

  function dropFile(): void {
    if (fileFd >= 0) closeFd(fileFd);
    fileFd = -1;
    filePath = undefined;
  }

  return {
    rootFd,
    placeOf,
    fileAt(path) {
      if (filePath === path) return fileFd;
      dropFile();
      fileFd = openFile(placeOf(path), path, O.RDWR);
      filePath = path;
      return fileFd;
    },
    forget(path) {
      dropFile();
      for (const folder of folders.keys()) if (folder === path || folder.startsWith(`${path}/`)) dropFolder(folder);
    },
    close() {
      dropFile();
      for (const folder of [...folders.keys()]) dropFolder(folder);
      closeFd(rootFd);
    },
  };
}

/** A regular file and nothing else: to open a device or a FIFO can do something already. Throws `hostile`. */
export function openFile({ fd, name }: Place, path: ByteString, flags: number): number {
  if (typeOf(statAt(fd, name).mode) !== S_IFREG) throw noFile(path);
  const file = openAt(fd, name, flags | O.NOFOLLOW | O.NONBLOCK);
  if (typeOf(statFd(file).mode) === S_IFREG) return file;
  closeFd(file);
  throw noFile(path);
}

function noFile(path: ByteString): RegrowError {
  return new RegrowError("hostile", `Refused btrfs stream: it writes to "${displayBytes(path)}", which is no regular file.`, {
    path: displayBytes(path),
  });
}
