/**
 * A tree on its way into a commit, in memory: folders with their files known by checksum. It may come from several
 * sources, one laid over the other. Content objects are staged already; folders become objects when the tree is written.
 */
import { type ByteString, joinBytes } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { DirMeta } from "../../codec/ostree/dirmeta.ts";
import type { NodeRecord, Stretch } from "../../codec/sidecar/folder-record.ts";

export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** What the sidecar keeps of an entry beside OSTree's own metadata. */
export interface Extras {
  readonly time: Time | undefined;
  /** Inode flags (chattr). */
  readonly flags: number;
  /** The stretches of data of a sparse file. */
  readonly data: readonly Stretch[] | undefined;
  /** The names of one file with several share one group. */
  readonly group: LinkGroup | undefined;
  /** Names of the extended attributes that have an empty value, sorted. Those of a node stand with the others. */
  readonly emptyXattrs?: readonly ByteString[] | undefined;
}

/** All names of one file. Its leader is the first path, bytewise; the others are links to it. */
export interface LinkGroup {
  leader: ByteString | undefined;
  count: number;
}

export interface FileNode {
  checksum: Checksum;
  extras: Extras;
}

/** A device node, a FIFO, or a link whose target is not UTF-8. */
export interface SpecialNode {
  readonly node: NodeRecord;
  readonly extras: Extras;
}

export interface FolderNode {
  meta: DirMeta;
  extras: Extras;
  readonly files: Map<ByteString, FileNode>;
  readonly nodes: Map<ByteString, SpecialNode>;
  readonly dirs: Map<ByteString, FolderNode>;
}

export const NO_EXTRAS: Extras = { time: undefined, flags: 0, data: undefined, group: undefined };

export function newFolder(meta: DirMeta, extras: Extras = NO_EXTRAS): FolderNode {
  return { meta, extras, files: new Map(), nodes: new Map(), dirs: new Map() };
}

/** Lays `upper` over `lower`, in place: folders are joined, all else is replaced by what is above. */
export function overlayFolder(lower: FolderNode, upper: FolderNode): void {
  lower.meta = upper.meta;
  lower.extras = upper.extras;
  for (const [name, file] of upper.files) {
    removeEntry(lower, name);
    lower.files.set(name, file);
  }
  for (const [name, node] of upper.nodes) {
    removeEntry(lower, name);
    lower.nodes.set(name, node);
  }
  for (const [name, folder] of upper.dirs) {
    const existing = lower.dirs.get(name);
    if (existing !== undefined) overlayFolder(existing, folder);
    else {
      removeEntry(lower, name);
      lower.dirs.set(name, folder);
    }
  }
}

export function removeEntry(folder: FolderNode, name: ByteString): void {
  folder.files.delete(name);
  folder.nodes.delete(name);
  folder.dirs.delete(name);
}

/** Finds the leader of each group of hard links, and forgets groups of which only one name is in the tree. */
export function settleLinkGroups(root: FolderNode): void {
  const groups = new Set<LinkGroup>();
  eachLinked(root, "" as ByteString, (group) => {
    groups.add(group);
    group.leader = undefined;
    group.count = 0;
  });
  if (groups.size === 0) return;
  eachLinked(root, "" as ByteString, (group, path) => {
    group.count++;
    if (group.leader === undefined || path < group.leader) group.leader = path;
  });
}

function eachLinked(folder: FolderNode, path: ByteString, visit: (group: LinkGroup, path: ByteString) => void): void {
  for (const [name, { extras }] of folder.files) if (extras.group !== undefined) visit(extras.group, joinBytes(path, name));
  for (const [name, { extras }] of folder.nodes) if (extras.group !== undefined) visit(extras.group, joinBytes(path, name));
  for (const [name, child] of folder.dirs) eachLinked(child, joinBytes(path, name), visit);
}
