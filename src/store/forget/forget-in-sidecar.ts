/**
 * A commit's sidecar without the forgotten paths: their records, their names that are not UTF-8, and what links to them. Where the first
 * name of a file is forgotten, the first of its other names takes its place, as it would in a commit of the tree without it. Those may
 * stand anywhere, so each part of a sidecar is read once to see whether it links to a forgotten path; most have no such link.
 */
import { type ByteString, EMPTY, joinBytes } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type EntryRecord, encodeFolderRecord } from "../../codec/sidecar/folder-record.ts";
import { unescapeName } from "../../codec/sidecar/sidecar-name.ts";
import { refuseTooDeep } from "../tree/depth-limit.ts";
import { type SidecarParts, type SidecarRef, loadSidecar } from "../tree/folder-view.ts";
import { isWorthKeeping, rootOfSidecar, writeSidecar } from "../tree/write-tree.ts";
import { type TreeForgetter, forgetAmong } from "./forget-in-tree.ts";
import { type PathNode, isForgotten } from "./path-set.ts";

export interface SidecarForgetter {
  readonly trees: TreeForgetter;
  readonly paths: PathNode;
  /** Whether something in this part links to a forgotten path, by the checksum of its object. */
  readonly links: Map<Checksum, boolean>;
  /** What whole sidecars became, by the root. */
  readonly roots: Map<Checksum, Checksum>;
  /** What parts without such links became, by the place in the set of paths. */
  readonly known: Map<PathNode, Map<Checksum, Part>>;
}

type Part = SidecarRef & object;
/** The name that takes the place of a forgotten first one. */
type Leaders = ReadonlyMap<ByteString, ByteString>;

export function newSidecarForgetter(trees: TreeForgetter, paths: PathNode): SidecarForgetter {
  return { trees, paths, links: new Map(), roots: new Map(), known: new Map() };
}

/** The root folder of the sidecar without them; the same where it has none. Throws `not-found`, `corrupt`, `hostile`, `no-space`. */
export function forgetInSidecar(state: SidecarForgetter, root: Checksum): Checksum {
  const known = state.roots.get(root);
  if (known !== undefined) return known;
  const part: Part = { kind: "folder", tree: root };
  const leaders = new Map<ByteString, ByteString>();
  findLeaders(state, part, EMPTY, leaders);
  const edited = edit(state, part, EMPTY, state.paths, leaders);
  const after = edited === part ? root : rootOfSidecar(state.trees.sink, edited);
  state.roots.set(root, after);
  return after;
}

function findLeaders(state: SidecarForgetter, part: Part, path: ByteString, leaders: Map<ByteString, ByteString>): void {
  if (!hasLinks(state, part, path)) return;
  const { records, children } = loadSidecar(state.trees.repository, part);
  for (const { name, linkTo } of records.values()) {
    const own = joinBytes(path, name);
    if (linkTo === undefined || !isForgotten(state.paths, linkTo) || isForgotten(state.paths, own)) continue;
    const first = leaders.get(linkTo);
    if (first === undefined || own < first) leaders.set(linkTo, own);
  }
  for (const [name, child] of children) findLeaders(state, child, joinBytes(path, unescapeName(name)), leaders);
}

function hasLinks(state: SidecarForgetter, part: Part, path: ByteString): boolean {
  const key = checksumOfPart(part);
  const known = state.links.get(key);
  if (known !== undefined) return known;
  refuseTooDeep(path);
  const { records, children } = loadSidecar(state.trees.repository, part);
  let has = false;
  for (const { linkTo } of records.values()) has ||= linkTo !== undefined && isForgotten(state.paths, linkTo);
  // All of them, so that each is known from now on.
  for (const [name, child] of children) has = hasLinks(state, child, joinBytes(path, name)) || has;
  state.links.set(key, has);
  return has;
}

function edit(state: SidecarForgetter, part: Part, path: ByteString, node: PathNode | undefined, leaders: Leaders): Part {
  const mayLink = hasLinks(state, part, path);
  if (node === undefined && !mayLink) return part;
  const known = mayLink || node === undefined ? undefined : knownAt(state, node);
  const before = known?.get(checksumOfPart(part));
  if (before !== undefined) return before;
  const after = editFolder(state, part, path, node, leaders);
  known?.set(checksumOfPart(part), after);
  return after;
}

function editFolder(state: SidecarForgetter, part: Part, path: ByteString, node: PathNode | undefined, leaders: Leaders): Part {
  const parts = loadSidecar(state.trees.repository, part);
  const records = editRecords(state, parts, path, node, leaders);
  const odd = node === undefined ? parts.odd : forgetAmong(state.trees, parts.odd, node, unescapeName);
  const children: { name: ByteString; entry: Part }[] = [];
  let isSame = records === undefined && odd === parts.odd;
  for (const [name, child] of parts.children) {
    const plain = unescapeName(name);
    const at = node?.children.get(plain);
    const entry = at?.path === undefined ? edit(state, child, joinBytes(path, plain), at, leaders) : undefined;
    isSame &&= entry === child;
    if (entry !== undefined) children.push({ name, entry });
  }
  if (isSame) return part;
  const { sink } = state.trees;
  return writeSidecar(sink, sink.record(encodeFolderRecord(records ?? parts.records.values())), odd, children);
}

/** Undefined where they stay as they are. */
function editRecords(
  state: SidecarForgetter,
  { records }: SidecarParts,
  path: ByteString,
  node: PathNode | undefined,
  leaders: Leaders,
): EntryRecord[] | undefined {
  let isSame = true;
  const kept: EntryRecord[] = [];
  for (const record of records.values()) {
    const forgotten = record.name === EMPTY ? undefined : node?.children.get(record.name)?.path;
    if (forgotten !== undefined) {
      // A device node stands here alone.
      state.trees.found.paths.add(forgotten);
      isSame = false;
      continue;
    }
    const leader = record.linkTo === undefined ? undefined : leaders.get(record.linkTo);
    if (leader === undefined) {
      kept.push(record);
      continue;
    }
    isSame = false;
    const edited = { ...record, linkTo: leader === joinBytes(path, record.name) ? undefined : leader };
    if (isWorthKeeping(edited)) kept.push(edited);
  }
  return isSame ? undefined : kept;
}

function knownAt(state: SidecarForgetter, node: PathNode): Map<Checksum, Part> {
  let known = state.known.get(node);
  if (known === undefined) state.known.set(node, (known = new Map()));
  return known;
}

function checksumOfPart(part: Part): Checksum {
  return part.kind === "record" ? part.checksum : part.tree;
}
