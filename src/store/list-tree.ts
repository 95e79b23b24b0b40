/** What a commit holds, entry by entry: files, links, folders, and what only its sidecar has. */
import { type ByteString, EMPTY, joinBytes } from "../base/byte-string.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import type { XattrRecord } from "../codec/ostree/xattrs.ts";
import type { EntryRecord } from "../codec/sidecar/folder-record.ts";
import { closeContent, openContent } from "./content/content-format.ts";
import { loadDirMeta } from "./object-files.ts";
import type { Repository } from "./repository.ts";
import { type FoundEntry, findEntry } from "./tree/find-entry.ts";
import { type FolderView, type ViewDir, type ViewFile, type ViewNode, viewFolder } from "./tree/folder-view.ts";

export interface ListedEntry {
  /** From the root of the tree, without a slash in front; the root's is "". */
  readonly path: ByteString;
  /** With the type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes; 0 for all but regular files. */
  readonly size: number;
  readonly target: ByteString;
  readonly xattrs: readonly XattrRecord[];
  /** Of the content or of the folder's tree; undefined for a device node or FIFO. */
  readonly checksum: Checksum | undefined;
  /** Of a folder's own metadata. */
  readonly metaChecksum: Checksum | undefined;
  /** Major and minor number of a device node. */
  readonly device: readonly [number, number] | undefined;
  /** What the sidecar has of it: time, inode flags, hard links, holes. */
  readonly record: EntryRecord | undefined;
}

export interface ListOptions {
  /** 0: only what the path names; 1: also what is in that folder; Infinity: all below. */
  readonly depth: number;
}

/** In ostree's order: a folder, its files, then its folders each with what is in it. Throws `not-found`, `corrupt`, `hostile`. */
export function* listTree(repository: Repository, commit: Checksum, path: ByteString, { depth }: ListOptions): Generator<ListedEntry> {
  const found = findEntry(repository, commit, path, { followLast: false });
  if (found.kind === "dir") yield* listDir(repository, found.path, found.dir, depth);
  else yield listOther(repository, found);
}

function* listDir(repository: Repository, path: ByteString, dir: ViewDir, depth: number): Generator<ListedEntry> {
  const view = viewFolder(repository, dir.tree, dir.sidecar);
  yield folderEntry(repository, path, dir, view);
  if (depth < 1) return;
  for (const other of filesAndNodes(view)) yield listOther(repository, { ...other, path: joinBytes(path, other.name) });
  for (const child of view.dirs) yield* listDir(repository, joinBytes(path, child.name), child, depth - 1);
}

function folderEntry(repository: Repository, path: ByteString, dir: ViewDir, view: FolderView): ListedEntry {
  const meta = loadDirMeta(repository, dir.meta);
  const rest = { size: 0, target: EMPTY, checksum: dir.tree, metaChecksum: dir.meta, device: undefined, record: view.self };
  return { path, ...meta, ...rest };
}

type Other =
  | { readonly kind: "file"; readonly name: ByteString; readonly file: ViewFile }
  | { readonly kind: "node"; readonly name: ByteString; readonly node: ViewNode };

function filesAndNodes({ files, nodes }: FolderView): Other[] {
  const all: Other[] = files.map((file) => ({ kind: "file", name: file.name, file }));
  if (nodes.length === 0) return all;
  for (const node of nodes) all.push({ kind: "node", name: node.name, node });
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function listOther(repository: Repository, found: Exclude<FoundEntry, { kind: "dir" }>): ListedEntry {
  return found.kind === "file" ? fileEntry(repository, found.path, found.file) : nodeEntry(found.path, found.node);
}

function fileEntry(repository: Repository, path: ByteString, { checksum, record }: ViewFile): ListedEntry {
  const content = openContent(repository, checksum);
  closeContent(content);
  const { meta, size } = content;
  return { path, ...meta, size, checksum, metaChecksum: undefined, device: undefined, record };
}

function nodeEntry(path: ByteString, { node, record }: ViewNode): ListedEntry {
  const { mode, uid, gid, xattrs, major, minor } = node;
  const rest = { size: 0, target: EMPTY, checksum: undefined, metaChecksum: undefined, record };
  return { path, mode, uid, gid, xattrs, device: [major, minor], ...rest };
}
