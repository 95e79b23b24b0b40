/**
 * Turns a working tree into objects, leaves first: dirtree and dirmeta for each folder, and its sidecar.
 *
 * The sidecar is a tree of its own with the same folders. A folder without subfolders (and without odd names) is one file,
 * its record, under its escaped name; any other is a folder that holds its record in the file `%`. Entries whose names are
 * not UTF-8 stand, under escaped names, in the folder `%.names`, so that everything a commit needs is reachable for ostree.
 * What OSTree can't hold as an object at all (devices, FIFOs, links whose targets are not UTF-8) is in the records.
 */
import { type ByteString, EMPTY, isUtf8, joinBytes } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { encodeDirMeta } from "../../codec/ostree/dirmeta.ts";
import { type DirTree, type TreeDir, type TreeFile, encodeDirTree } from "../../codec/ostree/dirtree.ts";
import { type EntryRecord, encodeFolderRecord } from "../../codec/sidecar/folder-record.ts";
import { ODD_NAMES, RECORD_NAME, escapeName } from "../../codec/sidecar/sidecar-name.ts";
import type { MetadataKind } from "../object-files.ts";
import type { SidecarRef } from "./folder-view.ts";
import { type Extras, type FolderNode, type SpecialNode, settleLinkGroups } from "./working-tree.ts";

export interface WrittenTree {
  readonly tree: Checksum;
  readonly meta: Checksum;
  /** The root dirtree of the sidecar; undefined where there is nothing to keep in one. */
  readonly sidecar: Checksum | undefined;
}

/** Metadata of every folder of a sidecar. */
export const SIDECAR_DIR_META = encodeDirMeta({ uid: 0, gid: 0, mode: 0o040755, xattrs: [] });

export interface WriteTreeOptions {
  readonly sidecar: boolean;
  /** What a folder is known to become, where nothing has changed in itself; its subfolders are looked at all the same. */
  readonly known?: ((folder: FolderNode) => FolderIdentity | undefined) | undefined;
  /** What a folder is that nobody has looked into: nothing of it, nor below it, is written. */
  readonly unseen?: ((folder: FolderNode) => FolderIdentity | undefined) | undefined;
  /** The groups of hard links are settled: not all of their names need be in what is in memory of the tree. */
  readonly linksAreSettled?: boolean | undefined;
}

/** Where the objects of a tree go: into a transaction, or nowhere when only their checksums are asked for. */
export interface TreeSink {
  metadata(kind: MetadataKind, data: Buffer): Checksum;
  record(data: Buffer): Checksum;
  /** Whether all objects that the folder itself consists of are there, so that they need not be made. */
  has(folder: FolderIdentity): boolean;
}

/** What a folder became; kept with the node, so that trees can be compared from the top. */
export interface FolderIdentity {
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: SidecarRef;
  /** The record in the sidecar. */
  readonly record: Checksum | undefined;
}

const identities = new WeakMap<FolderNode, FolderIdentity>();

/** What the folder became when its tree was last written. */
export function identityOf(folder: FolderNode): FolderIdentity | undefined {
  return identities.get(folder);
}

/** Makes the folders of the tree objects of the sink. Throws what the sink throws, such as `no-space`. */
export function writeTree(sink: TreeSink, root: FolderNode, options: WriteTreeOptions): WrittenTree {
  if (options.linksAreSettled !== true) settleLinkGroups(root);
  const written = writeFolder(sink, root, EMPTY, options).identity;
  const { tree, meta } = written;
  if (written.sidecar === undefined) return { tree, meta, sidecar: undefined };
  const sidecar = rootOfSidecar(sink, written.sidecar);
  identities.set(root, { ...written, sidecar: { kind: "folder", tree: sidecar } });
  return { tree, meta, sidecar };
}

/** The root is always a folder: a commit needs one. */
export function rootOfSidecar(sink: Pick<TreeSink, "metadata">, sidecar: SidecarRef & object): Checksum {
  if (sidecar.kind === "folder") return sidecar.tree;
  const files = [{ name: RECORD_NAME, checksum: sidecar.checksum }];
  sink.metadata("dirmeta", SIDECAR_DIR_META);
  return sink.metadata("dirtree", encodeDirTree({ files, dirs: [] }));
}

interface WrittenFolder {
  readonly identity: FolderIdentity;
  /** It is what it was known to be, and so is all below it. */
  readonly asKnown: boolean;
}

function writeFolder(sink: TreeSink, folder: FolderNode, path: ByteString, options: WriteTreeOptions): WrittenFolder {
  const unseen = options.unseen?.(folder);
  if (unseen !== undefined) {
    identities.set(folder, unseen);
    return { identity: unseen, asKnown: true };
  }
  const below = sortedKeys(folder.dirs).map((name) => {
    return { name, ...writeFolder(sink, folder.dirs.get(name)!, joinBytes(path, name), options) };
  });
  const known = below.every(({ asKnown }) => asKnown) ? options.known?.(folder) : undefined;
  const asKnown = known !== undefined && sink.has(known);
  const identity = asKnown ? known : encodeFolder(sink, folder, path, below, options);
  identities.set(folder, identity);
  return { identity, asKnown };
}

