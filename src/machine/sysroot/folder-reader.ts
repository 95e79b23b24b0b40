/** An open folder as a tree that the boot code can look into. Links are followed as the system itself would. */
import { displayBytes } from "../../base/byte-string.ts";
import type { TreeReader } from "../../boot/tree-reader.ts";
import { listInRoot } from "../../sys/read-dir.ts";
import { tryReadInRoot } from "../../sys/read-file.ts";

export function folderReader(rootFd: number): TreeReader {
  return {
    list: (folder) => Promise.resolve(listInRoot(rootFd, folder).map((name) => displayBytes(name))),
    read: (path) => Promise.resolve(tryReadInRoot(rootFd, path)),
  };
}
