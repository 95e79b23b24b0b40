/** Owner, permissions and attributes of an entry, merged one by one: a changed owner and a changed mode go together. */
import type { ByteString } from "../../base/byte-string.ts";
import { type XattrRecord, sameXattrs } from "../../codec/ostree/xattrs.ts";
import type { Side } from "./merge-types.ts";
import { type Decision, decide } from "./three-way.ts";

export interface Owned {
  readonly uid: number;
  readonly gid: number;
  /** With the type bits. */
  readonly mode: number;
  readonly xattrs: readonly XattrRecord[];
}

const PERMISSIONS = 0o7777;

/** The mode's type bits are those of `ours`. */
export function mergeOwned(base: Owned | undefined, ours: Owned, theirs: Owned, favoured: Side): Decision<Owned> {
  const uid = decide(base?.uid, ours.uid, theirs.uid, favoured);
  const gid = decide(base?.gid, ours.gid, theirs.gid, favoured);
  const mode = decide(permissions(base), permissions(ours), permissions(theirs), favoured);
  const xattrs = mergeXattrs(base?.xattrs ?? [], ours.xattrs, theirs.xattrs, favoured);
  return {
    value: { uid: uid.value!, gid: gid.value!, mode: (ours.mode & ~PERMISSIONS) | mode.value!, xattrs: xattrs.value },
    isConflict: uid.isConflict || gid.isConflict || mode.isConflict || xattrs.isConflict,
  };
}

export function sameOwned(a: Owned, b: Owned): boolean {
  return a.uid === b.uid && a.gid === b.gid && a.mode === b.mode && sameXattrs(a.xattrs, b.xattrs);
}

function mergeXattrs(
  base: readonly XattrRecord[],
  ours: readonly XattrRecord[],
  theirs: readonly XattrRecord[],
  favoured: Side,
): Decision<readonly XattrRecord[]> {
  const sides = [base, ours, theirs].map((xattrs) => new Map(xattrs.map(({ name, value }) => [name, value])));
  const names = [...new Set(sides.flatMap((side) => [...side.keys()]))].sort();
  const merged: XattrRecord[] = [];
  let isConflict = false;
  for (const name of names) {
    const [before, a, b] = sides.map((side) => side.get(name));
    const decision = decide<Buffer | undefined>(before, a, b, favoured, sameValue);
    isConflict ||= decision.isConflict;
    if (decision.value !== undefined) merged.push({ name: name as ByteString, value: decision.value });
  }
  return { value: merged, isConflict };
}

function sameValue(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

function permissions(owned: Owned | undefined): number | undefined {
  return owned === undefined ? undefined : owned.mode & PERMISSIONS;
}
