/** Commits' trees as working trees, to lay something over them, to change them or to merge them. */
import { type ByteString, EMPTY, joinBytes } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { EntryRecord } from "../../codec/sidecar/folder-record.ts";
import { loadCommit, loadDirMeta } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { refuseTooDeep } from "./depth-limit.ts";
import type { FolderRef } from "./find-entry.ts";
import { rootSidecar, viewFolder } from "./folder-view.ts";
import { type Extras, type FolderNode, type LinkGroup, newFolder } from "./working-tree.ts";

/** Throws `not-found`, `corrupt`, `hostile`. */
export function loadWorkingTree(repository: Repository, commit: Checksum): FolderNode {
  const root = loadCommit(repository, commit);
  const state: LoadState = { repository, groups: new Map(), known: undefined };
  const tree = loadFolder(state, EMPTY, { tree: root.tree, meta: root.meta, sidecar: rootSidecar(repository, root) });
  joinLeaders(tree, state.groups);
  return tree;
}

export interface SharedTrees {
  /** In the order of the commits. Link groups lack their leaders until `joinLeaders` is called for one tree. */
  readonly trees: readonly FolderNode[];
  /** Whether the commit has a sidecar at hand. */
  readonly hasSidecar: readonly boolean[];
  /** By the path of the leader; all trees share them. */
  readonly groups: LinkGroups;
}

/**
 * The trees of several commits, of which folders that are the same at the same path are one object and were read once. So trees
 * that differ little cost little more than one. Throws `not-found`, `corrupt`, `hostile`.
 */
export function loadSharedTrees(repository: Repository, commits: readonly Checksum[]): SharedTrees {
  const state: LoadState = { repository, groups: new Map(), known: new Map() };
  const roots = commits.map((commit) => loadCommit(repository, commit));
  const sidecars = roots.map((root) => rootSidecar(repository, root));
  const trees = roots.map((root, index) =>
    loadFolder(state, EMPTY, { tree: root.tree, meta: root.meta, sidecar: sidecars[index] }),
  );
  return { trees, hasSidecar: sidecars.map((sidecar) => sidecar !== undefined), groups: state.groups };
}

/** Makes the leader of each group of hard links one of its names again, where the tree has it. */
export function joinLeaders(root: FolderNode, groups: LinkGroups): void {
  for (const [path, group] of groups) {
    const pieces = path.split("/") as ByteString[];
    const name = pieces.pop()!;
    let folder: FolderNode | undefined = root;
    for (const piece of pieces) folder = folder?.dirs.get(piece);
    const leader = folder?.files.get(name) ?? folder?.nodes.get(name);
    if (leader !== undefined) Object.assign(leader, { extras: { ...leader.extras, group } });
  }
}

export type LinkGroups = Map<ByteString, LinkGroup>;

interface LoadState {
  readonly repository: Repository;
  readonly groups: LinkGroups;
  /** Folders by path and identity; undefined where each is loaded for itself. */
  readonly known: Map<string, FolderNode> | undefined;
}

function loadFolder(state: LoadState, path: ByteString, { tree, meta, sidecar }: FolderRef): FolderNode {
  refuseTooDeep(path);
  const key = `${tree}${meta}${sidecar === undefined ? "" : sidecar.kind === "record" ? sidecar.checksum : sidecar.tree}/${path}`;
  const known = state.known?.get(key);
  if (known !== undefined) return known;
  const { repository, groups } = state;
  const view = viewFolder(repository, tree, sidecar);
  const folder = newFolder(loadDirMeta(repository, meta), extrasOf(view.self, groups));
  for (const { name, checksum, record } of view.files) folder.files.set(name, { checksum, extras: extrasOf(record, groups) });
  for (const { name, node, record } of view.nodes) folder.nodes.set(name, { node, extras: extrasOf(record, groups) });
  for (const dir of view.dirs) folder.dirs.set(dir.name, loadFolder(state, joinBytes(path, dir.name), dir));
  state.known?.set(key, folder);
  return folder;
}

function extrasOf(record: EntryRecord | undefined, groups: LinkGroups): Extras {
  const group = record?.linkTo === undefined ? undefined : groupOf(groups, record.linkTo);
  return { time: record?.time, flags: record?.flags ?? 0, data: record?.data, group, emptyXattrs: record?.emptyXattrs };
}

function groupOf(groups: LinkGroups, leader: ByteString): LinkGroup {
  let group = groups.get(leader);
  if (group === undefined) groups.set(leader, (group = { leader, count: 0 }));
  return group;
}
