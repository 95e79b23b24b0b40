/**
 * Finds renames among what was removed and added: the same content under another path. A folder that moved as a whole is one
 * rename and its contents are not listed. Where several fit, the one with the same name or in the same folder wins.
 */
import type { ByteString } from "../../base/byte-string.ts";
import type { Change } from "./change.ts";
import { typeOfEntry } from "./compare-entries.ts";
import type { SideEntry } from "./diff-side.ts";

export interface Candidate {
  readonly path: ByteString;
  readonly entry: SideEntry;
}

/** The checksum of an empty folder: a match of nothing with nothing says nothing. */
const EMPTY_TREE = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";

/** Both lists hold folders before what is in them. */
export function pairRenames(removed: readonly Candidate[], added: readonly Candidate[]): Change[] {
  const pool = new Map<string, Candidate[]>();
  for (const candidate of removed) {
    const key = identity(candidate.entry);
    if (key !== undefined) pool.set(key, [...(pool.get(key) ?? []), candidate]);
  }
  const changes: Change[] = [];
  const gone = new Set<ByteString>();
  const movedFolders: { from: ByteString; to: ByteString }[] = [];
  for (const candidate of added) {
    if (movedFolders.some(({ to }) => isBelow(candidate.path, to))) continue;
    const key = identity(candidate.entry);
    const matches =
      key === undefined
        ? []
        : (pool.get(key) ?? []).filter(({ path }) => !gone.has(path) && !movedFolders.some(({ from }) => isBelow(path, from)));
    const match = best(matches, candidate.path);
    const type = typeOfEntry(candidate.entry);
    if (match === undefined) {
      changes.push({ kind: "added", path: candidate.path, type, what: [] });
      continue;
    }
    gone.add(match.path);
    if (candidate.entry.kind === "folder") movedFolders.push({ from: match.path, to: candidate.path });
    changes.push({ kind: "renamed", path: candidate.path, from: match.path, type, what: [] });
  }
  for (const { path, entry } of removed) {
    if (gone.has(path) || movedFolders.some(({ from }) => isBelow(path, from))) continue;
    changes.push({ kind: "removed", path, type: typeOfEntry(entry), what: [] });
  }
  return changes;
}

/** What makes two entries the same thing under two names; undefined where it could be a coincidence. */
function identity(entry: SideEntry): string | undefined {
  if (entry.kind === "node") return undefined;
  if (entry.kind === "file") return `file:${entry.checksum}`;
  return entry.tree === EMPTY_TREE ? undefined : `folder:${entry.tree}:${entry.meta}`;
}

function best(candidates: readonly Candidate[], path: ByteString): Candidate | undefined {
  return (
    candidates.find((one) => baseName(one.path) === baseName(path)) ??
    candidates.find((one) => folderOf(one.path) === folderOf(path)) ??
    candidates[0]
  );
}

function isBelow(path: ByteString, folder: ByteString): boolean {
  return path.startsWith(`${folder}/`);
}

function baseName(path: ByteString): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function folderOf(path: ByteString): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
