/**
 * A commit as a tar archive: with its sidecar, all that was committed but inode flags, which tar has no place for. The same commit
 * and options always give the same bytes.
 */
import { type ByteString, EMPTY, bytesOf, joinBytes } from "../../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { TarWriteEntry } from "../../codec/tar/entry.ts";
import { writeTar } from "../../codec/tar/write.ts";
import { writeNext } from "../../sys/write-stream.ts";
import { loadCommit } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { type FoundEntry, findEntry } from "../tree/find-entry.ts";
import { rootSidecar } from "../tree/folder-view.ts";
import { archiveEntries } from "./archive-entries.ts";
import { tellFlags } from "../tree/leave-tree.ts";
import { findLinkGroups } from "../tree/link-names.ts";
import { type TreeItem, walkInOrder } from "../tree/tree-order.ts";

export interface ExportOptions {
  /** Only what is at this path of the commit, a folder (which becomes the archive's root) or a file. */
  readonly subpath?: string | undefined;
  /** A relative path put in front of all names. */
  readonly prefix?: string | undefined;
  /** False leaves out what only the sidecar knows; times are then the commit's, as `ostree export` has them. */
  readonly sidecar?: boolean | undefined;
  readonly noXattrs?: boolean | undefined;
  /** Compare each file with its checksum on the way. */
  readonly verify?: boolean | undefined;
}

/** Where the archive goes: an open file or pipe, or whoever takes it; a chunk is valid until the promise is kept. */
export type TarTarget = number | ((chunk: Uint8Array) => Promise<void>);

export interface ExportCounts {
  files: number;
  folders: number;
  /** Of the archive. */
  bytes: number;
}

const REPORT_EVERY = 512;

/**
 * Writes the archive of a commit. Throws `not-found`, `corrupt`, `hostile`, `usage`, `unsupported` for what no archive can hold,
 * `cancelled`, SystemError. What was written until then is no archive.
 */
export async function exportTar(
  repository: Repository,
  commit: Checksum,
  target: TarTarget,
  options: ExportOptions = {},
  observer: Observer = {},
): Promise<ExportCounts> {
  const counts: ExportCounts = { files: 0, folders: 0, bytes: 0 };
  const write = typeof target === "number" ? (chunk: Uint8Array) => writeNext(target, chunk) : target;
  for await (const chunk of archiveChunks(repository, commit, options, observer, counts)) await write(chunk);
  return counts;
}

/** The same archive in chunks; one is valid until the next is asked for. Throws as `exportTar` does. */
export function streamTar(
  repository: Repository,
  commit: Checksum,
  options: ExportOptions = {},
  observer: Observer = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  return archiveChunks(repository, commit, options, observer, { files: 0, folders: 0, bytes: 0 });
}

async function* archiveChunks(
  repository: Repository,
  commit: Checksum,
  options: ExportOptions,
  observer: Observer,
  counts: ExportCounts,
): AsyncGenerator<Uint8Array, void, undefined> {
  const root = loadCommit(repository, commit);
  const sidecar = options.sidecar === false ? undefined : rootSidecar(repository, root);
  const path = pathOf(options.subpath ?? "");
  const found = findEntry(repository, { tree: root.tree, meta: root.meta, sidecar }, options.subpath ?? "");
  const items = (): Iterable<TreeItem> =>
    found.kind === "folder" ? walkInOrder(repository, path, found) : [leafItem(path, found)];
  const settings = {
    repository,
    nameOf: namer(found.kind === "folder" ? path : folderOf(path), prefixOf(options.prefix ?? "")),
    groups: sidecar === undefined ? new Map() : findLinkGroups(items()),
    time: { seconds: root.timestamp, nanoseconds: 0 },
    xattrs: options.noXattrs !== true,
    verify: options.verify === true,
  };
  const entries = counted(archiveEntries(settings, tellFlags(items(), "tar", observer)), counts, observer);
  for await (const chunk of writeTar(entries)) {
    throwIfCancelled(observer.signal);
    yield chunk;
    counts.bytes += chunk.length;
  }
  report(observer, "export", { done: counts.files, bytes: counts.bytes });
}

async function* counted(
  entries: AsyncIterable<TarWriteEntry>,
  counts: ExportCounts,
  observer: Observer,
): AsyncGenerator<TarWriteEntry, void, undefined> {
  for await (const entry of entries) {
    throwIfCancelled(observer.signal);
    yield entry;
    if (entry.type === "directory") counts.folders++;
    else if (++counts.files % REPORT_EVERY === 0) report(observer, "export", { done: counts.files, bytes: counts.bytes });
  }
}

function leafItem(path: ByteString, found: Exclude<FoundEntry, { kind: "folder" }>): TreeItem {
  if (found.kind === "file") return { kind: "file", path, checksum: found.checksum, record: found.record };
  return { kind: "node", path, node: found.node, record: found.record };
}

/** Names as `ostree export` makes them: `./` for the root, all others without it. */
function namer(base: ByteString, prefix: ByteString): (path: ByteString, isFolder: boolean) => ByteString {
  const skipped = base === "" ? 0 : base.length + 1;
  return (path, isFolder) => {
    const name = joinBytes(prefix, path.slice(skipped) as ByteString);
    return isFolder ? (`${name === "" ? "." : name}/` as ByteString) : name;
  };
}

function pathOf(text: string): ByteString {
  const names = text.split("/").filter((name) => name !== "" && name !== ".");
  return bytesOf(names.join("/"));
}

function folderOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as ByteString;
}

function prefixOf(text: string): ByteString {
  if (text === "") return EMPTY;
  if (text.startsWith("/") || text.split("/").includes("..") || text.includes("\0")) {
    throw new RegrowError("usage", `${text}: can't be put in front of the names of an archive.`, {
      path: text,
      hint: "Name a relative path without `..`.",
    });
  }
  return pathOf(text);
}
