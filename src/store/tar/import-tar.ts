/**
 * A tar archive as a working tree. Contents are staged as they stream by; of everything else there is one node in memory.
 * What the archive says is what a folder with the same files says: unpacked and committed, it gives the same checksums.
 *
 * The one thing that is not taken as it stands is a link's mode: Linux knows only 0777, and a repository of mode bare could not
 * give another one back.
 */
import { type ByteString, EMPTY, isUtf8 } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { type Observer, notice, report } from "../../base/events.ts";
import type { DirMeta } from "../../codec/ostree/dirmeta.ts";
import type { TarEntry } from "../../codec/tar/entry.ts";
import { readTar } from "../../codec/tar/read.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from "../../sys/stat.ts";
import { readUnpacked } from "../../sys/unpacked-stream.ts";
import { type ScanOptions, committedOwnership, committedXattrs, emptyXattrs, nodeXattrs } from "../scan/scan-options.ts";
import { type ScanCounts, newScanCounts } from "../scan/scan-state.ts";
import { stageContent } from "../stage-content.ts";
import { stageStream } from "../stage-stream.ts";
import type { Transaction } from "../transaction.ts";
import { type Extras, type FolderNode, NO_EXTRAS, type SpecialNode, newFolder } from "../tree/working-tree.ts";
import { shownPath, unsupportedEntry } from "./entry-path.ts";
import { expandHoles, joinStretches } from "./expand-holes.ts";
import { type GrowingTree, placeFile, placeFolder, placeLink, placeNode } from "./place-entry.ts";

export interface TarImport {
  readonly transaction: Transaction;
  readonly options: ScanOptions;
  /** What the archive is laid over, and changed by that; undefined is an empty tree. */
  readonly base: FolderNode | undefined;
  /** Folders that the archive has no entry for are made, root's and with mode 0755; else they are missed. */
  readonly autocreateParents: boolean;
  readonly observer: Observer;
}

export interface ImportedTar {
  readonly root: FolderNode;
  readonly counts: ScanCounts;
}

interface Running {
  readonly request: TarImport;
  readonly tree: GrowingTree;
  readonly counts: ScanCounts;
  /** What could not be kept: how often, and of which entry first. */
  readonly losses: Map<string, { count: number; first: ByteString }>;
}

const LINK_MODE = 0o777;
/** What Linux takes for the target of a link, in bytes. */
const LONGEST_TARGET = 4095;
const REPORT_EVERY = 512;
const NO_DATA = Buffer.alloc(0);

/**
 * Reads the archive at a path, or from an open file or pipe, packed or not. Throws `corrupt`, `hostile` for names that lead out
 * of the tree, `unsupported`, `not-found`, `missing-program`, `program-failed`, `no-space`, `cancelled`, SystemError.
 */
export async function importTar(source: string | number, request: TarImport): Promise<ImportedTar> {
  const { transaction, observer, options, autocreateParents } = request;
  const implied = { ...committedOwnership(options, { uid: 0, gid: 0, mode: S_IFDIR | 0o755 }), xattrs: [] };
  const impliedMeta = autocreateParents ? implied : undefined;
  const tree = { root: request.base ?? newFolder(implied), impliedMeta, names: 0, implied: 0 };
  const run: Running = { request, tree, counts: newScanCounts(), losses: new Map() };
  const before = { files: transaction.stagedFiles, bytes: transaction.stagedBytes };
  let entries = 0;
  for await (const entry of readTar(readUnpacked(source, observer.signal))) {
    throwIfCancelled(observer.signal);
    await takeEntry(run, entry);
    countLosses(run, entry);
    if (++entries % REPORT_EVERY === 0) tell(run);
  }
  tell(run);
  for (const [loss, { count, first }] of run.losses)
    notice(observer, "tar", `${count === 1 ? "" : `of ${count} entries, this the first: `}${loss}`, shownPath(first));
  const { stagedFiles, stagedBytes } = transaction;
  return {
    root: tree.root,
    counts: { ...run.counts, stagedFiles: stagedFiles - before.files, stagedBytes: stagedBytes - before.bytes },
  };
}

