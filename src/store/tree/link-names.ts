/**
 * Files with several names on their way into an archive: the first name that is written has the content, the others are links to
 * it. Where only a part of the tree is written, the first name in that part takes the place of one outside.
 */
import type { ByteString } from "../../base/byte-string.ts";
import type { TreeItem } from "./tree-order.ts";

/** By the path of a file's first name in the whole tree. */
export type LinkGroups = Map<ByteString, WrittenName | undefined>;

interface WrittenName {
  /** In the archive. */
  readonly name: ByteString;
  readonly identity: string;
}

type Leaf = TreeItem & { kind: "file" | "node" };

/** Which of these files have several names; nothing is known to be written yet. */
export function findLinkGroups(items: Iterable<TreeItem>): LinkGroups {
  const groups: LinkGroups = new Map();
  for (const { record } of items) if (record?.linkTo !== undefined) groups.set(record.linkTo, undefined);
  return groups;
}

/**
 * The name in the archive to which this one is to be a link; undefined where it is to be written whole, and is then what later
 * ones link to. Only the same file is ever linked to, whatever a sidecar says.
 */
export function linkTarget(groups: LinkGroups, leaf: Leaf, name: ByteString): ByteString | undefined {
  const leader = leaf.record?.linkTo ?? leaf.path;
  if (!groups.has(leader)) return undefined;
  const written = groups.get(leader);
  const identity = identityOf(leaf);
  if (written?.identity === identity) return written.name;
  if (written === undefined) groups.set(leader, { name, identity });
  return undefined;
}

function identityOf(leaf: Leaf): string {
  if (leaf.kind === "file") return leaf.checksum;
  const { mode, uid, gid, major, minor, xattrs, target } = leaf.node;
  return JSON.stringify([mode, uid, gid, major, minor, target, xattrs.map(({ name, value }) => [name, value.toString("hex")])]);
}
