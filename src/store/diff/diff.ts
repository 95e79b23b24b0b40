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
import { compareFileAndNode, compareFiles, compareFolders, compareNodes, typeOfEntry } from "./compare-entries.ts";
import { type SideEntry, type SideFolder, commitSide, isSameFolder, scannedSide } from "./diff-side.ts";
import { type Candidate, type Rename, pairRenames } from "./pair-renames.ts";
import { refuseTooDeep } from "../tree/depth-limit.ts";

/** Sorted by path. */
export interface Diff {
  readonly changes: readonly Change[];
}

const DEFAULT_WORKERS = 2;

/** Throws `not-found`, `corrupt`. */
export async function diffCommits(repository: Repository, a: Checksum, b: Checksum, observer: Observer = {}): Promise<Diff> {
  return diffSides(commitSide(repository, a), commitSide(repository, b), observer);
}

/** What has changed in the folder since the commit. */
export async function diffCommitFolder(
  repository: Repository,
  commit: Checksum,
  path: string,
  observer: Observer = {},
): Promise<Diff> {
  return withScanned(repository, path, observer, (side) => diffSides(commitSide(repository, commit), side, observer));
}

/** The repository, where one is given, lends its stat cache. */
export async function diffFolders(
  repository: Repository | undefined,
  a: string,
  b: string,
  observer: Observer = {},
): Promise<Diff> {
  return withScanned(repository, a, observer, (before) =>
    withScanned(repository, b, observer, (after) => diffSides(before, after, observer)),
  );
}

async function withScanned<T>(
  repository: Repository | undefined,
  path: string,
  observer: Observer,
  work: (side: SideFolder) => Promise<T>,
): Promise<T> {
  const rootFd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
  const pool = startPool({ workers: DEFAULT_WORKERS });
  try {
    const request = { repository, transaction: undefined, options: PLAIN_SCAN, pool, observer, useCache: true };
    const { root, known, keep } = await scanFolder(CWD, bytesOf(path), request);
    writeTree(hashingSink, root, { sidecar: true, known });
    keep(true);
    return await work(scannedSide(rootFd, root, PLAIN_SCAN));
  } finally {
    await pool.close();
    closeFd(rootFd);
  }
}

interface Walk {
  readonly observer: Observer;
  /** Both sides have a sidecar. */
  readonly withRecords: boolean;
  readonly changes: Change[];
  readonly added: Candidate[];
  readonly removed: Candidate[];
  /** The folder that is being compared has moved, and the links in it with it. */
  readonly moved: { readonly from: ByteString; readonly to: ByteString } | undefined;
}

async function diffSides(a: SideFolder, b: SideFolder, observer: Observer): Promise<Diff> {
  const withRecords = a.sidecar !== undefined && b.sidecar !== undefined;
  const walk: Walk = { observer, withRecords, changes: [], added: [], removed: [], moved: undefined };
  await diffFolder(walk, EMPTY, a, b);
  const { renames, removed, added } = pairRenames(walk.removed, walk.added);
  listAll(walk, "removed", removed);
  listAll(walk, "added", added);
  for (const rename of renames) await diffRenamed({ ...walk, added: [], removed: [] }, rename);
  walk.changes.sort((x, y) => (x.path < y.path ? -1 : x.path > y.path ? 1 : 0));
  return { changes: walk.changes };
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
  if (what.length > 0) walk.changes.push({ kind: "modified", path, type: "folder", what });
  for (const [name, entry] of before.entries) {
    const other = after.entries.get(name);
    const at = joinBytes(path, name);
    if (other === undefined) collect(walk.removed, at, entry);
    else await diffEntry(walk, at, moved(walk, entry), other);
  }
  for (const [name, entry] of after.entries) if (!before.entries.has(name)) collect(walk.added, joinBytes(path, name), entry);
}

async function diffEntry(walk: Walk, path: ByteString, a: SideEntry, b: SideEntry): Promise<void> {
  if (a.kind === "folder" && b.kind === "folder") return diffFolder(walk, path, a, b);
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
  if (a.kind === "folder") collectBelow(walk.removed, path, a);
  if (b.kind === "folder") collectBelow(walk.added, path, b);
}

/** The entry as it would be if what it is linked to had moved along. */
function moved<Entry extends SideEntry>({ moved: move }: Walk, entry: Entry): Entry {
  if (move === undefined || entry.kind === "folder" || entry.record?.linkTo?.startsWith(`${move.from}/`) !== true) return entry;
  const linkTo = `${move.to}${entry.record.linkTo.slice(move.from.length)}` as ByteString;
  return { ...entry, record: { ...entry.record, linkTo } };
}

function collect(list: Candidate[], path: ByteString, entry: SideEntry): void {
  list.push({ path, entry });
  if (entry.kind === "folder") collectBelow(list, path, entry);
}

function collectBelow(list: Candidate[], path: ByteString, folder: SideFolder): void {
  refuseTooDeep(path);
  for (const [name, entry] of folder.list().entries) collect(list, joinBytes(path, name), entry);
}
