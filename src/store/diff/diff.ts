/**
 * Comparing trees: commit with commit, commit with folder, folder with folder. Folders with the same identity are passed
 * over without a look inside, so the cost follows the changes.
 */
import { type ByteString, bytesOf, joinBytes } from "../../base/byte-string.ts";
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
import type { Change } from "./change.ts";
import { compareFiles, compareFolders, compareNodes, typeOfEntry } from "./compare-entries.ts";
import { type SideEntry, type SideFolder, commitSide, scannedSide } from "./diff-side.ts";
import { type Candidate, pairRenames } from "./pair-renames.ts";
import type { SidecarRef } from "../tree/folder-view.ts";

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
    const { root } = await scanFolder(CWD, bytesOf(path), request);
    writeTree(hashingSink, root, { sidecar: true });
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
}

async function diffSides(a: SideFolder, b: SideFolder, observer: Observer): Promise<Diff> {
  const withRecords = a.sidecar !== undefined && b.sidecar !== undefined;
  const walk: Walk = { observer, withRecords, changes: [], added: [], removed: [] };
  await diffFolder(walk, "" as ByteString, a, b);
  walk.changes.push(...pairRenames(walk.removed, walk.added));
  walk.changes.sort((x, y) => (x.path < y.path ? -1 : x.path > y.path ? 1 : 0));
  return { changes: walk.changes };
}

async function diffFolder(walk: Walk, path: ByteString, a: SideFolder, b: SideFolder): Promise<void> {
  throwIfCancelled(walk.observer.signal);
  const sameBelow = a.tree === b.tree && (!walk.withRecords || sameSidecar(a.sidecar, b.sidecar));
  if (sameBelow && a.meta === b.meta) return;
  const before = a.list();
  const after = b.list();
  const what = compareFolders(a, b, walk.withRecords ? [before.self, after.self] : undefined);
  if (what.length > 0) walk.changes.push({ kind: "modified", path, type: "folder", what });
  for (const [name, entry] of before.entries) {
    const other = after.entries.get(name);
    const at = joinBytes(path, name);
    if (other === undefined) collect(walk.removed, at, entry);
    else await diffEntry(walk, at, entry, other);
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
  walk.changes.push({ kind: "modified", path, type: typeOfEntry(b), what: ["type"] });
  if (a.kind === "folder") collectBelow(walk.removed, path, a);
  if (b.kind === "folder") collectBelow(walk.added, path, b);
}

function collect(list: Candidate[], path: ByteString, entry: SideEntry): void {
  list.push({ path, entry });
  if (entry.kind === "folder") collectBelow(list, path, entry);
}

function collectBelow(list: Candidate[], path: ByteString, folder: SideFolder): void {
  for (const [name, entry] of folder.list().entries) collect(list, joinBytes(path, name), entry);
}

function sameSidecar(a: SidecarRef, b: SidecarRef): boolean {
  if (a?.kind === "record") return b?.kind === "record" && a.checksum === b.checksum;
  return a?.kind === b?.kind && a?.tree === (b as typeof a)?.tree;
}
