/**
 * A tar archive as a working tree, its contents staged. Nothing is unpacked: names that lead out of the tree, or through
 * something that is no folder, are refused where they are met. A later entry replaces an earlier one of the same name.
 */
import { type ByteString, EMPTY, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, notice, report } from "../../base/events.ts";
import type { TarEntry } from "../../codec/tar/entry.ts";
import { readTar } from "../../codec/tar/read.ts";
import type { ScannedFolder } from "../scan/scan-folder.ts";
import { type ScanOptions, committedOwnership, committedXattrs } from "../scan/scan-options.ts";
import { stageContent } from "../stage-content.ts";
import type { Transaction } from "../transaction.ts";
import { type Extras, type FolderNode, NO_EXTRAS, newFolder, removeEntry } from "../tree/working-tree.ts";
import { stageTarFile } from "./stage-tar-file.ts";

export interface TarRequest {
  readonly transaction: Transaction;
  readonly options: ScanOptions;
  readonly observer: Observer;
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const NODE_TYPES: Partial<Record<TarEntry["type"], number>> = { character: 0o020000, block: 0o060000, fifo: 0o010000 };

/** Throws `corrupt`, `hostile`, `unsupported`, `no-space`, `cancelled`. */
export async function loadTar(source: Chunks, request: TarRequest): Promise<ScannedFolder> {
  const root = newFolder({ ...committedOwnership(request.options, { uid: 0, gid: 0, mode: S_IFDIR | 0o755 }), xattrs: [] });
  const { transaction } = request;
  const before = { files: transaction.stagedFiles, bytes: transaction.stagedBytes };
  const counts = { files: 0, folders: 0, bytes: 0, hashed: 0, stagedFiles: 0, stagedBytes: 0, sockets: 0, vanished: 0, torn: 0 };
  for await (const entry of readTar(source)) {
    throwIfCancelled(request.observer.signal);
    for (const warning of entry.warnings) notice(request.observer, "tar", warning, displayBytes(entry.name));
    await place(root, entry, request);
    if (entry.type === "directory") counts.folders++;
    else counts.files++;
    counts.bytes += entry.size;
    report(request.observer, "import", { done: counts.files, bytes: counts.bytes });
  }
  const staged = { stagedFiles: transaction.stagedFiles - before.files, stagedBytes: transaction.stagedBytes - before.bytes };
  return { root, counts: { ...counts, ...staged, hashed: counts.files } };
}

async function place(root: FolderNode, entry: TarEntry, request: TarRequest): Promise<void> {
  const pieces = piecesOf(entry.name);
  if (entry.type === "directory") return placeFolder(root, pieces, entry, request);
  const name = pieces.pop();
  if (name === undefined) throw hostile(entry.name, "its name is that of the root, and it is no folder");
  if (entry.type === "hardlink") return placeLink(root, pieces, name, entry, request);
  const parent = folderAt(root, pieces, entry.name, request);
  const { uid, gid, mode } = committedOwnership(request.options, { ...entry, mode: typeBits(entry) | entry.mode });
  const xattrs = committedXattrs(request.options, entry.xattrs);
  const extras = extrasOf(entry);
  if (entry.type === "file" || entry.type === "symlink") {
    const meta = { uid, gid, mode, target: entry.type === "symlink" ? entry.linkName : EMPTY, xattrs };
    const { transaction } = request;
    const checksum =
      entry.type === "file" ? await stageTarFile(transaction, meta, entry) : stageContent(transaction, meta, Buffer.alloc(0));
    removeEntry(parent, name);
    parent.files.set(name, { checksum, extras });
    return;
  }
  removeEntry(parent, name);
  const node = { uid, gid, mode, major: entry.devMajor, minor: entry.devMinor, xattrs };
  parent.nodes.set(name, { node, extras });
}

function placeFolder(root: FolderNode, pieces: readonly ByteString[], entry: TarEntry, request: TarRequest): void {
  const folder = folderAt(root, pieces, entry.name, request, true);
  const owned = committedOwnership(request.options, { ...entry, mode: S_IFDIR | entry.mode });
  folder.meta = { uid: owned.uid, gid: owned.gid, mode: owned.mode, xattrs: committedXattrs(request.options, entry.xattrs) };
  folder.extras = extrasOf(entry);
}

/** A further name of something that the archive has had already. */
function placeLink(root: FolderNode, pieces: ByteString[], name: ByteString, entry: TarEntry, request: TarRequest): void {
  const target = piecesOf(entry.linkName);
  const targetName = target.pop() ?? EMPTY;
  const owner = tryFolderAt(root, target);
  const shared = owner?.files.get(targetName) ?? owner?.nodes.get(targetName);
  if (shared === undefined) {
    const path = displayBytes(entry.name);
    throw new RegrowError("corrupt", `${path}: is a link to ${displayBytes(entry.linkName)}, which the archive has not had.`, {
      path,
    });
  }
  const group = shared.extras.group ?? { leader: undefined, count: 0 };
  const linked = { ...shared, extras: { ...shared.extras, group } };
  const parent = folderAt(root, pieces, entry.name, request);
  for (const [folder, at] of [
    [owner!, targetName],
    [parent, name],
  ] as const) {
    removeEntry(folder, at);
    if ("node" in linked) folder.nodes.set(at, { ...linked });
    else folder.files.set(at, { ...linked });
  }
}

/** Folders that the archive does not mention are made. */
function folderAt(
  root: FolderNode,
  pieces: readonly ByteString[],
  name: ByteString,
  { options }: TarRequest,
  replaces = false,
): FolderNode {
  let folder = root;
  for (const [index, piece] of pieces.entries()) {
    let next = folder.dirs.get(piece);
    if (next === undefined) {
      const isTaken = folder.files.has(piece) || folder.nodes.has(piece);
      if (isTaken && !(replaces && index === pieces.length - 1))
        throw hostile(name, "the way there leads through something that is no folder");
      removeEntry(folder, piece);
      next = newFolder({ ...committedOwnership(options, { uid: 0, gid: 0, mode: S_IFDIR | 0o755 }), xattrs: [] });
      folder.dirs.set(piece, next);
    }
    folder = next;
  }
  return folder;
}

function tryFolderAt(root: FolderNode, pieces: readonly ByteString[]): FolderNode | undefined {
  let folder: FolderNode | undefined = root;
  for (const piece of pieces) folder = folder?.dirs.get(piece);
  return folder;
}

/** Leading slashes fall away, as in GNU tar. */
function piecesOf(name: ByteString): ByteString[] {
  const pieces = name.split("/").filter((piece) => piece !== "" && piece !== ".") as ByteString[];
  if (pieces.some((piece) => piece === "..")) throw hostile(name, "it leads out of the tree");
  return pieces;
}

function extrasOf({ mtime, sparse }: TarEntry): Extras {
  return { ...NO_EXTRAS, time: mtime, data: sparse };
}

function typeBits({ type }: TarEntry): number {
  return NODE_TYPES[type] ?? (type === "symlink" ? S_IFLNK : S_IFREG);
}

function hostile(name: ByteString, reason: string): RegrowError {
  const path = displayBytes(name);
  return new RegrowError("hostile", `${path}: ${reason}.`, {
    path,
    hint: "Look at the archive with `tar -tvf` before you trust it.",
  });
}
