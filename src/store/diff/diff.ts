/**
 * Comparing trees: commit with commit, commit with folder, folder with folder. Folders with the same identity are passed
 * over without a look inside, so the cost follows the changes.
 */
import { type ByteString, EMPTY, bytesOf, joinBytes } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { startPool } from "../../sys/worker-pool.ts";
import type { Repository } from "../repository.ts";
import { scanFolder } from "../scan/scan-folder.ts";
import { PLAIN_SCAN } from "../scan/scan-options.ts";
import { hashingSink } from "../tree/tree-sinks.ts";
import { writeTree } from "../tree/write-tree.ts";
import type { Aspect, Change } from "./change.ts";
import { type PathFilter, type Relation, pathFilter } from "./path-filter.ts";
import { compareFileAndNode, compareFiles, compareFolders, compareNodes, typeOfEntry } from "./compare-entries.ts";
import { type SideEntry, type SideFolder, commitSide, isSameFolder, scannedSide } from "./diff-side.ts";
import { type Candidate, type Rename, pairRenames } from "./pair-renames.ts";
import { refuseTooDeep } from "../tree/depth-limit.ts";

/** Sorted by path. */
export interface Diff {
  readonly changes: readonly Change[];
}

export interface DiffOptions {
  /** From the roots of the trees: only these and what is below them. What was moved there from elsewhere was added. */
  readonly paths?: readonly ByteString[];
  /** False: of a folder that moved, each file is renamed by itself, and its folders are removed and added. */
  readonly folderRenames?: boolean;
}

const DEFAULT_WORKERS = 2;

/** Throws `not-found`, `corrupt`. */
export async function diffCommits(
  repository: Repository,
  a: Checksum,
  b: Checksum,
  observer: Observer = {},
  options: DiffOptions = {},
): Promise<Diff> {
  return diffSides(commitSide(repository, a), commitSide(repository, b), { observer, options, scanned: false });
}

/** What has changed in the folder since the commit. */
export async function diffCommitFolder(
  repository: Repository,
  commit: Checksum,
  path: string,
  observer: Observer = {},
  options: DiffOptions = {},
): Promise<Diff> {
  const request = { observer, options, scanned: true };
  return withScanned(repository, path, request, (side) => diffSides(commitSide(repository, commit), side, request));
}

/** The repository, where one is given, lends its stat cache. */
export async function diffFolders(
  repository: Repository | undefined,
  a: string,
  b: string,
  observer: Observer = {},
  options: DiffOptions = {},
): Promise<Diff> {
  const request = { observer, options, scanned: true };
  return withScanned(repository, a, request, (before) =>
    withScanned(repository, b, request, (after) => diffSides(before, after, request)),
  );
}

interface DiffRequest {
  readonly observer: Observer;
  readonly options: DiffOptions;
  /** A side is a folder on disk. */
  readonly scanned: boolean;
}

async function withScanned<T>(
  repository: Repository | undefined,
  path: string,
  { observer, options: { paths } }: DiffRequest,
  work: (side: SideFolder) => Promise<T>,
): Promise<T> {
  const rootFd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
  const pool = startPool({ workers: DEFAULT_WORKERS });
  try {
    const filter = pathFilter(paths);
    const wanted = filter === undefined ? undefined : (at: ByteString): boolean => filter(at) !== "outside";
    const request = { repository, transaction: undefined, options: PLAIN_SCAN, pool, observer, useCache: true, wanted };
    const { root, known, keep } = await scanFolder(CWD, bytesOf(path), request);
    // What the cache knows of a folder is what it became as a whole, and it is replaced as a whole.
    writeTree(hashingSink, root, wanted === undefined ? { sidecar: true, known } : { sidecar: true });
    if (wanted === undefined) keep(true);
    return await work(scannedSide(rootFd, root, PLAIN_SCAN));
  } finally {
    await pool.close();
    closeFd(rootFd);
  }
}

interface Walk {
  readonly observer: Observer;
  readonly filter: PathFilter | undefined;
  readonly folderRenames: boolean;
  /** Both sides have a sidecar. */
  readonly withRecords: boolean;
  readonly changes: Change[];
  readonly added: Candidate[];
  readonly removed: Candidate[];
  /** The folder that is being compared has moved, and the links in it with it. */
  readonly moved: { readonly from: ByteString; readonly to: ByteString } | undefined;
}

async function diffSides(a: SideFolder, b: SideFolder, { observer, options, scanned }: DiffRequest): Promise<Diff> {
  const withRecords = a.sidecar !== undefined && b.sidecar !== undefined;
  const { paths, folderRenames = true } = options;
  const filter = pathFilter(paths);
  const lists = { changes: [], added: [], removed: [] };
  const walk: Walk = { observer, withRecords, filter, folderRenames, ...lists, moved: undefined };
  await diffFolder(walk, EMPTY, a, b);
  const { renames, removed, added } = pairRenames(walk.removed, walk.added, folderRenames);
  listAll(walk, "removed", removed);
  listAll(walk, "added", added);
  for (const rename of renames) await diffRenamed({ ...walk, added: [], removed: [] }, rename);
  walk.changes.sort((x, y) => (x.path < y.path ? -1 : x.path > y.path ? 1 : 0));
  return { changes: filter !== undefined && scanned ? walk.changes.flatMap(withoutLinks) : walk.changes };
}

