/**
 * Which file of A becomes which file of B: so what is not new keeps its inode and its blocks, wherever it has moved to. A file is a
 * group of names here. Names that the difference doesn't mention keep what they have.
 */
import type { ByteString } from "../../../base/byte-string.ts";
import { type SideLeaf, type TreeDifference, identityOfLeaf } from "./tree-difference.ts";

/** A file that A has and of which at least one name goes away or changes. */
export interface OldInode {
  readonly key: string;
  readonly names: ByteString[];
  readonly leaf: SideLeaf;
  /** How many names it has that the difference doesn't mention. */
  readonly unknown: number;
}

/** A file that B has and of which at least one name is new or changed. */
export interface NewInode {
  /** As the first name has it: what the others tell is the same. */
  readonly leaf: SideLeaf;
  readonly names: ByteString[];
  /** A name that the difference doesn't mention, and that the others are linked to. */
  readonly linkTo: ByteString | undefined;
  /** What it is made of. */
  from: OldInode | undefined;
}

/** What is asked of the tree on disk, and of commit B. */
export interface InodeFacts {
  /** Of a name in A; undefined where the tree on disk hasn't it. */
  inodeAt(path: ByteString): { readonly key: string; readonly links: number; readonly isRegular: boolean } | undefined;
  /** Of any name in B. */
  identityInB(path: ByteString): string | undefined;
  /** Whether it is a file with content, and no link, device or FIFO. */
  isRegular(leaf: SideLeaf): boolean;
}

export interface ChosenInodes {
  readonly before: readonly OldInode[];
  readonly after: readonly NewInode[];
}

export function chooseInodes(difference: TreeDifference, facts: InodeFacts): ChosenInodes {
  const before = oldInodes(difference, facts);
  const after = newInodes(difference, facts);
  const free = new Set(before.values());
  const isRegular = new Map<OldInode, boolean>();
  const at = new Map<ByteString, OldInode>();
  for (const inode of before.values()) {
    for (const name of inode.names) at.set(name, inode);
    isRegular.set(inode, facts.inodeAt(inode.names[0]!)!.isRegular);
  }
  const claim = (group: NewInode, inode: OldInode | undefined): void => {
    if (inode === undefined || !free.delete(inode)) return;
    group.from = inode;
  };
  const waiting = (): NewInode[] => after.filter(({ from, linkTo }) => from === undefined && linkTo === undefined);
  // The same thing under one of its names; then the same thing under any name; then another version of it under its name.
  for (const group of waiting())
    claim(
      group,
      group.names.map((name) => at.get(name)).find((one) => one && fits(group, one)),
    );
  const byIdentity = Map.groupBy(free, ({ leaf }) => identityOfLeaf(leaf));
  for (const group of waiting()) {
    claim(
      group,
      byIdentity.get(identityOfLeaf(group.leaf))?.find((inode) => free.has(inode) && fits(group, inode)),
    );
  }
  for (const group of waiting()) {
    const inode = group.names.map((name) => at.get(name)).find((one) => one !== undefined && free.has(one));
    if (inode?.unknown === 0 && isRegular.get(inode) === true && facts.isRegular(group.leaf)) claim(group, inode);
  }
  return { before: [...before.values()], after };
}

/** Names that stay say what the file is, and which group it belongs to. */
function fits(group: NewInode, inode: OldInode): boolean {
  if (identityOfLeaf(group.leaf) !== identityOfLeaf(inode.leaf)) return false;
  // Of a link, device or FIFO nothing but the time is set anew.
  if (String(group.leaf.record?.emptyXattrs) !== String(inode.leaf.record?.emptyXattrs)) return false;
  return inode.unknown === 0 || leaderOf(group.leaf, group.names[0]!) === leaderOf(inode.leaf, inode.names[0]!);
}

function oldInodes({ before }: TreeDifference, facts: InodeFacts): Map<string, OldInode> {
  const found = new Map<string, { names: ByteString[]; leaf: SideLeaf; links: number }>();
  for (const [path, leaf] of before) {
    const inode = facts.inodeAt(path);
    if (inode === undefined) continue;
    const known = found.get(inode.key);
    if (known === undefined) found.set(inode.key, { names: [path], leaf, links: inode.links });
    else known.names.push(path);
  }
  return new Map([...found].map(([key, { names, leaf, links }]) => [key, { key, names, leaf, unknown: links - names.length }]));
}

function newInodes({ after }: TreeDifference, facts: InodeFacts): NewInode[] {
  const groups = new Map<string, NewInode>();
  for (const path of [...after.keys()].toSorted((a, b) => (a < b ? -1 : 1))) {
    const leaf = after.get(path)!;
    const leader = leaderOf(leaf, path);
    const identity = identityOfLeaf(leaf);
    const key = `${identity} ${leader}`;
    const known = groups.get(key);
    if (known !== undefined) known.names.push(path);
    else {
      const isElsewhere = !after.has(leader) && facts.identityInB(leader) === identity;
      groups.set(key, { leaf, names: [path], linkTo: isElsewhere ? leader : undefined, from: undefined });
    }
  }
  return [...groups.values()];
}

function leaderOf(leaf: SideLeaf, path: ByteString): ByteString {
  return leaf.record?.linkTo ?? path;
}
