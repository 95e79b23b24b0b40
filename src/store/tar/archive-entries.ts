/** What is in a commit's tree as entries of an archive, one at a time; the content of a file is open while its entry is in use. */
import type { ByteString } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { isLink } from "../../codec/ostree/content.ts";
import type { XattrRecord } from "../../codec/ostree/xattrs.ts";
import type { EntryRecord, NodeRecord } from "../../codec/sidecar/folder-record.ts";
import type { TarTime, TarWriteEntry } from "../../codec/tar/entry.ts";
import { S_IFBLK, S_IFIFO, S_IFLNK, typeOf } from "../../sys/stat.ts";
import { closeContent, hashContent, openContent } from "../content/content-format.ts";
import { payloadChunks } from "../content/payload-chunks.ts";
import { damagedObject, loadDirMeta } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { allXattrs } from "../tree/leave-tree.ts";
import { type LinkGroups, linkTarget } from "../tree/link-names.ts";
import type { TreeItem } from "../tree/tree-order.ts";

export interface EntrySettings {
  readonly repository: Repository;
  /** What stands in an archive for a path of the tree; a folder's ends in a slash. */
  readonly nameOf: (path: ByteString, isFolder: boolean) => ByteString;
  readonly groups: LinkGroups;
  /** Where the commit knows none. */
  readonly time: TarTime;
  readonly xattrs: boolean;
  /** Compare each file with its checksum first. */
  readonly verify: boolean;
}

const PERMISSIONS = 0o7777;

/** Throws `not-found`, `corrupt`, `hostile`. */
export async function* archiveEntries(
  settings: EntrySettings,
  items: Iterable<TreeItem>,
): AsyncGenerator<TarWriteEntry, void, undefined> {
  for (const item of items) {
    const name = settings.nameOf(item.path, item.kind === "folder");
    const mtime = item.record?.time ?? settings.time;
    if (item.kind === "folder") {
      const { uid, gid, mode, xattrs } = loadDirMeta(settings.repository, item.meta);
      const facts = { name, mode: mode & PERMISSIONS, uid, gid, mtime };
      yield { ...facts, type: "directory", xattrs: xattrsOf(settings, xattrs, item.record) };
      continue;
    }
    const linkName = linkTarget(settings.groups, item, name);
    if (item.kind === "node") yield nodeEntry(settings, name, mtime, item.node, linkName);
    else yield* fileEntry(settings, { name, mtime, checksum: item.checksum, record: item.record, linkName });
  }
}

interface FileItem {
  readonly name: ByteString;
  readonly mtime: TarTime;
  readonly checksum: Checksum;
  readonly record: EntryRecord | undefined;
  /** The name of the same file in the archive, where it has one already. */
  readonly linkName: ByteString | undefined;
}

async function* fileEntry(settings: EntrySettings, item: FileItem): AsyncGenerator<TarWriteEntry, void, undefined> {
  const { name, mtime, checksum, linkName } = item;
  const content = openContent(settings.repository, checksum);
  try {
    const { uid, gid, mode, target, xattrs } = content.meta;
    const facts = { name, mode: mode & PERMISSIONS, uid, gid, mtime };
    if (linkName !== undefined) {
      yield { ...facts, type: "hardlink", linkName };
      return;
    }
    if (settings.verify && (await hashContent(content)) !== checksum)
      throw damagedObject(settings.repository, "file", checksum, "its content does not match its checksum");
    const whole = { ...facts, xattrs: xattrsOf(settings, xattrs, item.record) };
    if (isLink(content.meta)) yield { ...whole, type: "symlink", linkName: target };
    else {
      const sparse = item.record?.data;
      yield { ...whole, type: "file", size: content.size, ...(sparse && { sparse }), content: payloadChunks(content, sparse) };
    }
  } finally {
    closeContent(content);
  }
}

function nodeEntry(
  settings: EntrySettings,
  name: ByteString,
  mtime: TarTime,
  node: NodeRecord,
  linkName: ByteString | undefined,
): TarWriteEntry {
  const { uid, gid, mode } = node;
  const facts = { name, mode: mode & PERMISSIONS, uid, gid, mtime };
  if (linkName !== undefined) return { ...facts, type: "hardlink", linkName };
  const whole = { ...facts, xattrs: xattrsOf(settings, node.xattrs, undefined) };
  if (typeOf(mode) === S_IFLNK) return { ...whole, type: "symlink", linkName: node.target! };
  if (typeOf(mode) === S_IFIFO) return { ...whole, type: "fifo" };
  const type = typeOf(mode) === S_IFBLK ? "block" : "character";
  return { ...whole, type, devMajor: node.major, devMinor: node.minor };
}

function xattrsOf(
  settings: EntrySettings,
  xattrs: readonly XattrRecord[],
  record: EntryRecord | undefined,
): readonly XattrRecord[] {
  return settings.xattrs ? allXattrs(xattrs, record) : [];
}