/** Of a part of a folder it is not known which other names a file has. */
function withoutLinks(change: Change): Change[] {
  if (!change.what.includes("links")) return [change];
  const what = change.what.filter((aspect) => aspect !== "links");
  return what.length === 0 && change.kind === "modified" ? [] : [{ ...change, what }];
}

function relationOf({ filter }: Walk, path: ByteString): Relation {
  return filter === undefined ? "inside" : filter(path);
}

/**
 * What went with a rename. In a folder that moved, only that can differ which the sidecar keeps. What is missing from it is named
 * by its old path.
 */
async function diffRenamed(walk: Walk, { before, after }: Rename): Promise<void> {
  const from = before.path;
  const path = after.path;
  const [a, b] = [before.entry, after.entry];
  let what: readonly Aspect[] = [];
  if (a.kind === "file" && b.kind === "file") what = await compareFiles(a, b, walk.withRecords);
  if (a.kind === "folder" && b.kind === "folder" && !isSame(walk, a, b)) {
    const inside: Walk = { ...walk, changes: [], added: [], removed: [], moved: { from, to: path } };
    await diffFolder(inside, path, a, b);
    what = inside.changes.find((change) => change.path === path)?.what ?? [];
    for (const change of inside.changes) if (change.path !== path) walk.changes.push(change);
    listAll(
      walk,
      "removed",
      inside.removed.map(({ path: at, entry }) => ({ path: `${from}${at.slice(path.length)}` as ByteString, entry })),
    );
    listAll(walk, "added", inside.added);
  }
  walk.changes.push({ kind: "renamed", path, from, type: typeOfEntry(b), what });
}

function listAll(walk: Walk, kind: "added" | "removed", candidates: readonly Candidate[]): void {
  for (const { path, entry } of candidates) walk.changes.push({ kind, path, type: typeOfEntry(entry), what: [] });
}

function isSame(walk: Walk, a: SideFolder, b: SideFolder): boolean {
  return walk.withRecords ? isSameFolder(a, b) : a.tree === b.tree && a.meta === b.meta;
}

async function diffFolder(walk: Walk, path: ByteString, a: SideFolder, b: SideFolder): Promise<void> {
  refuseTooDeep(path);
  throwIfCancelled(walk.observer.signal);
  if (isSame(walk, a, b)) return;
  const before = a.list();
  const after = b.list();
  const what = compareFolders(a, b, walk.withRecords ? [before.self, after.self] : undefined);
  if (what.length > 0 && relationOf(walk, path) === "inside") walk.changes.push({ kind: "modified", path, type: "folder", what });
  for (const [name, entry] of before.entries) {
    const other = after.entries.get(name);
    const at = joinBytes(path, name);
    if (other === undefined) collect(walk, walk.removed, at, entry);
    else await diffEntry(walk, at, moved(walk, entry), other);
  }
  for (const [name, entry] of after.entries)
    if (!before.entries.has(name)) collect(walk, walk.added, joinBytes(path, name), entry);
}

async function diffEntry(walk: Walk, path: ByteString, a: SideEntry, b: SideEntry): Promise<void> {
  const relation = relationOf(walk, path);
  if (relation === "outside") return;
  if (a.kind === "folder" && b.kind === "folder") return diffFolder(walk, path, a, b);
  if (relation === "above") return collectBoth(walk, path, a, b);
  if (a.kind === "file" && b.kind === "file") {
    const what = await compareFiles(a, b, walk.withRecords);
    if (what.length > 0) walk.changes.push({ kind: "modified", path, type: typeOfEntry(b), what });
    return;
  }
  if (a.kind === "node" && b.kind === "node") {
    const what = compareNodes(a, b);
    if (what.length > 0) walk.changes.push({ kind: "modified", path, type: typeOfEntry(b), what });
    return;
  }
  const what = a.kind === "folder" || b.kind === "folder" ? (["type"] as const) : compareFileAndNode(a, b, walk.withRecords);
  walk.changes.push({ kind: "modified", path, type: typeOfEntry(b), what });
  collectBoth(walk, path, a, b);
}

function collectBoth(walk: Walk, path: ByteString, a: SideEntry, b: SideEntry): void {
  if (a.kind === "folder") collectBelow(walk, walk.removed, path, a);
  if (b.kind === "folder") collectBelow(walk, walk.added, path, b);
}

/** The entry as it would be if what it is linked to had moved along. */
function moved<Entry extends SideEntry>({ moved: move }: Walk, entry: Entry): Entry {
  if (move === undefined || entry.kind === "folder" || entry.record?.linkTo?.startsWith(`${move.from}/`) !== true) return entry;
  const linkTo = `${move.to}${entry.record.linkTo.slice(move.from.length)}` as ByteString;
  return { ...entry, record: { ...entry.record, linkTo } };
}

function collect(walk: Walk, list: Candidate[], path: ByteString, entry: SideEntry): void {
  const relation = relationOf(walk, path);
  if (relation === "outside") return;
  if (relation === "inside") list.push({ path, entry });
  if (entry.kind === "folder") collectBelow(walk, list, path, entry);
}

function collectBelow(walk: Walk, list: Candidate[], path: ByteString, folder: SideFolder): void {
  refuseTooDeep(path);
  for (const [name, entry] of folder.list().entries) collect(walk, list, joinBytes(path, name), entry);
}
