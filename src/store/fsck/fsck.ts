/**
 * Checking a repository: every object against its name, everything that commits and refs need, and, for what is not good, which
 * commits and refs it touches; and, where that is wanted, mending it.
 */
import { type Observer } from "../../base/events.ts";
import { whileObjectsHeld } from "../hold-objects.ts";
import type { Repository } from "../repository.ts";
import { type BadRef, checkRefs } from "./check-refs.ts";
import { type BadObject, type Findings, look } from "./look.ts";
import { deleteBad } from "./delete-bad.ts";
import { repairBad } from "./repair-bad.ts";

export type { BadObject } from "./look.ts";

export interface FsckOptions {
  /** Remove bad objects and mark the commits that need them as partial; what they lack is told of until it is repaired. */
  readonly delete?: boolean | undefined;
  /** Fetch bad objects from there. */
  readonly repairFrom?: Repository | undefined;
  /** Only look whether everything is there; read no content. */
  readonly quick?: boolean | undefined;
  /** How many threads work, this one among them. */
  readonly workers?: number | undefined;
}

export interface FsckReport extends Findings {
  readonly badRefs: readonly BadRef[];
}

/** Throws `locked`, `cancelled`, SystemError; damage is a result, not an error. */
export async function checkRepository(
  repository: Repository,
  options: FsckOptions = {},
  observer: Observer = {},
): Promise<FsckReport> {
  const { workers, repairFrom, quick } = options;
  const read = quick === true ? "nothing" : "everything";
  // A prune must not take away what is being looked at.
  const found = await whileObjectsHeld(repository, observer.signal, () => look(repository, { read, workers }, observer));
  let bad: readonly BadObject[] = found.bad;
  if (repairFrom !== undefined) bad = await repairBad(repository, repairFrom, bad, read === "everything", observer.signal);
  if (options.delete === true) bad = await deleteBad(repository, bad, observer.signal);
  return { ...found, bad, badRefs: checkRefs(repository) };
}

/** Whether nothing is wrong any more. */
export function isSound({ bad, badRefs }: FsckReport): boolean {
  return badRefs.length === 0 && bad.every(({ outcome }) => outcome === "repaired");
}
