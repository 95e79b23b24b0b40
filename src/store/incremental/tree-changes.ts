/** What has changed between a commit's tree and a folder, as whoever knows the file system tells it. */
import type { ByteString } from "../../base/byte-string.ts";
import type { StreamChange } from "../../codec/btrfs-send/changes/change.ts";

export interface TreeChanges {
  /** From the commit's tree to the folder, sorted by path, what is removed first. */
  readonly changes: readonly StreamChange[];
  /** Inode numbers of files that may have other names than in the commit, beside those that the changes name. */
  readonly relinked: readonly number[];
  /** All paths in the folder of the file with this inode number; none where there is no such file any more. */
  namesOf(ino: number): readonly ByteString[];
}
