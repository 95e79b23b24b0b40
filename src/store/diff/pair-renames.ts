/**
 * Finds renames among what was removed and added: the same content under another path. A folder that moved as a whole is one
 * rename, and its contents are no candidates any more. Where several fit, the one with the same name or in the same folder wins.
 */
import type { ByteString } from "../../base/byte-string.ts";
import type { SideEntry } from "./diff-side.ts";

export interface Candidate {
  readonly path: ByteString;
  readonly entry: SideEntry;
}

export interface Rename {
  readonly before: Candidate;
  readonly after: Candidate;
}

export interface Pairs {
  readonly renames: readonly Rename[];
  /** What found no partner. */
  readonly removed: readonly Candidate[];
  readonly added: readonly Candidate[];
}

/** The checksum of an empty folder: a match of nothing with nothing says nothing. */
const EMPTY_TREE = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";

/** Both lists hold folders before what is in them. Without `folders`, only files are paired. */
export function pairRenames(removed: readonly Candidate[], added: readonly Candidate[], folders = true): Pairs {
  const renames: Rename[] = [];
  const taken = new Set<ByteString>();
  /** Folders out of which something was taken, so that they are not what they were. */
  const broken = new Set<ByteString>();
  const arrived = new Set<ByteString>();
  const isFree = ({ path }: Candidate): boolean => !broken.has(path) && !isBelowAny(path, taken);
  // Folders first: what moved with its folder did not move by itself.
  for (const isFolder of folders ? [true, false] : [false]) {
    const pool = poolOf(removed.filter(({ entry }) => (entry.kind === "folder") === isFolder));
    for (const after of added) {
      if ((after.entry.kind === "folder") !== isFolder || isBelowAny(after.path, arrived)) continue;
      const before = pool.best(after, isFree);
      if (before === undefined) continue;
      taken.add(before.path);
      for (const folder of foldersAbove(before.path)) broken.add(folder);
      arrived.add(after.path);
      renames.push({ before, after });
    }
  }
  return {
    renames,
    removed: removed.filter(({ path }) => !isBelowAny(path, taken)),
    added: added.filter(({ path }) => !isBelowAny(path, arrived)),
  };
}

interface Pool {
  best(like: Candidate, isFree: (candidate: Candidate) => boolean): Candidate | undefined;
}

/** By content, and by content together with the name or the folder; each list is used up from its front. */
function poolOf(candidates: readonly Candidate[]): Pool {
  const lists = new Map<string, Candidate[]>();
  for (const candidate of candidates.toReversed()) {
    for (const key of keysOf(candidate)) {
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [candidate]);
      else list.push(candidate);
    }
  }
  return {
    best: (like, isFree) => {
      for (const key of keysOf(like)) {
        const list = lists.get(key) ?? [];
        // What is not free now never will be again.
        while (list.length > 0 && !isFree(list.at(-1)!)) list.pop();
        if (list.length > 0) return list.pop();
      }
      return undefined;
    },
  };
}

function keysOf({ path, entry }: Candidate): string[] {
  const content = identity(entry);
  if (content === undefined) return [];
  return [`${content}:name:${baseName(path)}`, `${content}:folder:${folderOf(path)}`, content];
}

/** What makes two entries the same thing under two names; undefined where it could be a coincidence. */
function identity(entry: SideEntry): string | undefined {
  if (entry.kind === "node") return undefined;
  if (entry.kind === "file") return `file:${entry.checksum}`;
  return entry.tree === EMPTY_TREE ? undefined : `folder:${entry.tree}:${entry.meta}`;
}

/** Whether `path` is one of these, or below one. */
function isBelowAny(path: ByteString, paths: ReadonlySet<ByteString>): boolean {
  if (paths.size === 0) return false;
  return paths.has(path) || foldersAbove(path).some((folder) => paths.has(folder));
}

function foldersAbove(path: ByteString): ByteString[] {
  const folders: ByteString[] = [];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1))
    folders.push(path.slice(0, slash) as ByteString);
  return folders;
}

function baseName(path: ByteString): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function folderOf(path: ByteString): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
