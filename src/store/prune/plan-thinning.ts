/** Which trees are to go by a policy, or until enough comes free: what `prune` is then told to thin. */
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { ObjectName } from "../../codec/ostree/object-name.ts";
import { whileObjectsHeld } from "../hold-objects.ts";
import { indexObjects } from "../list-objects.ts";
import { loadCommit } from "../object-files.ts";
import { listPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
import { listRetentionCommits } from "./list-retention.ts";
import { type SpaceBounds, NO_SPACE, addSpace, measureObjects } from "./object-space.ts";
import { type LocalOffset, type RetentionDecision, planRetention } from "./plan-retention.ts";
import { markTree, noObjects } from "./reachability.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

export interface ThinningRequest {
  /** Without one all may go but what is needed: the newest of each branch, tags, and what `needed` names. */
  readonly policy?: RetentionPolicy | undefined;
  /** Bytes. The oldest of what may go goes, until so much comes free; without it all of that goes. */
  readonly toFree?: number | undefined;
  /** Commits that something outside the repository needs, and what that is: `snapshot`. */
  readonly needed?: ReadonlyMap<Checksum, string> | undefined;
  /** Seconds since 1970; by default the time of the call. */
  readonly now?: number | undefined;
  readonly offsetAt?: LocalOffset | undefined;
}

export interface ThinningPlan {
  /** Of each commit that has its tree, newest first. */
  readonly decisions: readonly RetentionDecision[];
  /** For `prune`; of those that nothing keeps, oldest first. */
  readonly thinCommits: readonly Checksum[];
  /** With `toFree`: what their trees take that no other commit needs. */
  readonly space: SpaceBounds | undefined;
}

/** Throws `not-found`, `corrupt`, `locked`, `cancelled`. */
export async function planThinning(
  repository: Repository,
  request: ThinningRequest,
  observer: Observer = {},
): Promise<ThinningPlan> {
  return whileObjectsHeld(repository, observer.signal, () => {
    const now = request.now ?? Math.floor(Date.now() / 1000);
    const commits = listRetentionCommits(repository, request.needed ?? new Map());
    const decisions = planRetention(commits, request.policy ?? {}, now, request.offsetAt);
    const free = decisions.filter(({ keptBy }) => keptBy.length === 0).toSorted((a, b) => b.timestamp - a.timestamp);
    const newestFirst = free.map(({ commit }) => commit);
    if (request.toFree === undefined) return { decisions, thinCommits: newestFirst.toReversed(), space: undefined };
    return { decisions, ...oldestUntil(repository, newestFirst, request.toFree, observer) };
  });
}

/**
 * An object comes free when the newest commit that needs it goes. So all that stays is gone through first, then what may go from the newest
 * to the oldest: what a commit is the first to need comes free when it and all older ones go. What shares its blocks counts as if it did
 * not: rather too little goes than too much, and whoever wants more can ask again.
 */
function oldestUntil(
  repository: Repository,
  newestFirst: readonly Checksum[],
  toFree: number,
  { signal }: Observer,
): Pick<ThinningPlan, "thinCommits" | "space"> {
  const needed = noObjects();
  const partial = listPartial(repository);
  const withSidecar = (commit: Checksum): Checksum[] => {
    const sidecar = sidecarCommitOf(loadCommit(repository, commit));
    return sidecar === undefined || !own.has(sidecar) ? [commit] : [commit, sidecar];
  };
  const own = indexObjects(repository).commit;
  const going = new Set(newestFirst.flatMap(withSidecar));
  const mark = (commit: Checksum, onNew?: (kind: ObjectName["kind"], checksum: Checksum) => void): void =>
    markTree(repository, commit, needed, { isPartial: partial.has(commit), signal, ...(onNew && { onNew }) });
  for (const commit of own) if (!going.has(commit)) mark(commit);
  const sizes = newestFirst.map((commit) => {
    const objects: ObjectName[] = [];
    for (const each of withSidecar(commit)) mark(each, (kind, checksum) => objects.push({ kind, checksum }));
    return measureObjects(repository, objects, { lookForSharing: true });
  });
  let space = NO_SPACE;
  let count = 0;
  while (count < newestFirst.length && space.most < toFree) space = addSpace(space, sizes[newestFirst.length - ++count]!);
  return { thinCommits: newestFirst.slice(newestFirst.length - count).toReversed(), space };
}
