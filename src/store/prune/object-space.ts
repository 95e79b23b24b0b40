/**
 * What objects take on disk, and so what comes free without them, with its error. `most` counts all their blocks. `least` leaves out the
 * blocks that they share with other files (a snapshot beside the repository, a checkout by reflink): those come free only when the last
 * one lets go of them. A file with other names counts for nothing. The file system's own books (folders, inodes, what btrfs packs into
 * its trees) are in neither, and what is compressed takes less than its blocks say.
 */
import type { ObjectName } from "../../codec/ostree/object-name.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { O, closeFd, tryOpenAt } from "../../sys/open.ts";
import { sharedBytes } from "../../sys/shared-blocks.ts";
import { canShareBlocks, spaceOf } from "../../sys/space.ts";
import { S_IFREG, tryStatAt, typeOf } from "../../sys/stat.ts";
import { objectFile } from "../object-files.ts";
import type { Repository } from "../repository.ts";

/** Bytes on disk. */
export interface SpaceBounds {
  readonly least: number;
  readonly most: number;
}

export const NO_SPACE: SpaceBounds = { least: 0, most: 0 };

export function addSpace(a: SpaceBounds, b: SpaceBounds): SpaceBounds {
  return { least: a.least + b.least, most: a.most + b.most };
}

export interface MeasureOptions {
  /** Without it `least` is `most`. */
  readonly lookForSharing: boolean;
}

/** Throws SystemError. */
export function measureObjects(
  repository: Repository,
  objects: Iterable<ObjectName>,
  { lookForSharing }: MeasureOptions,
): SpaceBounds {
  const mayShare = lookForSharing && canShareBlocks(repository.fd);
  let least = 0;
  let most = 0;
  for (const { kind, checksum } of objects) {
    const name = objectFile(repository, kind, checksum);
    const stat = tryStatAt(repository.objectsFd, name);
    // A file with other names, from a checkout by hard links, frees nothing.
    if (stat === undefined || stat.nlink > 1) continue;
    const bytes = stat.blocks * 512;
    most += bytes;
    // Only content is ever copied by reference; regrow writes all else itself.
    const isLooked = mayShare && kind === "file" && bytes > 0 && typeOf(stat.mode) === S_IFREG;
    least += isLooked ? Math.max(0, bytes - sharedBytesAt(repository.objectsFd, name)) : bytes;
  }
  return { least, most };
}

/** Free bytes of the file system, after it has done what it had put off. */
export function settledFreeBytes(repository: Repository): number {
  syncFileSystem(repository.fd);
  return spaceOf(repository.fd).available;
}

function sharedBytesAt(dirFd: number, name: string): number {
  const fd = tryOpenAt(dirFd, name, O.RDONLY | O.NOFOLLOW);
  if (fd < 0) return 0;
  try {
    return sharedBytes(fd) ?? 0;
  } finally {
    closeFd(fd);
  }
}
