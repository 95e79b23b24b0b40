/**
 * What a commit came from. OSTree's format has room for one parent; the second one of a merge stands in the commit's metadata
 * under `regrow.merge-parent` (`ay`, 32 bytes), where ostree carries it along and doesn't follow it.
 */
import { lookUp } from "../codec/gvariant/value.ts";
import { type Checksum, checksumFromRaw } from "../codec/ostree/checksum.ts";
import type { Commit } from "../codec/ostree/commit.ts";

export const MERGE_PARENT_KEY = "regrow.merge-parent";

/** The commit that was merged in, or undefined. Throws `corrupt`. */
export function mergeParentOf(commit: Commit): Checksum | undefined {
  const raw = lookUp(commit.metadata, MERGE_PARENT_KEY, "ay") as Buffer | undefined;
  return raw === undefined ? undefined : checksumFromRaw(raw);
}

/** OSTree's parent first, then the merged one. Throws `corrupt`. */
export function parentsOf(commit: Commit): Checksum[] {
  return [commit.parent, mergeParentOf(commit)].filter((parent) => parent !== undefined);
}
