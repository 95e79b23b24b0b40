/** What a send stream between two snapshots, A and B, says of their trees; and what must be asked about A to understand it. */
import type { ByteString } from "../../../base/byte-string.ts";
import type { StreamTime } from "../command.ts";

export type StreamEntryType = "file" | "link" | "folder" | "device" | "fifo" | "socket";

/** In which respect an entry of B differs from the same file in A. `flags`: the inode's, or fs-verity. */
export type StreamAspect = "content" | "mode" | "owner" | "xattrs" | "time" | "flags";

interface ChangedEntry {
  /** In B, from its root; "" is the root itself. */
  readonly path: ByteString;
  readonly type: StreamEntryType;
  /** In B. Names of one file have the same. */
  readonly ino: number;
  readonly what: readonly StreamAspect[];
  /** The extended attributes that were set or removed, sorted. */
  readonly xattrs: readonly ByteString[];
}

/**
 * Every path that is not the same in A and B is named by one of these, or lies below a folder that was renamed:
 * - `removed` is about A: nothing of B is a continuation of this name. Another file may have the same path in B.
 * - `added` is about B: a new file; or, with `from`, one more name of a file that A has there.
 * - `renamed` is about B. For a folder it takes along everything below it that is not named itself.
 * - `modified` is about B; `from` is where it is in A, another path only where a folder above it was renamed.
 */
export type StreamChange =
  | { readonly kind: "removed"; readonly path: ByteString; readonly type: StreamEntryType }
  | ({ readonly kind: "added"; readonly from?: ByteString } & ChangedEntry)
  | ({ readonly kind: "renamed" | "modified"; readonly from: ByteString } & ChangedEntry);

export interface ChangeSet {
  /** Sorted by path, what is removed first. */
  readonly changes: readonly StreamChange[];
  /**
   * What the stream names without any difference that it could tell: the inode was written for the time of the last access, the
   * number of links or the like. Sorted by path.
   */
  readonly touched: readonly TouchedEntry[];
}

/** The same file in A, where it is `from`, and in B. */
export interface TouchedEntry {
  readonly path: ByteString;
  readonly from: ByteString;
  readonly type: StreamEntryType;
}

/** One entry of A. */
export interface BaseEntry {
  readonly type: StreamEntryType;
  readonly ino: number;
  /** How many names it has. */
  readonly links: number;
  readonly mtime: StreamTime;
}

/** What is asked about the trees, a number of times that the changes bound. */
export interface ChangeBase {
  /** What A has at this path, no link followed; undefined where there is nothing. */
  lookUp(path: ByteString): BaseEntry | undefined;
  /**
   * The extended attribute that the entry has in A. Linux tells of the capabilities of every file that it names, even if only the
   * time of the last access is another.
   */
  xattrOf(path: ByteString, name: ByteString): Uint8Array | undefined;
  /**
   * Whether B has this path. Asked for what a stream leaves under an orphan's name: of a folder that held a nested subvolume, Linux
   * may never tell that it was removed.
   */
  isInB(path: ByteString): boolean;
  /**
   * All paths in B of the file with this inode number: a write through one name is told of one name only. Asked for files with
   * changes that have names which the stream does not mention.
   */
  namesOf(ino: number): readonly ByteString[];
}
