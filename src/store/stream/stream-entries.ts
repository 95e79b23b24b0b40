/** What is in a commit's tree as the entries that send streams are written from; the content of a file is open while its entry is in use. */
import type { ByteString } from "../../base/byte-string.ts";
import type { FilePiece, TreeEntry } from "../../codec/btrfs-send/write/tree-entry.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { isLink } from "../../codec/ostree/content.ts";
import type { EntryRecord, NodeRecord, Stretch } from "../../codec/sidecar/folder-record.ts";
import { closeContent, openContent } from "../content/content-format.ts";
import type { OpenContent } from "../content/open-content.ts";
import { payloadChunks } from "../content/payload-chunks.ts";
import { loadDirMeta } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { allXattrs } from "../tree/leave-tree.ts";
import { type LinkGroups, linkTarget } from "../tree/link-names.ts";
import type { TreeItem } from "../tree/tree-order.ts";

export interface StreamSettings {
  readonly repository: Repository;
  readonly groups: LinkGroups;
  /** Where the commit knows none. */
  readonly time: { readonly seconds: number; readonly nanoseconds: number };
}

/** `items` in the order of names. Throws `not-found`, `corrupt`, `hostile`. */
export async function* streamEntries(
  settings: StreamSettings,
  items: Iterable<TreeItem>,
): AsyncGenerator<TreeEntry, void, undefined> {
  for (const item of items) {
    const { path } = item;
    const mtime = item.record?.time ?? settings.time;
    if (item.kind === "folder") {
      const { uid, gid, mode, xattrs } = loadDirMeta(settings.repository, item.meta);
      yield { path, mode, uid, gid, mtime, xattrs: allXattrs(xattrs, item.record) };
      continue;
    }
    const sameAs = linkTarget(settings.groups, item, path);
    if (item.kind === "node") yield nodeEntry(path, mtime, item.node, sameAs);
    else yield* fileEntry(settings.repository, { path, mtime, sameAs, checksum: item.checksum, record: item.record });
  }
}

interface FileItem {
  readonly path: ByteString;
  readonly mtime: TreeEntry["mtime"];
  readonly sameAs: ByteString | undefined;
  readonly checksum: Checksum;
  readonly record: EntryRecord | undefined;
}

async function* fileEntry(repository: Repository, item: FileItem): AsyncGenerator<TreeEntry, void, undefined> {
  const { path, mtime, sameAs, checksum, record } = item;
  const content = openContent(repository, checksum);
  try {
    const { uid, gid, mode, target, xattrs } = content.meta;
    const facts = { path, mode, uid, gid, mtime, xattrs: allXattrs(xattrs, record), ...(sameAs && { sameAs }) };
    if (isLink(content.meta)) yield { ...facts, target };
    else yield { ...facts, size: content.size, contentKey: checksum, read: () => piecesOf(content, record?.data) };
  } finally {
    closeContent(content);
  }
}

/** Where each chunk stands is not told with it; chunks never cross the end of a stretch. */
async function* piecesOf(content: OpenContent, data: readonly Stretch[] | undefined): AsyncGenerator<FilePiece, void, undefined> {
  const stretches = data ?? [{ offset: 0, length: content.size }];
  let index = 0;
  let done = 0;
  for await (const chunk of payloadChunks(content, stretches)) {
    if (chunk.length === 0) continue;
    while (done >= stretches[index]!.length) [index, done] = [index + 1, 0];
    yield { offset: stretches[index]!.offset + done, data: chunk };
    done += chunk.length;
  }
}

function nodeEntry(
  path: ByteString,
  mtime: TreeEntry["mtime"],
  { mode, uid, gid, major, minor, xattrs, target }: NodeRecord,
  sameAs: ByteString | undefined,
): TreeEntry {
  const facts = { path, mode, uid, gid, mtime, xattrs, ...(sameAs && { sameAs }) };
  if (target !== undefined) return { ...facts, target };
  return { ...facts, rdev: (((major & 0xfff) << 8) | ((minor & 0xfff00) << 12) | (minor & 0xff)) >>> 0 };
}
