/** Moving a branch to a commit that comes from the one that it names: a merge that needs no commit of its own. */
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { branchChanges } from "../branch-changes.ts";
import { moveRefs } from "../move-refs.ts";
import { hasWholeCommit } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { withRepositoryLock } from "../repository-lock.ts";

/** Throws `conflict` where the branch does not name `from` any more, `not-found` where `to` lacks its tree, `locked`. */
export async function moveForward(repository: Repository, branch: string, from: Checksum, to: Checksum): Promise<void> {
  // A prune must not take the commit away between the look at it and the move.
  await withRepositoryLock(repository, "shared", undefined, () => moveLocked(repository, branch, from, to));
}

async function moveLocked(repository: Repository, branch: string, from: Checksum, to: Checksum): Promise<void> {
  if (!hasWholeCommit(repository, to)) {
    throw new RegrowError("not-found", `${to.slice(0, 10)}: the commit's tree is not in ${repository.path}.`, {
      path: to,
      hint: "Pull it first.",
    });
  }
  if (await moveRefs(repository, branchChanges(repository, branch, from, to))) return;
  throw new RegrowError("conflict", `${branch}: the branch has moved in the meantime.`, {
    path: branch,
    hint: "Do it again, on what it names now.",
  });
}
