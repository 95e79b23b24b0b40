/**
 * A commit as a tar archive, with what its sidecar keeps: times, hard links, holes, devices. Entries come in the order of
 * their whole paths, so that the first name of a file with several, its leader, is always the one that has the content.
 */
import { type ByteString, EMPTY, joinBytes } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { isLink } from "../../codec/ostree/content.ts";
import type { EntryRecord } from "../../codec/sidecar/folder-record.ts";
import type { TarExtent, TarTime, TarType, TarWriteEntry } from "../../codec/tar/entry.ts";
import { writeTar } from "../../codec/tar/write.ts";
import { contentChunks } from "../content/content-chunks.ts";
import { closeContent, openContent } from "../content/content-format.ts";
import { loadCommit, loadDirMeta } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { type FolderRef, type FoundEntry, entryIn } from "../tree/find-entry.ts";
import { refuseTooDeep } from "../tree/depth-limit.ts";
import { type ViewFile, type ViewNode, rootSidecar, viewFolder } from "../tree/folder-view.ts";

interface Export {
  readonly repository: Repository;
  readonly root: FolderRef;
  /** For entries whose time is not kept. */
  readonly time: TarTime;
  readonly observer: Observer;
  files: number;
  bytes: number;
}

const PERMISSIONS = 0o7777;
const NODE_TYPES: Record<number, TarType> = { 0o020000: "character", 0o060000: "block", 0o010000: "fifo" };

/** The archive in chunks; one is to be used before the next is asked for. Throws `not-found`, `corrupt`, `hostile`, `cancelled`. */
export function exportTar(repository: Repository, checksum: Checksum, observer: Observer = {}): AsyncGenerator<Uint8Array> {
  const commit = loadCommit(repository, checksum);
  const root = { tree: commit.tree, meta: commit.meta, sidecar: rootSidecar(repository, commit) };
  // ostree sets all times to 0; that of the commit is as good for who can't have the true one, and says more.
  const time = { seconds: commit.timestamp, nanoseconds: 0 };
  return writeTar(folderEntries({ repository, root, time, observer, files: 0, bytes: 0 }, EMPTY, root));
}

async function* folderEntries(state: Export, path: ByteString, folder: FolderRef): AsyncGenerator<TarWriteEntry> {
  throwIfCancelled(state.observer.signal);
  refuseTooDeep(path);
  const view = viewFolder(state.repository, folder.tree, folder.sidecar);
  const meta = loadDirMeta(state.repository, folder.meta);
  yield {
    ...owned(meta),
    name: `${path === "" ? "." : path}/` as ByteString,
    type: "directory",
    mtime: timeOf(state, view.self),
  };
  const entries: { key: string; entry: FoundEntry & { name: ByteString } }[] = [
    ...view.dirs.map((dir) => ({ key: `${dir.name}/`, entry: { kind: "folder" as const, ...dir } })),
    ...view.files.map((file) => ({ key: file.name, entry: { kind: "file" as const, ...file } })),
    ...view.nodes.map((node) => ({ key: node.name, entry: { kind: "node" as const, ...node } })),
  ];
  entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { entry } of entries) {
    const at = joinBytes(path, entry.name);
    if (entry.kind === "folder") yield* folderEntries(state, at, entry);
    else if (entry.kind === "file") yield* fileEntry(state, at, entry);
    else yield nodeEntry(state, at, entry);
  }
}

async function* fileEntry(state: Export, path: ByteString, file: ViewFile): AsyncGenerator<TarWriteEntry> {
  const { record, checksum } = file;
  const content = openContent(state.repository, checksum);
  try {
    const base = { ...owned(content.meta), name: path, mtime: timeOf(state, record) };
    if (record?.linkTo !== undefined && isSameFile(state, record.linkTo, checksum)) {
      yield { ...base, type: "hardlink", linkName: record.linkTo };
    } else if (isLink(content.meta)) yield { ...base, type: "symlink", linkName: content.meta.target };
    else {
      const sparse = extentsWithin(record, content.size);
      const chunks = contentChunks(content);
      const stored = sparse === undefined ? chunks : extentsOf(chunks, sparse);
      yield { ...base, type: "file", size: content.size, content: stored, ...(sparse && { sparse }) };
    }
    state.files++;
    state.bytes += content.size;
    report(state.observer, "export", { done: state.files, bytes: state.bytes });
  } finally {
    closeContent(content);
  }
}

function nodeEntry(state: Export, path: ByteString, { node, record }: ViewNode): TarWriteEntry {
  const type = NODE_TYPES[node.mode & ~PERMISSIONS]!;
  const base = { ...owned(node), name: path, mtime: timeOf(state, record) };
  if (record.linkTo !== undefined && findAt(state, record.linkTo)?.kind === "node") {
    return { ...base, type: "hardlink", linkName: record.linkTo };
  }
  return type === "fifo" ? { ...base, type } : { ...base, type, devMajor: node.major, devMinor: node.minor };
}

/** A leader that is not what it should be would make the archive unreadable: then the name stands for itself. */
function isSameFile(state: Export, leader: ByteString, checksum: Checksum): boolean {
  const found = findAt(state, leader);
  return found?.kind === "file" && found.checksum === checksum;
}

function findAt({ repository, root }: Export, path: ByteString): FoundEntry | undefined {
  let found: FoundEntry | undefined = { kind: "folder", ...root };
  for (const name of path.split("/") as ByteString[]) {
    if (found?.kind !== "folder") return undefined;
    found = entryIn(viewFolder(repository, found.tree, found.sidecar), name);
  }
  return found;
}

function owned({
  uid,
  gid,
  mode,
  xattrs,
}: Omit<ViewNode["node"], "major" | "minor">): Pick<TarWriteEntry, "uid" | "gid" | "mode" | "xattrs"> {
  return { uid, gid, mode: mode & PERMISSIONS, xattrs };
}

function timeOf({ time }: Export, record: EntryRecord | undefined): TarTime {
  return record?.time ?? time;
}

/** Undefined for a file without holes, and where the record tells of more than there is. */
function extentsWithin(record: EntryRecord | undefined, size: number): readonly TarExtent[] | undefined {
  const last = record?.data?.at(-1);
  return last !== undefined && last.offset + last.length > size ? undefined : record?.data;
}

async function* extentsOf(chunks: AsyncIterable<Buffer>, extents: readonly TarExtent[]): AsyncGenerator<Buffer> {
  let position = 0;
  let next = 0;
  for await (const chunk of chunks) {
    const end = position + chunk.length;
    for (; next < extents.length && extents[next]!.offset < end; next++) {
      const { offset, length } = extents[next]!;
      yield chunk.subarray(Math.max(0, offset - position), Math.min(chunk.length, offset + length - position));
      if (offset + length > end) break;
    }
    position = end;
  }
}
