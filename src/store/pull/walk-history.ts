/**
 * Which commits a pull brings: the tips, their ancestors down to a depth, and the commits of their sidecars. A history that
 * the source has cut (shallow, pruned) simply ends there; only a tip must be there whole.
 */
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type Commit, decodeCommit } from "../../codec/ostree/commit.ts";
import { hasObject, tryLoadMetadata } from "../object-files.ts";
import { parentsOf } from "../parents.ts";
import { hasWholeCommit } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
import type { ObjectSource } from "./object-source.ts";

export interface WalkedCommit {
  readonly checksum: Checksum;
  readonly commit: Commit;
  /** `whole`: the target has it all. `fetch`: to be brought. `thinned`: comes without a tree. `left`: is there without a tree, and stays so. */
  readonly state: "whole" | "fetch" | "thinned" | "left";
  readonly isTip: boolean;
  readonly isSidecar: boolean;
}

export interface HistoryRequest {
  readonly target: Repository;
  readonly source: ObjectSource;
  readonly tips: readonly Checksum[];
  /** -1 for all. */
  readonly depth: number;
  readonly signal: AbortSignal | undefined;
}

/** In the order of discovery, each once. Throws `not-found` where a tip is missing or thinned, `corrupt`. */
export async function walkHistory(request: HistoryRequest): Promise<WalkedCommit[]> {
  const walked = new Map<Checksum, WalkedCommit>();
  const seen = new Set<Checksum>();
  const tips = new Set(request.tips);
  let generation: readonly Checksum[] = [...tips];
  const last = request.depth < 0 ? Infinity : request.depth;
  for (let depth = 0; depth <= last && generation.length > 0; depth++) {
    const next = new Set<Checksum>();
    for (const checksum of generation) {
      throwIfCancelled(request.signal);
      if (seen.has(checksum)) continue;
      seen.add(checksum);
      const found = await look(request, checksum, { isTip: tips.has(checksum), isSidecar: false });
      if (tips.has(checksum)) refuseTip(request.source, checksum, found);
      if (found === undefined) continue;
      walked.set(checksum, found);
      const sidecar = await lookForSidecar(request, found);
      if (sidecar !== undefined && !walked.has(sidecar.checksum)) walked.set(sidecar.checksum, sidecar);
      for (const parent of parentsOf(found.commit)) next.add(parent);
    }
    generation = [...next];
  }
  return [...walked.values()];
}

/** A commit's object, from the target where it is there already. Undefined where neither has it. */
export async function loadCommitOf(target: Repository, source: ObjectSource, checksum: Checksum): Promise<Commit | undefined> {
  const data = tryLoadMetadata(target, "commit", checksum) ?? (await source.tryLoadMetadata("commit", checksum));
  return data === undefined ? undefined : decodeCommit(data);
}

async function look(
  { target, source }: HistoryRequest,
  checksum: Checksum,
  role: Pick<WalkedCommit, "isTip" | "isSidecar">,
): Promise<WalkedCommit | undefined> {
  const commit = await loadCommitOf(target, source, checksum);
  if (commit === undefined) return undefined;
  if (hasWholeCommit(target, checksum)) return { checksum, commit, state: "whole", ...role };
  const whole = (await source.tryLoadMetadata("commit", checksum)) !== undefined && !(await source.isPartial(checksum));
  const state = whole ? "fetch" : hasObject(target, "commit", checksum) ? "left" : "thinned";
  return { checksum, commit, state, ...role };
}

/** The sidecar's commit; a thinned or lost one is left behind, for a commit without a sidecar is as good. */
async function lookForSidecar(
  request: HistoryRequest,
  { commit, state, isTip }: WalkedCommit,
): Promise<WalkedCommit | undefined> {
  const checksum = isTreeless(state) ? undefined : sidecarCommitOf(commit);
  const found = checksum === undefined ? undefined : await look(request, checksum, { isTip, isSidecar: true });
  return found === undefined || isTreeless(found.state) ? undefined : found;
}

function refuseTip(source: ObjectSource, checksum: Checksum, found: WalkedCommit | undefined): void {
  if (found !== undefined && !isTreeless(found.state)) return;
  const reason = found === undefined ? "the commit is missing" : "the commit's tree was thinned out or has not come completely";
  throw new RegrowError("not-found", `${source.name}: ${checksum}: ${reason}.`, {
    path: checksum,
    hint: "Pull another commit, or complete this one there first.",
  });
}

function isTreeless(state: WalkedCommit["state"]): boolean {
  return state === "thinned" || state === "left";
}
