/**
 * One folder of a commit, whole: what its dirtree lists and what its sidecar adds (times, flags, holes, hard links, device
 * nodes, names that are not UTF-8). Everything that reads a commit's tree reads it through here.
 */
import { type ByteString, EMPTY } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import { lookUp } from "../../codec/gvariant/value.ts";
import type { DirTree } from "../../codec/ostree/dirtree.ts";
import { type EntryRecord, type NodeRecord, decodeFolderRecord } from "../../codec/sidecar/folder-record.ts";
import { ODD_NAMES, RECORD_NAME, escapeName, unescapeName } from "../../codec/sidecar/sidecar-name.ts";
import { checksumFromRaw, checksumOf } from "../../codec/ostree/checksum.ts";
import { encodeContentHeader } from "../../codec/ostree/content.ts";
import { RegrowError } from "../../base/errors.ts";
import { readSmallFileAt } from "../../sys/read-file.ts";
import { closeContent, openContent, readPayload } from "../content/content-format.ts";
import { damagedObject, hasObject, loadCommit, loadDirTree, objectFile } from "../object-files.ts";
import type { Repository } from "../repository.ts";

/** Where a folder's sidecar is; undefined where there is none. */
export type SidecarRef =
  | { readonly kind: "record"; readonly checksum: Checksum }
  | { readonly kind: "folder"; readonly tree: Checksum }
  | undefined;

export interface ViewFile {
  readonly name: ByteString;
  readonly checksum: Checksum;
  /** What the sidecar keeps of it. */
  readonly record: EntryRecord | undefined;
}

export interface ViewDir {
  readonly name: ByteString;
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: SidecarRef;
}

export interface ViewNode {
  readonly name: ByteString;
  readonly node: NodeRecord;
  readonly record: EntryRecord;
}

export interface FolderView {
  /** Sorted by name, as are the other lists. */
  readonly files: readonly ViewFile[];
  readonly dirs: readonly ViewDir[];
  /** Device nodes and FIFOs. */
  readonly nodes: readonly ViewNode[];
  /** The folder's own record. */
  readonly self: EntryRecord | undefined;
}

/** The key of a commit's metadata that names the commit of its sidecar (`ay`, 32 bytes). */
export const SIDECAR_KEY = "regrow.sidecar";
/** A record of a folder of a million entries fits; a larger one is damaged or hostile. */
export const MAX_RECORD = 256 * 1024 * 1024;

/** The commit that holds the sidecar of `commit`, or undefined. Throws `corrupt`. */
export function sidecarCommitOf(commit: Commit): Checksum | undefined {
  const raw = lookUp(commit.metadata, SIDECAR_KEY, "ay") as Buffer | undefined;
  return raw === undefined ? undefined : checksumFromRaw(raw);
}

/** The sidecar of a commit's root folder; undefined where it has none or where the objects did not come along. */
export function rootSidecar(repository: Repository, commit: Commit): SidecarRef {
  const checksum = sidecarCommitOf(commit);
  if (checksum === undefined || !hasObject(repository, "commit", checksum)) return undefined;
  const { tree } = loadCommit(repository, checksum);
  return hasObject(repository, "dirtree", tree) ? { kind: "folder", tree } : undefined;
}

/** Throws `not-found`, `corrupt`, `hostile`. */
export function viewFolder(repository: Repository, tree: Checksum, sidecar: SidecarRef): FolderView {
  const plain = loadDirTree(repository, tree);
  if (sidecar === undefined) return plainView(plain);
  const parts = loadSidecar(repository, sidecar);
  const files = plain.files.map(({ name, checksum }) => ({ name, checksum, record: parts.records.get(name) }));
  const dirs = plain.dirs.map((dir) => ({ ...dir, sidecar: parts.children.get(escapeName(dir.name)) }));
  for (const file of parts.odd.files) {
    const name = unescapeName(file.name);
    files.push({ name, checksum: file.checksum, record: parts.records.get(name) });
  }
  for (const dir of parts.odd.dirs) dirs.push({ ...dir, name: unescapeName(dir.name), sidecar: parts.children.get(dir.name) });
  const nodes: ViewNode[] = [];
  for (const record of parts.records.values())
    if (record.node !== undefined) nodes.push({ name: record.name, node: record.node, record });
  if (parts.odd.files.length + parts.odd.dirs.length > 0) {
    files.sort(byName);
    dirs.sort(byName);
  }
  if (nodes.length + parts.odd.files.length + parts.odd.dirs.length > 0) refuseTwins(repository, tree, files, dirs, nodes);
  return { files, dirs, nodes, self: parts.records.get("" as ByteString) };
}

