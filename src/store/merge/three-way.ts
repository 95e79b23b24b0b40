/** The rule of every merge, for one value: what only one side changed is taken from that side. */
import type { Extras } from "../tree/working-tree.ts";

export interface Decision<Value> {
  readonly value: Value;
  /** Both sides changed it, each to something else; the value is that of the favoured side. */
  readonly isConflict: boolean;
}

/** `favoured` decides where both changed; values are compared by `same`. */
export function decide<Value>(
  base: Value,
  ours: Value,
  theirs: Value,
  favoured: "ours" | "theirs",
  same: (a: Value, b: Value) => boolean = Object.is,
): Decision<Value> {
  if (same(ours, theirs) || same(base, theirs)) return { value: ours, isConflict: false };
  if (same(base, ours)) return { value: theirs, isConflict: false };
  return { value: favoured === "ours" ? ours : theirs, isConflict: true };
}

/**
 * What the sidecar keeps of an entry, without flags: times and links never conflict, the later time wins. `data` says where a file
 * has holes and so belongs to the content of one side.
 */
export function joinExtras(
  base: Extras | undefined,
  ours: Extras,
  theirs: Extras,
  contentOf: "ours" | "theirs",
  flags: number,
): Extras {
  const time = decide(base?.time, ours.time, theirs.time, laterOf(ours, theirs), sameTime).value;
  const group = decide(base?.group, ours.group, theirs.group, "ours").value;
  const emptyXattrs = decide(base?.emptyXattrs, ours.emptyXattrs, theirs.emptyXattrs, "ours", sameNames).value;
  return { time, flags, data: (contentOf === "ours" ? ours : theirs).data, group, emptyXattrs };
}

function laterOf(ours: Extras, theirs: Extras): "ours" | "theirs" {
  const [a, b] = [ours.time, theirs.time];
  if (a === undefined || b === undefined) return a === undefined ? "theirs" : "ours";
  return b.seconds > a.seconds || (b.seconds === a.seconds && b.nanoseconds > a.nanoseconds) ? "theirs" : "ours";
}

function sameTime(a: Extras["time"], b: Extras["time"]): boolean {
  return a?.seconds === b?.seconds && a?.nanoseconds === b?.nanoseconds;
}

function sameNames(a: Extras["emptyXattrs"], b: Extras["emptyXattrs"]): boolean {
  return a?.join("\0") === b?.join("\0");
}
