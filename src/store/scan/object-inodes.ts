/**
 * The repository's own files by inode: a file of the tree that is a hard link to one (from a checkout with `-H`) need not be
 * read to know what it is. Good as long as nobody has written into it, which a checkout with `-H` forbids anyway.
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { parseLooseName } from "../../codec/ostree/object-name.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { type Stat, statAt } from "../../sys/stat.ts";
import type { Repository } from "../repository.ts";

export type ObjectInodes = ReadonlyMap<string, Checksum>;

/** Undefined for mode archive, whose objects are no files that a tree could hold. */
export function readObjectInodes(repository: Repository): ObjectInodes | undefined {
  if (repository.config.mode === "archive") return undefined;
  const inodes = new Map<string, Checksum>();
  for (const folder of readDir(repository.objectsFd)) {
    const fd = openAt(repository.objectsFd, folder.name, O.RDONLY | O.DIRECTORY);
    try {
      for (const { name } of readDir(fd)) {
        const object = parseLooseName(folder.name, name);
        if (object?.kind === "file") inodes.set(inodeKey(statAt(fd, name)), object.checksum);
      }
    } finally {
      closeFd(fd);
    }
  }
  return inodes;
}

/** The object that the file is a link to. */
export function objectOfInode(inodes: ObjectInodes, stat: Stat): Checksum | undefined {
  return stat.nlink < 2 ? undefined : inodes.get(inodeKey(stat));
}

function inodeKey(stat: Stat): string {
  return `${stat.devMajor}:${stat.devMinor}:${stat.inoHigh}:${stat.inoLow}`;
}
