/** From the names as they have become to the list of changes: old names of a file are paired with its new ones. */
import { type ByteString, joinBytes } from "../../../base/byte-string.ts";
import type { ChangeBase, ChangeSet, StreamAspect, StreamChange, TouchedEntry } from "./change.ts";
import { type Folder, type Inode, type Namespace, originOf, pathOf } from "./namespace.ts";

/** The names of one file that were mentioned. */
interface Names {
  /** In A, which it no longer has. */
  readonly gone: ByteString[];
  /** In B, which it did not have. */
  readonly fresh: ByteString[];
  /** In A and in B, where only folders above may have moved. */
  readonly kept: { readonly from: ByteString; readonly path: ByteString }[];
}

export function collectChanges(names: Namespace, base: Pick<ChangeBase, "namesOf">): ChangeSet {
  const changes: StreamChange[] = [];
  const touched: TouchedEntry[] = [];
  for (const [inode, its] of groupNames(names)) {
    const what = aspectsOf(inode);
    if (inode.base === undefined) {
      for (const path of its.fresh) changes.push({ kind: "added", path, ...detailsOf(inode, []) });
      continue;
    }
    if (what.length > 0) addUnmentioned(names.root, inode, its, base);
    changes.push(...changesOfNames(inode, its, what));
    for (const { path, from } of its.kept) {
      if (what.length > 0) changes.push({ kind: "modified", path, from, ...detailsOf(inode, what) });
      else if (inode.isTouched) touched.push({ path, from, type: inode.type });
    }
  }
  return { changes: changes.toSorted(compareChanges), touched: touched.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

function groupNames(names: Namespace): Map<Inode, Names> {
  const groups = new Map<Inode, Names>();
  const namesOf = (inode: Inode): Names => {
    const known = groups.get(inode);
    if (known !== undefined) return known;
    const none: Names = { gone: [], fresh: [], kept: [] };
    groups.set(inode, none);
    return none;
  };
  namesOf(names.root).kept.push({ from: "" as ByteString, path: "" as ByteString });
  for (const folder of names.folders) {
    const path = pathWhileThere(folder);
    for (const [name, { base, now }] of folder.slots) {
      const from = base === undefined ? undefined : joinBytes(folder.origin!, name);
      if (now !== undefined && now === base) namesOf(now).kept.push({ from: from!, path: joinBytes(path(), name) });
      else {
        if (base !== undefined) namesOf(base).gone.push(from!);
        if (now !== undefined) namesOf(now).fresh.push(joinBytes(path(), name));
      }
    }
  }
  return groups;
}

/** Asked for only where something stands in the folder, so that the folder stands too. */
function pathWhileThere(folder: Folder): () => ByteString {
  let path: ByteString | undefined;
  return () => (path ??= pathOf(folder));
}

/** What a file's names have become. */
function changesOfNames(inode: Inode, { gone, fresh, kept }: Names, what: readonly StreamAspect[]): StreamChange[] {
  const changes: StreamChange[] = [];
  // In their order, so that the same changes give the same list.
  const [old, young] = [gone.toSorted(), fresh.toSorted()];
  const from = kept[0]?.from ?? old[0];
  for (const [index, path] of young.entries()) {
    const before = old[index];
    if (before !== undefined) changes.push({ kind: "renamed", path, from: before, ...detailsOf(inode, what) });
    else changes.push({ kind: "added", path, ...(from === undefined ? {} : { from }), ...detailsOf(inode, what) });
  }
  for (const path of old.slice(young.length)) changes.push({ kind: "removed", path, type: inode.type });
  return changes;
}

/** A change that was told of one name is one of all names. */
function addUnmentioned(root: Inode, inode: Inode, names: Names, base: Pick<ChangeBase, "namesOf">): void {
  if (inode.folder !== undefined || inode.links <= names.fresh.length + names.kept.length) return;
  const known = new Set([...names.fresh, ...names.kept.map(({ path }) => path)]);
  for (const path of base.namesOf(inode.ino)) {
    const from = known.has(path) ? undefined : originOf(root, path);
    if (from !== undefined) names.kept.push({ path, from });
  }
}

function aspectsOf(inode: Inode): StreamAspect[] {
  const aspects = [...inode.what];
  const { mtime, base } = inode;
  if (mtime === undefined || base === undefined) return aspects;
  const isSame = mtime.seconds === base.mtime.seconds && mtime.nanoseconds === base.mtime.nanoseconds;
  return isSame ? aspects : [...aspects, "time"];
}

function detailsOf(
  { type, ino, xattrs }: Inode,
  what: readonly StreamAspect[],
): { type: Inode["type"]; ino: number; what: readonly StreamAspect[]; xattrs: readonly ByteString[] } {
  return { type, ino, what, xattrs: what.includes("xattrs") ? [...xattrs].toSorted() : [] };
}

function compareChanges(a: StreamChange, b: StreamChange): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return (a.kind === "removed" ? 0 : 1) - (b.kind === "removed" ? 0 : 1);
}