function encodeFolder(
  sink: TreeSink,
  folder: FolderNode,
  path: ByteString,
  below: readonly { readonly name: ByteString; readonly identity: FolderIdentity }[],
  options: WriteTreeOptions,
): FolderIdentity {
  const files: TreeFile[] = [];
  const dirs: TreeDir[] = [];
  const odd = { files: [] as TreeFile[], dirs: [] as TreeDir[] };
  const sidecars: { name: ByteString; entry: SidecarRef & object }[] = [];
  for (const name of sortedKeys(folder.files)) {
    const file = { name, checksum: folder.files.get(name)!.checksum };
    if (isUtf8(name)) files.push(file);
    else odd.files.push({ ...file, name: escapeName(name) });
  }
  for (const { name, identity } of below) {
    const { tree, meta, sidecar } = identity;
    if (isUtf8(name)) dirs.push({ name, tree, meta });
    else odd.dirs.push({ name: escapeName(name), tree, meta });
    if (sidecar !== undefined) sidecars.push({ name: escapeName(name), entry: sidecar });
  }
  const tree = sink.metadata("dirtree", encodeDirTree({ files, dirs }));
  const meta = sink.metadata("dirmeta", encodeDirMeta(folder.meta));
  if (!options.sidecar) return { tree, meta, sidecar: undefined, record: undefined };
  const record = sink.record(encodeFolderRecord(folderEntries(folder, path)));
  return { tree, meta, record, sidecar: writeSidecar(sink, record, odd, sidecars) };
}

/** The one form that a folder's sidecar has; `children` are the sidecars of its folders by escaped name. */
export function writeSidecar(
  sink: Pick<TreeSink, "metadata">,
  record: Checksum,
  odd: DirTree,
  children: readonly { name: ByteString; entry: SidecarRef & object }[],
): SidecarRef & object {
  const hasOdd = odd.files.length > 0 || odd.dirs.length > 0;
  if (children.length === 0 && !hasOdd) return { kind: "record", checksum: record };
  const meta = sink.metadata("dirmeta", SIDECAR_DIR_META);
  const files: TreeFile[] = [{ name: RECORD_NAME, checksum: record }];
  const dirs: TreeDir[] = [];
  if (hasOdd) dirs.push({ name: ODD_NAMES, tree: sink.metadata("dirtree", encodeDirTree(sortedTree(odd))), meta });
  for (const { name, entry } of children) {
    if (entry.kind === "record") files.push({ name, checksum: entry.checksum });
    else dirs.push({ name, tree: entry.tree, meta });
  }
  return { kind: "folder", tree: sink.metadata("dirtree", encodeDirTree(sortedTree({ files, dirs }))) };
}

function* folderEntries(folder: FolderNode, path: ByteString): Generator<EntryRecord> {
  const self = entryRecord(EMPTY, folder.extras, path, undefined);
  if (isWorthKeeping(self)) yield self;
  const names = folder.nodes.size === 0 ? sortedKeys(folder.files) : [...folder.files.keys(), ...folder.nodes.keys()].sort();
  for (const name of names) {
    const special = folder.nodes.get(name);
    const extras = special?.extras ?? folder.files.get(name)!.extras;
    const record = entryRecord(name, extras, joinBytes(path, name), special);
    if (isWorthKeeping(record)) yield record;
  }
}

/** Whether it says anything at all. */
export function isWorthKeeping({ time, flags, data, linkTo, node, emptyXattrs }: EntryRecord): boolean {
  return time !== undefined || Boolean(flags) || [data, linkTo, node, emptyXattrs].some((field) => field !== undefined);
}

function entryRecord(name: ByteString, extras: Extras, path: ByteString, special: SpecialNode | undefined): EntryRecord {
  const record = extrasRecord(name, extras, path);
  return special === undefined ? record : { ...record, node: special.node };
}

/** What the sidecar keeps of the entry at `path`. The tree's groups of hard links must be settled. */
export function extrasRecord(name: ByteString, { time, flags, data, group, emptyXattrs }: Extras, path: ByteString): EntryRecord {
  const linkTo = group !== undefined && group.count > 1 && group.leader !== path ? group.leader : undefined;
  return { name, time, flags, data, linkTo, emptyXattrs };
}

function sortedKeys(map: ReadonlyMap<ByteString, unknown>): ByteString[] {
  return [...map.keys()].sort();
}

function sortedTree({ files, dirs }: DirTree): DirTree {
  const byName = (a: { name: ByteString }, b: { name: ByteString }): number => (a.name < b.name ? -1 : 1);
  return { files: [...files].sort(byName), dirs: [...dirs].sort(byName) };
}
