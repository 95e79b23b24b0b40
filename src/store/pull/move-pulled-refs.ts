/** The end of a pull: all refs and their companions move together, compared with what they named when the move was planned. */
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type RefChange, moveRefs } from "../move-refs.ts";
import { loadCommit } from "../object-files.ts";
import { hasWholeCommit } from "../partial-commits.ts";
import { companionRef, readRef } from "../refs.ts";
import type { Repository } from "../repository.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
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
    if (
      await moveRefs(
        target,
        updates.flatMap((update) => changesOf(target, update)),
      )
    )
      return updates;
  }
  throw new RegrowError("locked", `${target.path}: its refs move faster than a pull can follow.`, {
    path: target.path,
    hint: "Try again.",
  });
}

function changesOf(target: Repository, { to, before, after }: RefUpdate): RefChange[] {
  if (to === undefined) return [];
  const companion = companionRef(to);
  const sidecar = presentSidecar(target, after);
  const changes: RefChange[] = [{ name: to, commit: after, expected: before ?? null }];
  if (sidecar !== undefined || readRef(target, companion) !== undefined) changes.push({ name: companion, commit: sidecar });
  return changes;
}

function presentSidecar(target: Repository, commit: Checksum): Checksum | undefined {
  const sidecar = sidecarCommitOf(loadCommit(target, commit));
  return sidecar !== undefined && hasWholeCommit(target, sidecar) ? sidecar : undefined;
}
