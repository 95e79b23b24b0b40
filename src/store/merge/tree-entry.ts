/** One name in a folder of a working tree, of whatever kind, and how two of them compare. */
import type { ByteString } from "../../base/byte-string.ts";
import type { FileNode, FolderNode, SpecialNode } from "../tree/working-tree.ts";
import { removeEntry } from "../tree/working-tree.ts";
import { sameOwned } from "./merge-owned.ts";
import type { EntryKind } from "./merge-types.ts";

export type TreeEntry =
  | { readonly kind: "file"; readonly node: FileNode }
  | { readonly kind: "node"; readonly node: SpecialNode }
  | { readonly kind: "folder"; readonly node: FolderNode };

export function entryOf(folder: FolderNode | undefined, name: ByteString): TreeEntry | undefined {
  const file = folder?.files.get(name);
  if (file !== undefined) return { kind: "file", node: file };
  const child = folder?.dirs.get(name);
  if (child !== undefined) return { kind: "folder", node: child };
  const node = folder?.nodes.get(name);
  return node === undefined ? undefined : { kind: "node", node };
}

export function putEntry(folder: FolderNode, name: ByteString, entry: TreeEntry | undefined): void {
  removeEntry(folder, name);
  if (entry?.kind === "file") folder.files.set(name, entry.node);
  else if (entry?.kind === "folder") folder.dirs.set(name, entry.node);
  else if (entry?.kind === "node") folder.nodes.set(name, entry.node);
}

/** All names of the folders, sorted, each once. */
export function namesOf(...folders: readonly (FolderNode | undefined)[]): ByteString[] {
  const names = new Set<ByteString>();
  for (const folder of folders) {
    if (folder === undefined) continue;
    for (const map of [folder.files, folder.dirs, folder.nodes]) for (const name of map.keys()) names.add(name);
  }
  return [...names].sort();
}

export function kindOf(entry: TreeEntry | undefined): EntryKind {
  return entry?.kind ?? "absent";
}

/** Whether there is nothing in `b` that a person would miss in `a`: times and hard links do not count. */
export function isSame(a: TreeEntry | undefined, b: TreeEntry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === "file" && b.kind === "file")
    return a.node.checksum === b.node.checksum && a.node.extras.flags === b.node.extras.flags;
  if (a.kind === "node" && b.kind === "node") return isSameNode(a.node, b.node);
  return a.kind === "folder" && b.kind === "folder" && isSameFolder(a.node, b.node);
}

/** Owner, permissions, attributes and flags of the folder itself. */
export function isSameFolderItself(a: FolderNode, b: FolderNode): boolean {
  return sameOwned(a.meta, b.meta) && a.extras.flags === b.extras.flags;
}

function isSameFolder(a: FolderNode, b: FolderNode): boolean {
  if (a === b) return true;
  return isSameFolderItself(a, b) && namesOf(a, b).every((name) => isSame(entryOf(a, name), entryOf(b, name)));
}

function isSameNode(a: SpecialNode, b: SpecialNode): boolean {
  const sameDevice = a.node.major === b.node.major && a.node.minor === b.node.minor;
  return sameOwned(a.node, b.node) && sameDevice && a.node.target === b.node.target && a.extras.flags === b.extras.flags;
}
