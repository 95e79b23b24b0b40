/** The move of a branch together with its companion, which names the sidecar of the same commit. */
import type { Checksum } from "../codec/ostree/checksum.ts";
import type { RefChange } from "./move-refs.ts";
import { loadCommit } from "./object-files.ts";
import { hasWholeCommit } from "./partial-commits.ts";
import { companionRef, readRef } from "./refs.ts";
import type { Repository } from "./repository.ts";
import { sidecarCommitOf } from "./tree/folder-view.ts";

/** `from` is what the branch must name now, null for a branch that is new. A sidecar that did not come along has no companion. */
export function branchChanges(repository: Repository, branch: string, from: Checksum | null, to: Checksum): RefChange[] {
  const companion = companionRef(branch);
  const sidecar = sidecarCommitOf(loadCommit(repository, to));
  const present = sidecar !== undefined && hasWholeCommit(repository, sidecar) ? sidecar : undefined;
  const changes: RefChange[] = [{ name: branch, commit: to, expected: from }];
  if (present !== undefined || readRef(repository, companion) !== undefined) changes.push({ name: companion, commit: present });
  return changes;
}
