/**
 * A commit's tree of which only the folders that matter are in memory. Every other folder stands there unseen: it is known by its
 * checksums, can be moved as it is, and is read when somebody looks into it.
 */
import { type ByteString, EMPTY } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { EntryRecord } from "../../codec/sidecar/folder-record.ts";
import { loadCommit, loadDirMeta } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { refuseTooDeep } from "../tree/depth-limit.ts";
import type { FolderRef } from "../tree/find-entry.ts";
import { rootSidecar, viewFolder } from "../tree/folder-view.ts";
import { type Extras, type FileNode, type FolderNode, type SpecialNode, newFolder } from "../tree/working-tree.ts";
import type { FolderIdentity } from "../tree/write-tree.ts";
import { misfit } from "./misfit.ts";

export interface PartialTree {
  readonly repository: Repository;
  readonly root: FolderNode;
  readonly unseen: Map<FolderNode, FolderRef>;
  /** How many folders were read from the repository. */
  loaded: number;
}

export type Entry = FileNode | SpecialNode | FolderNode;

/** Nothing is read yet but the commit. Throws `not-found`, `corrupt`. */
export function openPartialTree(repository: Repository, commit: Checksum): PartialTree {
  const { tree, meta } = loadCommit(repository, commit);
  const unseen = new Map<FolderNode, FolderRef>();
  const root = unseenFolder(unseen, { tree, meta, sidecar: rootSidecar(repository, loadCommit(repository, commit)) });
  return { repository, root, unseen, loaded: 0 };
}

/** What a folder that nobody has looked into is. */
export function unseenIdentity({ unseen }: PartialTree, folder: FolderNode): FolderIdentity | undefined {
  const ref = unseen.get(folder);
  return ref === undefined ? undefined : { ...ref, record: ref.sidecar?.kind === "record" ? ref.sidecar.checksum : undefined };
}

/** The folder with all that is in it. Throws `not-found`, `corrupt`, `hostile` where the repository does not have it whole. */
export function lookInto(tree: PartialTree, folder: FolderNode, path: ByteString): FolderNode {
  const ref = tree.unseen.get(folder);
  if (ref === undefined) return folder;
  if (ref.sidecar === undefined) throw misfit(path, "its sidecar is missing");
  const view = viewFolder(tree.repository, ref.tree, ref.sidecar);
  folder.meta = loadDirMeta(tree.repository, ref.meta);
  folder.extras = extrasOf(view.self);
  for (const { name, checksum, record } of view.files) folder.files.set(name, { checksum, extras: extrasOf(record) });
  for (const { name, node, record } of view.nodes) folder.nodes.set(name, { node, extras: extrasOf(record) });
  for (const dir of view.dirs) folder.dirs.set(dir.name, unseenFolder(tree.unseen, dir));
  tree.unseen.delete(folder);
  tree.loaded++;
  return folder;
}

/** The folder at the path as the tree is by now. Throws as `lookInto`; `corrupt` where there is none. */
export function folderAt(tree: PartialTree, path: ByteString): FolderNode {
  refuseTooDeep(path);
  let folder = lookInto(tree, tree.root, EMPTY);
  if (path === "") return folder;
  for (const name of path.split("/") as ByteString[]) {
    const child = folder.dirs.get(name);
    if (child === undefined) throw misfit(path, "there is no such folder");
    folder = lookInto(tree, child, path);
  }
  return folder;
}

export interface Place {
  readonly folder: FolderNode;
  readonly name: ByteString;
}

/** Where the path leads, whether something stands there or not. */
export function placeAt(tree: PartialTree, path: ByteString): Place {
  const slash = path.lastIndexOf("/");
  return { folder: folderAt(tree, parentOf(path)), name: path.slice(slash + 1) as ByteString };
}

export function entryAt({ folder, name }: Place): Entry | undefined {
  return folder.files.get(name) ?? folder.nodes.get(name) ?? folder.dirs.get(name);
}

/** The file or node there. Throws `corrupt` where there is none. */
export function leafAt(place: Place, path: ByteString): FileNode | SpecialNode {
  const entry = entryAt(place);
  if (entry === undefined || "dirs" in entry) throw misfit(path, "it is not there");
  return entry;
}

export function putEntry({ folder, name }: Place, entry: Entry): void {
  if ("checksum" in entry) folder.files.set(name, entry);
  else if ("node" in entry) folder.nodes.set(name, entry);
  else folder.dirs.set(name, entry);
}

export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0)) as ByteString;
}

function unseenFolder(unseen: Map<FolderNode, FolderRef>, { tree, meta, sidecar }: FolderRef): FolderNode {
  const folder = newFolder(UNREAD);
  unseen.set(folder, { tree, meta, sidecar });
  return folder;
}

const UNREAD = { uid: 0, gid: 0, mode: 0, xattrs: [] };

/** A name that the record says to be a link stays one, to the same path, as long as its group is not settled anew. */
function extrasOf(record: EntryRecord | undefined): Extras {
  const { time, flags = 0, data, linkTo, emptyXattrs } = record ?? { time: undefined, data: undefined };
  const group = linkTo === undefined ? undefined : { leader: linkTo, count: 2 };
  return { time, flags, data, group, emptyXattrs };
}
