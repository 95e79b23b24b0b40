/** A commit's tree as a working tree, to lay something over it or to change it. */
import type { ByteString } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { EntryRecord } from "../../codec/sidecar/folder-record.ts";
import { loadCommit, loadDirMeta } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { type SidecarRef, rootSidecar, viewFolder } from "./folder-view.ts";
import { type Extras, type FolderNode, type LinkGroup, newFolder } from "./working-tree.ts";

/** Throws `not-found`, `corrupt`, `hostile`. */
export function loadWorkingTree(repository: Repository, commit: Checksum): FolderNode {
  const root = loadCommit(repository, commit);
  const groups = new Map<ByteString, LinkGroup>();
  const tree = loadFolder(repository, root.tree, root.meta, rootSidecar(repository, root), groups);
  joinLeaders(tree, groups);
  return tree;
}

function loadFolder(
  repository: Repository,
  tree: Checksum,
  meta: Checksum,
  sidecar: SidecarRef,
  groups: Map<ByteString, LinkGroup>,
): FolderNode {
  const view = viewFolder(repository, tree, sidecar);
  const folder = newFolder(loadDirMeta(repository, meta), extrasOf(view.self, groups));
  for (const { name, checksum, record } of view.files) folder.files.set(name, { checksum, extras: extrasOf(record, groups) });
  for (const { name, node, record } of view.nodes) folder.nodes.set(name, { node, extras: extrasOf(record, groups) });
  for (const dir of view.dirs) folder.dirs.set(dir.name, loadFolder(repository, dir.tree, dir.meta, dir.sidecar, groups));
  return folder;
}

function extrasOf(record: EntryRecord | undefined, groups: Map<ByteString, LinkGroup>): Extras {
  const group = record?.linkTo === undefined ? undefined : groupOf(groups, record.linkTo);
  return { time: record?.time, flags: record?.flags ?? 0, data: record?.data, group, emptyXattrs: record?.emptyXattrs };
}

function groupOf(groups: Map<ByteString, LinkGroup>, leader: ByteString): LinkGroup {
  let group = groups.get(leader);
  if (group === undefined) groups.set(leader, (group = { leader, count: 0 }));
  return group;
}

function joinLeaders(root: FolderNode, groups: Map<ByteString, LinkGroup>): void {
  for (const [path, group] of groups) {
    const pieces = path.split("/") as ByteString[];
    const name = pieces.pop()!;
    let folder: FolderNode | undefined = root;
    for (const piece of pieces) folder = folder?.dirs.get(piece);
    const leader = folder?.files.get(name) ?? folder?.nodes.get(name);
    if (leader !== undefined) Object.assign(leader, { extras: { ...leader.extras, group } });
  }
}
