/**
 * Putting an archive's entries into a working tree, in their order: a later one replaces an earlier one of the same name, but
 * a folder keeps what is in it. The tree is all that is ever walked, so that no link in it leads anywhere.
 */
import { type ByteString, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { DirMeta } from "../../codec/ostree/dirmeta.ts";
import { type Extras, type FileNode, type FolderNode, type SpecialNode, newFolder, removeEntry } from "../tree/working-tree.ts";
import { hostileName, namesOf, shownPath, unsupportedEntry } from "./entry-path.ts";

export interface GrowingTree {
  readonly root: FolderNode;
  /** Metadata of a folder that the archive has no entry for; undefined refuses what lies in one. */
  readonly impliedMeta: DirMeta | undefined;
  /** Entries that the archive has made so far. */
  names: number;
  /** Folders without an entry that it has made so far. */
  implied: number;
}

/** A small packed archive can hold any number of names, and each of them any number of folders: memory must not follow. */
const MOST_NAMES = 2 ** 22;
const MOST_IMPLIED = 2 ** 18;

/** Makes a folder, or gives one that is there this metadata. Throws `hostile`, `unsupported`, `not-found`. */
export function placeFolder(tree: GrowingTree, path: ByteString, meta: DirMeta, extras: Extras): void {
  const place = findPlace(tree, path);
  const existing = place === undefined ? tree.root : place.folder.dirs.get(place.name);
  if (existing !== undefined) {
    existing.meta = meta;
    existing.extras = extras;
    return;
  }
  const { folder, name } = place!;
  removeEntry(folder, name);
  folder.dirs.set(name, newFolder(meta, extras));
}

/** Throws `hostile`, `unsupported`, `not-found`. */
export function placeFile(tree: GrowingTree, path: ByteString, file: FileNode): void {
  const { folder, name } = needPlace(tree, path);
  removeEntry(folder, name);
  folder.files.set(name, file);
}

/** A device or FIFO. Throws `hostile`, `unsupported`, `not-found`. */
export function placeNode(tree: GrowingTree, path: ByteString, node: SpecialNode): void {
  const { folder, name } = needPlace(tree, path);
  removeEntry(folder, name);
  folder.nodes.set(name, node);
}

/** A further name for what is at `target` already. Throws `hostile`, `unsupported`, `not-found`, `corrupt`. */
export function placeLink(tree: GrowingTree, path: ByteString, target: ByteString): void {
  const { file, node } = findTarget(tree, path, target);
  const extras = (file ?? node!).extras;
  const shared: Extras = { ...extras, group: extras.group ?? { leader: undefined, count: 0 } };
  Object.assign(file ?? node!, { extras: shared });
  if (file !== undefined) placeFile(tree, path, { checksum: file.checksum, extras: shared });
  else placeNode(tree, path, { node: node!.node, extras: shared });
}

interface Place {
  readonly folder: FolderNode;
  readonly name: ByteString;
}

/** Undefined for the root itself. Makes the folders on the way. */
function findPlace(tree: GrowingTree, path: ByteString): Place | undefined {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined) return undefined;
  let folder = tree.root;
  let way = "" as ByteString;
  for (const step of names) {
    way = joinBytes(way, step);
    folder = folder.dirs.get(step) ?? implyFolder(tree, folder, step, way, path);
  }
  if (++tree.names > MOST_NAMES) throw unsupportedEntry(path, `the archive has more than ${MOST_NAMES} names`);
  return { folder, name };
}

function needPlace(tree: GrowingTree, path: ByteString): Place {
  const place = findPlace(tree, path);
  if (place === undefined) throw hostileName(path, "it is the tree's root, which can be nothing but a folder");
  return place;
}

function implyFolder(tree: GrowingTree, folder: FolderNode, name: ByteString, way: ByteString, path: ByteString): FolderNode {
  if (folder.files.has(name) || folder.nodes.has(name))
    throw hostileName(path, `it leads through ${displayBytes(way)}, which is a link or file and no folder`);
  if (tree.impliedMeta === undefined) {
    throw new RegrowError("not-found", `${shownPath(path)}: the archive has no entry for its folder.`, {
      path: shownPath(path),
      hint: "Let missing folders be made (--tar-autocreate-parents), or put them into the archive.",
    });
  }
  if (++tree.implied > MOST_IMPLIED)
    throw unsupportedEntry(path, `the archive has more than ${MOST_IMPLIED} folders without an entry of their own`);
  const implied = newFolder(tree.impliedMeta);
  folder.dirs.set(name, implied);
  return implied;
}

function findTarget(
  tree: GrowingTree,
  path: ByteString,
  target: ByteString,
): { file: FileNode | undefined; node: SpecialNode | undefined } {
  const names = namesOf(target);
  const name = names.pop() ?? ("" as ByteString);
  let folder: FolderNode | undefined = tree.root;
  for (const step of names) folder = folder?.dirs.get(step);
  const file = folder?.files.get(name);
  const node = folder?.nodes.get(name);
  if (file !== undefined || node !== undefined) return { file, node };
  throw new RegrowError(
    "corrupt",
    `${shownPath(path)}: is a hard link to ${shownPath(target)}, which is no file in the archive before it.`,
    {
      path: shownPath(path),
      hint: "The archive is damaged, or only a part of another: make it once more, with all names of a file in it.",
    },
  );
}
