/** Where the tree of an installed system comes from: a commit, a snapshot, a folder. */
import type { Observer } from "../base/events.ts";
import type { TreeReader } from "../boot/tree-reader.ts";

export interface TreeDescription {
  /** What it is, for people: a commit's checksum, a folder's path. */
  readonly name: string;
  /** Entries of all types. */
  readonly entries: number;
  /** The sum of the sizes of its files; an upper bound of what they take. */
  readonly bytes: number;
}

export interface TreeSource extends TreeReader {
  describe(observer: Observer): Promise<TreeDescription>;
  /**
   * Writes the whole tree into the open, empty folder, owners and all. That folder has no name that other programs could
   * use: relative calls and `/proc/self/fd/N` reach it, and programs run in it (`folderFd`).
   */
  writeTo(rootFd: number, observer: Observer): Promise<void>;
}
