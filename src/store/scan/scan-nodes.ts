/** What becomes a part of the tree by its metadata alone: folders, device nodes, FIFOs. */
import type { ByteString } from "../../base/byte-string.ts";
import { getFlags } from "../../sys/metadata.ts";
import { isOnBtrfs } from "../../sys/space.ts";
import type { Stat } from "../../sys/stat.ts";
import { readXattrsAt, readXattrsFd } from "../../sys/xattr.ts";
import { type FolderNode, type LinkGroup, type SpecialNode, newFolder } from "../tree/working-tree.ts";
import { type ScanOptions, committedOwnership, committedXattrs, emptyXattrs, nodeXattrs } from "./scan-options.ts";
import { userFlags } from "./user-flags.ts";

/** On btrfs; elsewhere the root of a file system may have it. */
const PLACEHOLDER_INO = 2;

/** The open folder `fd`, still empty. */
export function folderNode(options: ScanOptions, fd: number, stat: Stat): FolderNode {
  const found = options.noXattrs ? [] : readXattrsFd(fd);
  const time = isPlaceholder(fd, stat) ? undefined : timeOf(stat);
  return newFolder(
    { ...committedOwnership(options, stat), xattrs: committedXattrs(options, found) },
    { time, flags: userFlags(getFlags(fd)), data: undefined, group: undefined, emptyXattrs: emptyXattrs(options, found) },
  );
}

export function specialNode(
  options: ScanOptions,
  at: { readonly dirFd: number; readonly name: ByteString },
  stat: Stat,
  group: LinkGroup | undefined,
): SpecialNode {
  const xattrs = options.noXattrs ? [] : nodeXattrs(options, readXattrsAt(at.dirFd, at.name));
  const node = { ...committedOwnership(options, stat), major: stat.rdevMajor, minor: stat.rdevMinor, xattrs };
  return { node, extras: { time: timeOf(stat), flags: 0, data: undefined, group } };
}

/** What stands in a btrfs snapshot in place of a subvolume that was nested there: its time is that of whoever looks. */
function isPlaceholder(fd: number, { inoHigh, inoLow }: Stat): boolean {
  return inoHigh === 0 && inoLow === PLACEHOLDER_INO && isOnBtrfs(fd);
}

function timeOf({ mtimeSeconds, mtimeNanoseconds }: Stat): { seconds: number; nanoseconds: number } {
  return { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds };
}
