/** How the boot code looks into a system's tree, whether that is a folder, a snapshot or a commit. */

/** Paths are relative to the tree's root, such as `boot/vmlinuz-6.1.0`. Neither function follows a symbolic link. */
export interface TreeReader {
  /** The names in a folder; none where there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** A regular file's content, or undefined where there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
}
