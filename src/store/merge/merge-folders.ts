/**
 * The three-way merge of trees, folder by folder. What only one side changed is taken; folders that are one and the same object are
 * not entered. A conflict is written down and, where a side is favoured, leaves that side in place and the other one beside it.
 */
import { type ByteString, joinBytes } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { type FolderNode, newFolder } from "../tree/working-tree.ts";
import { type ContentRequest, mergeContent } from "./merge-content.ts";
import { mergeOwned } from "./merge-owned.ts";
import type { Conflict, ConflictKind } from "./merge-types.ts";
import { decide, joinExtras } from "./three-way.ts";
import { type TreeEntry, entryOf, isSame, isSameFolderItself, kindOf, namesOf, putEntry } from "./tree-entry.ts";

export interface MergeState extends ContentRequest {
  readonly conflicts: Conflict[];
  /** Entries that came from theirs, and such that both sides had changed. */
  taken: number;
  joined: number;
  readonly signal: AbortSignal | undefined;
}

/** A name in a folder, on its way from three trees into one. */
interface Place {
  readonly path: ByteString;
  /** The folder that is being made; what loses a conflict is put into it beside the name. */
  readonly folder: FolderNode;
  /** All names of the folder on any side. */
  readonly names: ReadonlySet<ByteString>;
}

/** A new folder, or one of those given. `base` is undefined where both sides added the folder. */
export async function mergeFolders(
  state: MergeState,
  path: ByteString,
  base: FolderNode | undefined,
  ours: FolderNode,
  theirs: FolderNode,
): Promise<FolderNode> {
  if (ours === theirs || theirs === base) return ours;
  if (ours === base) {
    state.taken++;
    return theirs;
  }
  throwIfCancelled(state.signal);
  const owned = mergeOwned(base?.meta, ours.meta, theirs.meta, state.favoured);
  const flags = decide(base?.extras.flags ?? 0, ours.extras.flags, theirs.extras.flags, state.favoured);
  const folder = newFolder(owned.value, joinExtras(base?.extras, ours.extras, theirs.extras, "ours", flags.value));
  if (owned.isConflict || flags.isConflict) addConflict(state, path, "metadata", "folder", "folder");
  const names = namesOf(base, ours, theirs);
  const known = new Set(names);
  for (const name of names) {
    const place = { path: joinBytes(path, name), folder, names: known };
    putEntry(folder, name, await mergeEntry(state, place, entryOf(base, name), entryOf(ours, name), entryOf(theirs, name)));
  }
  return folder;
}

async function mergeEntry(
  state: MergeState,
  place: Place,
  base: TreeEntry | undefined,
  ours: TreeEntry | undefined,
  theirs: TreeEntry | undefined,
): Promise<TreeEntry | undefined> {
  if (ours?.kind === "folder" && theirs?.kind === "folder") {
    const before = base?.kind === "folder" ? base.node : undefined;
    return { kind: "folder", node: await mergeFolders(state, place.path, before, ours.node, theirs.node) };
  }
  if (isSame(ours, theirs)) return ours === undefined || theirs === undefined ? undefined : joinTimes(base, ours, theirs);
  if (isSame(base, theirs)) return ours;
  if (isSame(base, ours)) {
    state.taken++;
    return theirs;
  }
  if (base?.kind === "folder" && ours === undefined && theirs?.kind === "folder")
    return withoutDeleted(state, place, base.node, theirs.node, "theirs");
  if (base?.kind === "folder" && theirs === undefined && ours?.kind === "folder")
    return withoutDeleted(state, place, base.node, ours.node, "ours");
  if (ours === undefined || theirs === undefined) return settle(state, place, "deleted", ours, theirs);
  if (ours.kind !== theirs.kind) return settle(state, place, "kind", ours, theirs);
  if (ours.kind === "file" && theirs.kind === "file") return mergeFiles(state, place, base, ours, theirs);
  return settle(state, place, "content", ours, theirs);
}

type FileEntry = TreeEntry & { readonly kind: "file" };

