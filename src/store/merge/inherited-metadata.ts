/** What a merge or a revert takes over from the metadata of the commit that it is laid upon: whatever is not about that one tree. */
import type { Dictionary } from "../../codec/gvariant/value.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import { MERGE_PARENT_KEY } from "../parents.ts";
import { SIDECAR_KEY } from "../tree/folder-view.ts";

const OF_ONE_TREE = new Set([SIDECAR_KEY, MERGE_PARENT_KEY, "version", "ostree.sizes", "ostree.composefs.digest.v0"]);

export function inheritedMetadata(commit: Commit): Dictionary {
  return commit.metadata.filter(([key]) => !OF_ONE_TREE.has(key));
}
