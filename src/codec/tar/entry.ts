/**
 * What a tar archive says of one file, in both directions. An entry that was read can be written as it is.
 *
 * The codec takes names as they come: absolute ones and ones with `..` too. Whoever unpacks an archive judges them.
 */
import type { ByteString } from "../../base/byte-string.ts";

export type TarType = "file" | "hardlink" | "symlink" | "character" | "block" | "directory" | "fifo";

/** Seconds since 1970, negative before, plus 0–999,999,999 nanoseconds that always count forwards. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export interface TarXattr {
  /** Such as `user.comment`. */
  readonly name: ByteString;
  readonly value: Buffer;
}

/** A stretch of data in a sparse file, in bytes of the file. */
export interface TarExtent {
  readonly offset: number;
  readonly length: number;
}

/** One entry to be written. */
export interface TarWriteEntry {
  /** Not empty, without NUL. Only a folder's may end in `/`, and it need not. */
  readonly name: ByteString;
  readonly type: TarType;
  /** The permission bits, with setuid, setgid and sticky: at most 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TarTime;
  /** The target of a symlink, or the name of the entry that a hardlink shares its file with. */
  readonly linkName?: ByteString;
  /** Bytes of a file with its holes; 0 for all other types. */
  readonly size?: number;
  readonly devMajor?: number;
  readonly devMinor?: number;
  readonly xattrs?: readonly TarXattr[];
  /**
   * The data of a sparse file, in order and without overlap; all else are holes. Undefined: a file without holes.
   * The writer widens extents to whole blocks of 512 bytes, which is what GNU tar can read.
   */
  readonly sparse?: readonly TarExtent[];
  /** A file's bytes; of a sparse file only those of its extents, one after the other. */
  readonly content?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** One entry that was read. Strings and lists are empty, and numbers 0, where the type has no such thing. */
export interface TarEntry extends TarWriteEntry {
  readonly linkName: ByteString;
  readonly size: number;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Sorted by name. */
  readonly xattrs: readonly TarXattr[];
  /**
   * The stored bytes: of a sparse file only those of its extents, one after the other. To be read before the next entry is asked
   * for, or not at all; a chunk is the reader's until the next one is asked for.
   */
  readonly content: AsyncIterable<Uint8Array>;
  /** What the archive says of the file and this entry does not hold, such as an ACL in text form; one sentence each. */
  readonly warnings: readonly string[];
}

/** The block that everything in an archive is a multiple of. */
export const BLOCK = 512;

/** The most that the extended headers of one entry may weigh, in bytes. */
export const LONGEST_HEADER = 2 ** 20;

/** The same for what global headers say: less, because each entry has its own copy. */
export const LARGEST_GLOBAL = 2 ** 16;

/** The most extents of a sparse file. */
export const MOST_EXTENTS = 2 ** 20;

/** Bytes from `size` to the next whole block. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
