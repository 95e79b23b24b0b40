/**
 * What has to be done to a tree that holds commit A so that it holds commit B, found from the objects alone: folders with the same
 * identity are passed over, so the cost follows the changes.
 */
import { type ByteString, EMPTY, joinBytes } from "../../../base/byte-string.ts";
import { throwIfCancelled } from "../../../base/errors.ts";
import type { Observer } from "../../../base/events.ts";
import { type SideEntry, type SideFile, type SideFolder, type SideNode, isSameFolder } from "../../diff/diff-side.ts";
import { refuseTooDeep } from "../../tree/depth-limit.ts";

export type SideLeaf = SideFile | SideNode;

export interface FolderAt {
  readonly path: ByteString;
  /** As B has it. */
  readonly folder: SideFolder;
}

export interface TreeDifference {
  /** Folders of both in which anything differs, or themselves; outer ones first, as in the next two. */
  readonly changedFolders: readonly FolderAt[];
  readonly addedFolders: readonly FolderAt[];
  readonly removedFolders: readonly ByteString[];
  /** What A has and B has not, or not as it is. */
  readonly before: ReadonlyMap<ByteString, SideLeaf>;
  /** What B has and A has not, or not as it is. */
  readonly after: ReadonlyMap<ByteString, SideLeaf>;
}

/** Throws `corrupt`, `cancelled`. */
export function findTreeDifference(a: SideFolder, b: SideFolder, observer: Observer = {}): TreeDifference {
  const changedFolders: FolderAt[] = [];
  const addedFolders: FolderAt[] = [];
  const removedFolders: ByteString[] = [];
  const before = new Map<ByteString, SideLeaf>();
  const after = new Map<ByteString, SideLeaf>();

  function compare(path: ByteString, one: SideFolder, other: SideFolder): void {
    refuseTooDeep(path);
    throwIfCancelled(observer.signal);
    if (isSameFolder(one, other)) return;
    changedFolders.push({ path, folder: other });
    const rest = new Map(other.list().entries);
    for (const [name, entry] of one.list().entries) {
      const now = rest.get(name);
      const at = joinBytes(path, name);
      rest.delete(name);
      if (now?.kind === "folder" && entry.kind === "folder") compare(at, entry, now);
      else if (now === undefined || !isSameLeaf(entry, now)) {
        remove(at, entry);
        if (now !== undefined) add(at, now);
      }
    }
    for (const [name, entry] of rest) add(joinBytes(path, name), entry);
  }

  function remove(path: ByteString, entry: SideEntry): void {
    if (entry.kind !== "folder") return void before.set(path, entry);
    refuseTooDeep(path);
    removedFolders.push(path);
    for (const [name, below] of entry.list().entries) remove(joinBytes(path, name), below);
  }

  function add(path: ByteString, entry: SideEntry): void {
    if (entry.kind !== "folder") return void after.set(path, entry);
    refuseTooDeep(path);
    addedFolders.push({ path, folder: entry });
    for (const [name, below] of entry.list().entries) add(joinBytes(path, name), below);
  }

  compare(EMPTY, a, b);
  return { changedFolders, addedFolders, removedFolders, before, after };
}

/** What two names must have in common to be names of one file, as a sidecar tells it. */
export function identityOfLeaf(leaf: SideLeaf): string {
  return leaf.kind === "file" ? leaf.checksum : JSON.stringify(leaf.node);
}

function isSameLeaf(a: SideEntry, b: SideEntry): boolean {
  if (a.kind === "folder" || b.kind === "folder" || a.kind !== b.kind) return false;
  return identityOfLeaf(a) === identityOfLeaf(b) && JSON.stringify(a.record ?? null) === JSON.stringify(b.record ?? null);
}
