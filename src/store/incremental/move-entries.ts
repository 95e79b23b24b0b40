/**
 * Gives a partial tree the names that the changes tell of. First everything is found under its old path, then all that goes is taken
 * out, then all that comes is put in, parents before what is in them: so names may be exchanged and folders turned inside out.
 */
import type { ByteString } from "../../base/byte-string.ts";
import type { StreamAspect, StreamChange } from "../../codec/btrfs-send/changes/change.ts";
import { type FolderNode, removeEntry } from "../tree/working-tree.ts";
import { misfit } from "./misfit.ts";
import { type Entry, type PartialTree, type Place, entryAt, parentOf, placeAt, putEntry } from "./partial-tree.ts";

/** `newFolder` makes the node of a folder that the commit does not have. Throws `corrupt` where something is not as it is told. */
export function moveEntries(
  tree: PartialTree,
  changes: readonly StreamChange[],
  newFolder: (path: ByteString) => FolderNode,
): void {
  const going = placesLeft(tree, changes);
  const coming = changes.flatMap((change) => arrivalsOf(tree, change));
  for (const { folder, name } of going) removeEntry(folder, name);
  for (const { path, entry } of coming) {
    const place = placeAt(tree, path);
    if (entryAt(place) !== undefined) throw misfit(path, "something else is there");
    putEntry(place, entry ?? newFolder(path));
  }
}

/** Whether the file must be read to know its object: other aspects are in the sidecar alone. */
export function needsReading(what: readonly StreamAspect[]): boolean {
  return what.some((aspect) => aspect !== "time" && aspect !== "flags");
}

/** Whether it is put in as the commit has it: else it is a file that has to be read in any case. */
export function isTakenOver(change: StreamChange): boolean {
  return change.kind === "renamed" || (change.kind === "added" && change.from !== undefined && !needsReading(change.what));
}

function placesLeft(tree: PartialTree, changes: readonly StreamChange[]): Place[] {
  const removedFolders = new Set<ByteString>();
  for (const { kind, type, path } of changes) if (kind === "removed" && type === "folder") removedFolders.add(path);
  return changes.flatMap((change): Place[] => {
    const path = change.kind === "removed" ? change.path : change.kind === "renamed" ? change.from : undefined;
    if (path === undefined || change.type === "socket") return [];
    // It goes with the folder that it was in.
    if (change.kind === "removed" && removedFolders.has(parentOf(path))) return [];
    const place = placeAt(tree, path);
    if (entryAt(place) === undefined) throw misfit(path, "it is not there");
    return [place];
  });
}

interface Arrival {
  readonly path: ByteString;
  /** Undefined for a new folder. */
  readonly entry: Entry | undefined;
}

function arrivalsOf(tree: PartialTree, change: StreamChange): Arrival[] {
  const { path } = change;
  if (change.kind === "removed" || change.kind === "modified" || change.type === "socket") return [];
  if (change.kind === "added" && change.type === "folder") return [{ path, entry: undefined }];
  if (!isTakenOver(change)) return [];
  const entry = entryAt(placeAt(tree, change.from!));
  if (entry === undefined) throw misfit(change.from!, "it is not there");
  // Of a file, one more name is a node of its own.
  return [{ path, entry: change.kind === "added" ? { ...entry } : entry }];
}
