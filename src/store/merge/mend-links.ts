/** After a merge, the names of one group of hard links may have come from different sides: only those with one content stay together. */
import type { FolderNode, LinkGroup } from "../tree/working-tree.ts";
import { type LinkGroups, joinLeaders } from "../tree/load-working-tree.ts";

/** Changes the nodes of the tree in place. */
export function mendLinks(root: FolderNode, groups: LinkGroups): void {
  if (groups.size === 0) return;
  joinLeaders(root, groups);
  const parts = new Map<LinkGroup, Map<string, LinkGroup>>();
  splitGroups(root, parts);
}

function splitGroups(folder: FolderNode, parts: Map<LinkGroup, Map<string, LinkGroup>>): void {
  for (const file of folder.files.values()) {
    if (file.extras.group !== undefined) file.extras = { ...file.extras, group: partOf(parts, file.extras.group, file.checksum) };
  }
  for (const child of folder.dirs.values()) splitGroups(child, parts);
}

function partOf(parts: Map<LinkGroup, Map<string, LinkGroup>>, group: LinkGroup, checksum: string): LinkGroup {
  let byContent = parts.get(group);
  if (byContent === undefined) parts.set(group, (byContent = new Map()));
  let part = byContent.get(checksum);
  if (part === undefined) byContent.set(checksum, (part = { leader: undefined, count: 0 }));
  return part;
}
