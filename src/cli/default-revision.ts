/** Which commit is meant where none is named. */
import { RegrowError } from "../base/errors.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { isCompanionRef, listRefs, readRef } from "../store/refs.ts";
import type { Repository } from "../store/repository.ts";
import { resolveRevision } from "../store/revision.ts";

const MAIN = "main";

/** What `revision` names; without one the newest commit of `main`, or of the only branch. Throws `usage`, `not-found`. */
export function commitNamed(repository: Repository, revision: string | undefined): Checksum {
  return resolveRevision(repository, revision ?? defaultBranch(repository));
}

/** A branch and its newest commit; without a name the default one. Throws `usage`, `not-found`. */
export function branchTip(repository: Repository, name: string | undefined): { branch: string; commit: Checksum } {
  const branch = name ?? defaultBranch(repository);
  const commit = readRef(repository, branch);
  if (commit !== undefined) return { branch, commit };
  throw new RegrowError("not-found", `${branch}: no such branch.`, { path: branch, hint: "`regrow refs` lists them." });
}

/** Throws `usage` where there are several branches and none is called `main`, `not-found` where there is none. */
export function defaultBranch(repository: Repository): string {
  if (readRef(repository, MAIN) !== undefined) return MAIN;
  const branches = listRefs(repository)
    .map(({ name }) => name)
    .filter((name) => !isCompanionRef(name) && !name.startsWith("tag/"));
  if (branches.length === 1) return branches[0]!;
  if (branches.length > 1) {
    throw new RegrowError("usage", "Several branches, and none is called main.", {
      hint: `Name one: ${branches.slice(0, 5).join(", ")}.`,
    });
  }
  throw new RegrowError("not-found", `${repository.path}: the repository has no commits yet.`, {
    path: repository.path,
    hint: "Make one: `regrow commit -b main DIR`.",
  });
}
