/** What a commit holds, entry by entry: files, links, folders, and what only its sidecar has. */
import { type ByteString, EMPTY, joinBytes } from "../base/byte-string.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import type { XattrRecord } from "../codec/ostree/xattrs.ts";
import type { EntryRecord } from "../codec/sidecar/folder-record.ts";
import { closeContent, openContent } from "./content/content-format.ts";
import { loadDirMeta } from "./object-files.ts";
import type { Repository } from "./repository.ts";
import type { FolderRef, FoundEntry } from "./tree/find-entry.ts";
import { refuseTooDeep } from "./tree/depth-limit.ts";
import { followPath } from "./tree/follow-path.ts";
import { type FolderView, type ViewFile, type ViewNode, viewFolder } from "./tree/folder-view.ts";

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
  /** Of the content or of the folder's tree; undefined for what lives in the sidecar alone. */
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
export function* listTree(
  repository: Repository,
  commit: Checksum,
  path: ByteString,
  { depth }: ListOptions,
): Generator<ListedEntry> {
  const { entry, path: where } = followPath(repository, commit, path, { followLast: false });
  if (entry.kind === "folder") yield* listFolder(repository, where, entry, depth);
  else yield listOther(repository, where, entry);
}

function* listFolder(repository: Repository, path: ByteString, folder: FolderRef, depth: number): Generator<ListedEntry> {
  refuseTooDeep(path);
  const view = viewFolder(repository, folder.tree, folder.sidecar);
  yield folderEntry(repository, path, folder, view);
  if (depth < 1) return;
  for (const other of filesAndNodes(view)) yield listOther(repository, joinBytes(path, other.name), other);
  for (const child of view.dirs) yield* listFolder(repository, joinBytes(path, child.name), child, depth - 1);
}

function folderEntry(repository: Repository, path: ByteString, { tree, meta }: FolderRef, view: FolderView): ListedEntry {
  const { mode, uid, gid, xattrs } = loadDirMeta(repository, meta);
  const owned = { path, mode, uid, gid, xattrs, size: 0, target: EMPTY };
  return { ...owned, checksum: tree, metaChecksum: meta, device: undefined, record: view.self };
}

type Other = Exclude<FoundEntry, { kind: "folder" }>;

function filesAndNodes({ files, nodes }: FolderView): Other[] {
  const all: Other[] = files.map((file) => ({ kind: "file", ...file }));
  if (nodes.length === 0) return all;
  for (const node of nodes) all.push({ kind: "node", ...node });
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function listOther(repository: Repository, path: ByteString, other: Other): ListedEntry {
  return other.kind === "file" ? fileEntry(repository, path, other) : nodeEntry(path, other);
}

function fileEntry(repository: Repository, path: ByteString, { checksum, record }: ViewFile): ListedEntry {
  const content = openContent(repository, checksum);
  closeContent(content);
  const { mode, uid, gid, target, xattrs } = content.meta;
  const owned = { path, mode, uid, gid, xattrs, size: content.size, target };
  return { ...owned, checksum, metaChecksum: undefined, device: undefined, record };
}

function nodeEntry(path: ByteString, { node, record }: ViewNode): ListedEntry {
  const { mode, uid, gid, xattrs, major, minor, target = EMPTY } = node;
  const owned = { path, mode, uid, gid, xattrs, size: 0, target };
  return {
    ...owned,
    checksum: undefined,
    metaChecksum: undefined,
    device: node.target === undefined ? [major, minor] : undefined,
    record,
  };
}
