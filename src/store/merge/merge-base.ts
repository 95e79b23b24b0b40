/**
 * The nearest commit that two commits both come from. Histories branch and, through `regrow.merge-parent`, join again, so there can
 * be several that don't come from each other; then the newest is taken.
 */
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { hasObject, loadCommit } from "../object-files.ts";
import { parentsOf } from "../parents.ts";
import type { Repository } from "../repository.ts";

/** Undefined where the histories have nothing in common, as far as the repository has them. Throws `not-found`, `corrupt`. */
export function findMergeBase(repository: Repository, ours: Checksum, theirs: Checksum): Checksum | undefined {
  const known = ancestry(repository, ours);
  const candidates = meetingPoints(repository, theirs, known);
  const best = candidates.filter(
    (candidate) => !candidates.some((other) => other !== candidate && isAncestor(repository, candidate, other)),
  );
  return best.sort((a, b) => loadCommit(repository, b).timestamp - loadCommit(repository, a).timestamp || (a < b ? -1 : 1))[0];
}

/** Whether `descendant` is or comes from `ancestor`. */
export function isAncestor(repository: Repository, ancestor: Checksum, descendant: Checksum): boolean {
  return ancestry(repository, descendant).has(ancestor);
}

/** The commit and all that it comes from. A history that was cut ends there. */
function ancestry(repository: Repository, tip: Checksum): Set<Checksum> {
  const seen = new Set<Checksum>([tip]);
  // A Set is walked in the order of insertion, what is added meanwhile included.
  for (const checksum of seen) for (const parent of presentParents(repository, checksum)) seen.add(parent);
  return seen;
}

/** Where the ways from `tip` into the past first meet what is known. */
function meetingPoints(repository: Repository, tip: Checksum, known: ReadonlySet<Checksum>): Checksum[] {
  const seen = new Set<Checksum>([tip]);
  const found: Checksum[] = [];
  for (const checksum of seen) {
    if (known.has(checksum)) found.push(checksum);
    else for (const parent of presentParents(repository, checksum)) seen.add(parent);
  }
  return found;
}

function presentParents(repository: Repository, checksum: Checksum): Checksum[] {
  if (!hasObject(repository, "commit", checksum)) {
    throw new RegrowError("not-found", `${checksum}: no such commit.`, { path: checksum, hint: "`regrow log` lists commits." });
  }
  return parentsOf(loadCommit(repository, checksum)).filter((parent) => hasObject(repository, "commit", parent));
}
