/**
 * Turns a working tree into objects, leaves first: dirtree and dirmeta for each folder, and its sidecar.
 *
 * The sidecar is a tree of its own with the same folders. A folder without subfolders (and without odd names) is one file,
 * its record, under its escaped name; any other is a folder that holds its record in the file `%`. Entries whose names are
 * not UTF-8 stand, under escaped names, in the folder `%.names`, so that everything a commit needs is reachable for ostree.
 */
import { type ByteString, EMPTY, isUtf8, joinBytes } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { encodeDirMeta } from "../../codec/ostree/dirmeta.ts";
import { type DirTree, type TreeDir, type TreeFile, encodeDirTree } from "../../codec/ostree/dirtree.ts";
import { type EntryRecord, encodeFolderRecord } from "../../codec/sidecar/folder-record.ts";
import { ODD_NAMES, RECORD_NAME, escapeName } from "../../codec/sidecar/sidecar-name.ts";
import { stageRecord } from "../stage-content.ts";
import { type Transaction, stageMetadata } from "../transaction.ts";
import { type Extras, type FolderNode, type SpecialNode, settleLinkGroups } from "./working-tree.ts";

export interface WrittenTree {
  readonly tree: Checksum;
  readonly meta: Checksum;
  /** The root dirtree of the sidecar; undefined where there is nothing to keep in one. */
  readonly sidecar: Checksum | undefined;
}

/** A folder's place in its parent's sidecar: a file with its record, or a folder of its own. */
type SidecarEntry = { readonly kind: "record"; readonly checksum: Checksum } | { readonly kind: "folder"; readonly tree: Checksum };

interface WrittenFolder {
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: SidecarEntry | undefined;
}

/** Metadata of every folder of a sidecar. */
export const SIDECAR_DIR_META = encodeDirMeta({ uid: 0, gid: 0, mode: 0o040755, xattrs: [] });

export interface WriteTreeOptions {
  readonly sidecar: boolean;
}

/** Stages the folders of the tree. Throws `no-space`. */
export function writeTree(transaction: Transaction, root: FolderNode, options: WriteTreeOptions): WrittenTree {
  settleLinkGroups(root);
  const written = writeFolder(transaction, root, EMPTY, options);
  if (written.sidecar === undefined) return { ...written, sidecar: undefined };
  if (written.sidecar.kind === "folder") return { ...written, sidecar: written.sidecar.tree };
  const files = [{ name: RECORD_NAME, checksum: written.sidecar.checksum }];
  stageMetadata(transaction, "dirmeta", SIDECAR_DIR_META);
  return { ...written, sidecar: stageMetadata(transaction, "dirtree", encodeDirTree({ files, dirs: [] })) };
}

function writeFolder(transaction: Transaction, folder: FolderNode, path: ByteString, options: WriteTreeOptions): WrittenFolder {
  const files: TreeFile[] = [];
  const dirs: TreeDir[] = [];
  const odd = { files: [] as TreeFile[], dirs: [] as TreeDir[] };
  const sidecars: { name: ByteString; entry: SidecarEntry }[] = [];
  for (const name of sortedKeys(folder.files)) {
    const file = { name, checksum: folder.files.get(name)!.checksum };
    if (isUtf8(name)) files.push(file);
    else odd.files.push({ ...file, name: escapeName(name) });
  }
  for (const name of sortedKeys(folder.dirs)) {
    const { tree, meta, sidecar } = writeFolder(transaction, folder.dirs.get(name)!, joinBytes(path, name), options);
    if (isUtf8(name)) dirs.push({ name, tree, meta });
    else odd.dirs.push({ name: escapeName(name), tree, meta });
    if (sidecar !== undefined) sidecars.push({ name: escapeName(name), entry: sidecar });
  }
  return {
    tree: stageMetadata(transaction, "dirtree", encodeDirTree({ files, dirs })),
    meta: stageMetadata(transaction, "dirmeta", encodeDirMeta(folder.meta)),
    sidecar: options.sidecar ? writeSidecar(transaction, folder, path, odd, sidecars) : undefined,
  };
}

function writeSidecar(
  transaction: Transaction,
  folder: FolderNode,
  path: ByteString,
  odd: DirTree,
  children: readonly { name: ByteString; entry: SidecarEntry }[],
): SidecarEntry | undefined {
  const record = stageRecord(transaction, encodeFolderRecord(folderEntries(folder, path)));
  const hasOdd = odd.files.length > 0 || odd.dirs.length > 0;
  if (children.length === 0 && !hasOdd) return { kind: "record", checksum: record };
  const meta = stageMetadata(transaction, "dirmeta", SIDECAR_DIR_META);
  const files: TreeFile[] = [{ name: RECORD_NAME, checksum: record }];
  const dirs: TreeDir[] = [];
  if (hasOdd) dirs.push({ name: ODD_NAMES, tree: stageMetadata(transaction, "dirtree", encodeDirTree(sortedTree(odd))), meta });
  for (const { name, entry } of children) {
    if (entry.kind === "record") files.push({ name, checksum: entry.checksum });
    else dirs.push({ name, tree: entry.tree, meta });
  }
  return { kind: "folder", tree: stageMetadata(transaction, "dirtree", encodeDirTree(sortedTree({ files, dirs }))) };
}

function* folderEntries(folder: FolderNode, path: ByteString): Generator<EntryRecord> {
  if (folder.extras.time !== undefined || folder.extras.flags !== 0) yield entryRecord(EMPTY, folder.extras, path, undefined);
  const names = folder.nodes.size === 0 ? sortedKeys(folder.files) : [...folder.files.keys(), ...folder.nodes.keys()].sort();
  for (const name of names) {
    const special = folder.nodes.get(name);
    const extras = special?.extras ?? folder.files.get(name)!.extras;
    const record = entryRecord(name, extras, joinBytes(path, name), special);
    if (record.time !== undefined || record.flags || record.data || record.linkTo !== undefined || record.node) yield record;
  }
}

function entryRecord(name: ByteString, { time, flags, data, group }: Extras, path: ByteString, special: SpecialNode | undefined): EntryRecord {
  const linkTo = group !== undefined && group.count > 1 && group.leader !== path ? group.leader : undefined;
  return { name, time, flags, data, linkTo, node: special?.node };
}

function sortedKeys(map: ReadonlyMap<ByteString, unknown>): ByteString[] {
  return [...map.keys()].sort();
}

function sortedTree({ files, dirs }: DirTree): DirTree {
  const byName = (a: { name: ByteString }, b: { name: ByteString }): number => (a.name < b.name ? -1 : 1);
  return { files: [...files].sort(byName), dirs: [...dirs].sort(byName) };
}
