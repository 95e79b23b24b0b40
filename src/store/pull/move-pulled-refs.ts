/** The end of a pull: all refs and their companions move together, compared with what they named when the move was planned. */
import { RegrowError } from "../../base/errors.ts";
import { branchChanges } from "../branch-changes.ts";
import { moveRefs } from "../move-refs.ts";
import type { Repository } from "../repository.ts";
import type { ObjectSource } from "./object-source.ts";
import { type WantedRef, planRefs } from "./plan-refs.ts";
import type { RefUpdate } from "./pull-options.ts";

const MOST_RACES = 20;

/** What has moved. Throws `refused` where a ref has gone elsewhere in the meantime, `locked`. */
export async function movePulledRefs(
  target: Repository,
  source: ObjectSource,
  wanted: readonly WantedRef[],
  force: boolean,
): Promise<RefUpdate[]> {
  for (let race = 0; race < MOST_RACES; race++) {
    const updates = await planRefs(target, source, wanted, force);
    const changes = updates.flatMap(({ to, before, after }) =>
      to === undefined ? [] : branchChanges(target, to, before ?? null, after),
    );
    if (await moveRefs(target, changes)) return updates;
  }
  throw new RegrowError("locked", `${target.path}: its refs move faster than a pull can follow.`, {
    path: target.path,
    hint: "Try again.",
  });
}