async function takeEntry(run: Running, entry: TarEntry): Promise<void> {
  const { tree, counts } = run;
  if (entry.type === "directory") {
    placeFolder(tree, entry.name, metaOf(run, entry, S_IFDIR), extrasOf(run, entry));
    counts.folders++;
    return;
  }
  if (entry.type === "hardlink") placeLink(tree, entry.name, entry.linkName);
  else if (entry.type === "file") await takeFile(run, entry);
  else if (entry.type === "symlink") takeSymlink(run, entry);
  else takeNode(run, entry);
  if (entry.type === "file" || entry.type === "symlink" || entry.type === "hardlink") counts.files++;
}

async function takeFile(run: Running, entry: TarEntry): Promise<void> {
  const { transaction, observer } = run.request;
  const meta = { ...metaOf(run, entry, S_IFREG), target: EMPTY };
  const chunks = entry.sparse === undefined ? entry.content : expandHoles(entry.content, entry.size, entry.sparse);
  const checksum = await stageStream(transaction, meta, entry.size, chunks, observer.signal);
  countHashed(run, entry.size);
  placeFile(run.tree, entry.name, { checksum, extras: extrasOf(run, entry) });
}

function takeSymlink(run: Running, entry: TarEntry): void {
  const target = entry.linkName;
  if (target.length > LONGEST_TARGET) throw unsupportedEntry(entry.name, `its target has more than ${LONGEST_TARGET} bytes`);
  // OSTree's text type holds UTF-8 only, so another target can be in no object.
  if (!isUtf8(target)) return placeNode(run.tree, entry.name, nodeOf(run, { ...entry, mode: LINK_MODE }, S_IFLNK, target));
  const meta = { ...metaOf(run, { ...entry, mode: LINK_MODE }, S_IFLNK), target };
  const checksum = stageContent(run.request.transaction, meta, NO_DATA);
  countHashed(run, 0);
  placeFile(run.tree, entry.name, { checksum, extras: extrasOf(run, entry) });
}

function takeNode(run: Running, entry: TarEntry): void {
  const type = entry.type === "fifo" ? S_IFIFO : entry.type === "block" ? S_IFBLK : S_IFCHR;
  placeNode(run.tree, entry.name, nodeOf(run, entry, type));
}

function nodeOf({ request: { options } }: Running, entry: TarEntry, type: number, target?: ByteString): SpecialNode {
  const { uid, gid, mode, devMajor, devMinor, mtime, xattrs } = entry;
  const ownership = committedOwnership(options, { uid, gid, mode: type | mode });
  const node = { ...ownership, major: devMajor, minor: devMinor, xattrs: nodeXattrs(options, xattrs), target };
  return { node, extras: { ...NO_EXTRAS, time: mtime } };
}

function metaOf({ request: { options } }: Running, { uid, gid, mode, xattrs }: TarEntry, type: number): DirMeta {
  return { ...committedOwnership(options, { uid, gid, mode: type | mode }), xattrs: committedXattrs(options, xattrs) };
}

function extrasOf({ request: { options } }: Running, { mtime, sparse, size, xattrs }: TarEntry): Extras {
  const data = sparse === undefined ? undefined : joinStretches(sparse, size);
  return { time: mtime, flags: 0, data, group: undefined, emptyXattrs: emptyXattrs(options, xattrs) };
}

function countHashed({ counts }: Running, bytes: number): void {
  counts.hashed++;
  counts.bytes += bytes;
}

function countLosses({ losses }: Running, { name, warnings }: TarEntry): void {
  for (const warning of warnings) {
    const loss = losses.get(warning);
    if (loss === undefined) losses.set(warning, { count: 1, first: name });
    else loss.count++;
  }
}

function tell({ request, counts }: Running): void {
  report(request.observer, "import", { done: counts.files, bytes: counts.bytes });
}