async function mergeFiles(
  state: MergeState,
  place: Place,
  base: TreeEntry | undefined,
  ours: FileEntry,
  theirs: FileEntry,
): Promise<TreeEntry | undefined> {
  const before = base?.kind === "file" ? base.node : undefined;
  const [a, b] = [ours.node, theirs.node];
  const easy = decide(before?.checksum, a.checksum, b.checksum, state.favoured);
  const content = easy.isConflict
    ? await mergeContent(state, before?.checksum, a.checksum, b.checksum)
    : { checksum: easy.value!, from: easy.value === a.checksum ? ("ours" as const) : ("theirs" as const), conflict: undefined };
  if (content.conflict === "content") return settle(state, place, "content", ours, theirs);
  const flags = decide(before?.extras.flags ?? 0, a.extras.flags, b.extras.flags, state.favoured);
  if (content.conflict === "metadata" || flags.isConflict) addConflict(state, place.path, "metadata", "file", "file");
  else state.joined++;
  const extras = joinExtras(before?.extras, a.extras, b.extras, content.from, flags.value);
  return { kind: "file", node: { checksum: content.checksum, extras } };
}

/** A folder that one side deleted: what the other side added to it or changed in it is all that stays. */
function withoutDeleted(
  state: MergeState,
  place: Place,
  base: FolderNode,
  rest: FolderNode,
  side: "ours" | "theirs",
): TreeEntry | undefined {
  const folder = newFolder(rest.meta, rest.extras);
  const names = namesOf(base, rest);
  const known = new Set(names);
  for (const name of names) {
    const [before, entry] = [entryOf(base, name), entryOf(rest, name)];
    if (entry === undefined || isSame(before, entry)) continue;
    const inside = { path: joinBytes(place.path, name), folder, names: known };
    if (before === undefined) putEntry(folder, name, entry);
    else if (before.kind === "folder" && entry.kind === "folder")
      putEntry(folder, name, withoutDeleted(state, inside, before.node, entry.node, side));
    else
      putEntry(
        folder,
        name,
        settle(state, inside, "deleted", side === "ours" ? entry : undefined, side === "theirs" ? entry : undefined),
      );
  }
  if (namesOf(folder).length > 0) return { kind: "folder", node: folder };
  if (isSameFolderItself(base, rest)) return undefined;
  const entry: TreeEntry = { kind: "folder", node: folder };
  return settle(state, place, "deleted", side === "ours" ? entry : undefined, side === "theirs" ? entry : undefined);
}

function joinTimes(base: TreeEntry | undefined, ours: TreeEntry, theirs: TreeEntry): TreeEntry {
  const before = base?.kind === ours.kind ? base.node.extras : undefined;
  const extras = joinExtras(before, ours.node.extras, theirs.node.extras, "ours", ours.node.extras.flags);
  return { ...ours, node: { ...ours.node, extras } } as TreeEntry;
}

/** Writes the conflict down; the favoured side stays, and the other one is put beside it where it holds anything. */
function settle(
  state: MergeState,
  place: Place,
  kind: ConflictKind,
  ours: TreeEntry | undefined,
  theirs: TreeEntry | undefined,
): TreeEntry | undefined {
  const [winner, loser] = state.favoured === "ours" ? [ours, theirs] : [theirs, ours];
  let keptAs: ByteString | undefined;
  if (loser !== undefined) {
    const suffix = state.favoured === "ours" ? "theirs" : "ours";
    keptAs = unusedName(place, suffix);
    putEntry(place.folder, keptAs.slice(keptAs.lastIndexOf("/") + 1) as ByteString, loser);
  }
  addConflict(state, place.path, kind, kindOf(ours), kindOf(theirs), keptAs);
  return winner;
}

function unusedName({ path, folder, names }: Place, suffix: string): ByteString {
  for (let count = 1; ; count++) {
    const candidate = `${path}.${suffix}${count > 1 ? `.${count}` : ""}` as ByteString;
    const name = candidate.slice(candidate.lastIndexOf("/") + 1) as ByteString;
    if (!names.has(name) && entryOf(folder, name) === undefined) return candidate;
  }
}

function addConflict(
  state: MergeState,
  path: ByteString,
  kind: ConflictKind,
  ours: Conflict["ours"],
  theirs: Conflict["theirs"],
  keptAs?: ByteString,
): void {
  state.conflicts.push({ path, kind, ours, theirs, keptAs });
}