/** A folder's part of the sidecar. */
export interface SidecarParts {
  readonly records: ReadonlyMap<ByteString, EntryRecord>;
  /** The entries whose names are not UTF-8, under escaped names. */
  readonly odd: DirTree;
  /** The sidecars of its folders, by escaped name. */
  readonly children: ReadonlyMap<ByteString, SidecarRef & object>;
}

const EMPTY_TREE: DirTree = { files: [], dirs: [] };

function plainView({ files, dirs }: DirTree): FolderView {
  return {
    files: files.map(({ name, checksum }) => ({ name, checksum, record: undefined })),
    dirs: dirs.map((dir) => ({ ...dir, sidecar: undefined })),
    nodes: [],
    self: undefined,
  };
}

/** Throws `not-found`, `corrupt`, `hostile`. */
export function loadSidecar(repository: Repository, sidecar: SidecarRef & object): SidecarParts {
  if (sidecar.kind === "record")
    return { records: loadRecords(repository, sidecar.checksum), odd: EMPTY_TREE, children: new Map() };
  const { files, dirs } = loadDirTree(repository, sidecar.tree);
  const own = files.find(({ name }) => name === RECORD_NAME);
  const odd = dirs.find(({ name }) => name === ODD_NAMES);
  const children = new Map<ByteString, SidecarRef & object>();
  for (const { name, checksum } of files) if (name !== RECORD_NAME) children.set(name, { kind: "record", checksum });
  for (const { name, tree } of dirs) if (name !== ODD_NAMES) children.set(name, { kind: "folder", tree });
  return {
    records: own === undefined ? new Map() : loadRecords(repository, own.checksum),
    odd: odd === undefined ? EMPTY_TREE : loadDirTree(repository, odd.tree),
    children,
  };
}

/** As regrow writes them. */
const RECORD_HEADER = encodeContentHeader({ uid: 0, gid: 0, mode: 0o100644, target: EMPTY, xattrs: [] });
const scratch = Buffer.allocUnsafeSlow(64 * 1024);
RECORD_HEADER.copy(scratch);

function loadRecords(repository: Repository, checksum: Checksum): Map<ByteString, EntryRecord> {
  const small = tryReadSmallRecord(repository, checksum);
  if (small !== undefined) return parseRecords(repository, checksum, small);
  const content = openContent(repository, checksum);
  try {
    if (content.size > MAX_RECORD) throw damagedObject(repository, "file", checksum, "it is too large for a sidecar");
    const data = readPayload(content);
    if (checksumOf(Buffer.concat([encodeContentHeader(content.meta), data])) !== checksum) {
      throw damagedObject(repository, "file", checksum, "its content does not match its checksum");
    }
    return parseRecords(repository, checksum, data);
  } finally {
    closeContent(content);
  }
}

/** Where it is a plain file of that very content, which its checksum proves: undefined where it is not as simple as that. */
function tryReadSmallRecord(repository: Repository, checksum: Checksum): Buffer | undefined {
  if (repository.config.mode === "archive") return undefined;
  const start = RECORD_HEADER.length;
  const count = readSmallFileAt(repository.objectsFd, objectFile(repository, "file", checksum), scratch, start);
  if (count <= 0 || checksumOf(scratch.subarray(0, start + count)) !== checksum) return undefined;
  return Buffer.from(scratch.subarray(start, start + count));
}

function parseRecords(repository: Repository, checksum: Checksum, data: Buffer): Map<ByteString, EntryRecord> {
  try {
    const records = new Map<ByteString, EntryRecord>();
    for (const record of decodeFolderRecord(data)) records.set(record.name, record);
    return records;
  } catch (error) {
    if (error instanceof RegrowError && error.code === "corrupt" && error.path === undefined) {
      throw damagedObject(repository, "file", checksum, error.message, error);
    }
    throw error;
  }
}

/** The sidecar must not name what the tree has already: the second would be written over, or through, the first. */
function refuseTwins(repository: Repository, tree: Checksum, ...lists: readonly (readonly { name: ByteString }[])[]): void {
  const seen = new Set<ByteString>();
  let count = 0;
  for (const list of lists) {
    for (const { name } of list) seen.add(name);
    count += list.length;
  }
  if (seen.size !== count) throw damagedObject(repository, "dirtree", tree, "its sidecar names an entry that is there already");
}

function byName(a: { name: ByteString }, b: { name: ByteString }): number {
  return a.name < b.name ? -1 : 1;
}
