/** Which refs of the target a pull moves and where to, and that no commit is lost by it: a ref moves forward or not at all. */
import { RegrowError } from "../../base/errors.ts";
import { type Checksum, isChecksum } from "../../codec/ostree/checksum.ts";
import { parentsOf } from "../parents.ts";
import { checkRefName, readRef } from "../refs.ts";
import type { Repository } from "../repository.ts";
import type { ObjectSource, SourceRef } from "./object-source.ts";
import type { PullOptions, RefMapping, RefUpdate } from "./pull-options.ts";
import { loadCommitOf } from "./walk-history.ts";

/** What is asked for, with the source's commits, before the target is looked at. */
export interface WantedRef {
  readonly from: string;
  readonly to: string | undefined;
  readonly commit: Checksum;
}

/** Throws `not-found` where the source lacks a ref, `usage` for a name that can't be one. */
export async function wantedRefs(source: ObjectSource, options: PullOptions): Promise<WantedRef[]> {
  const refs = await source.listRefs();
  const asked = options.refs ?? refs.map(({ name }) => name);
  return asked.map((mapping) => wanted(source, refs, mapping, options.remote));
}

/** Throws `refused` where a ref would lose commits. */
export async function planRefs(
  target: Repository,
  source: ObjectSource,
  wantedOnes: readonly WantedRef[],
  force: boolean,
): Promise<RefUpdate[]> {
  const updates: RefUpdate[] = [];
  const lossy: RefUpdate[] = [];
  for (const { from, to, commit } of wantedOnes) {
    const before = to === undefined ? undefined : readRef(target, to);
    const update = { from, to, before, after: commit };
    if (to === undefined) updates.push({ ...update, kind: "commit" });
    else if (before === undefined) updates.push({ ...update, kind: "new" });
    else if (before === commit) updates.push({ ...update, kind: "same" });
    else if (!isTag(to) && (await isAncestor(target, source, before, commit))) updates.push({ ...update, kind: "forward" });
    else {
      updates.push({ ...update, kind: "forced" });
      if (!force && !to.includes(":")) lossy.push({ ...update, kind: "forced" });
    }
  }
  if (lossy.length > 0) throw await refusal(target, source, lossy);
  return updates;
}

function wanted(
  source: ObjectSource,
  refs: readonly SourceRef[],
  mapping: string | RefMapping,
  remote: string | undefined,
): WantedRef {
  const { from, to } = typeof mapping === "string" ? { from: mapping, to: mapping } : mapping;
  const target = remote === undefined ? to : `${remote}:${to}`;
  const commit = refs.find(({ name }) => name === from)?.commit;
  if (commit === undefined) {
    if (isChecksum(from)) return { from, to: to === from ? undefined : target, commit: from };
    throw noSuchRef(source, refs, from);
  }
  checkRefName(target);
  return { from, to: target, commit };
}

async function isAncestor(target: Repository, source: ObjectSource, ancestor: Checksum, descendant: Checksum): Promise<boolean> {
  const seen = new Set<Checksum>([descendant]);
  for (const checksum of seen) {
    if (checksum === ancestor) return true;
    const commit = await loadCommitOf(target, source, checksum);
    // A Set is walked in the order of insertion, what is added meanwhile included.
    if (commit !== undefined) for (const parent of parentsOf(commit)) seen.add(parent);
  }
  return false;
}

function isTag(ref: string): boolean {
  return ref.startsWith("tag/");
}

async function refusal(target: Repository, source: ObjectSource, lossy: readonly RefUpdate[]): Promise<RegrowError> {
  const { to, before, after } = lossy[0]!;
  const ahead = await isAncestor(target, source, after, before!);
  const reason = isTag(to!)
    ? "a tag stays where it is"
    : ahead
      ? "it is ahead of the source already"
      : "it has commits that the source does not have";
  const more =
    lossy.length > 1
      ? ` (and ${lossy
          .slice(1)
          .map((update) => update.to)
          .join(", ")})`
      : "";
  return new RegrowError(
    "refused",
    `${target.path}: ${to} is at ${before!.slice(0, 10)} and can't move to ${after.slice(0, 10)}: ${reason}${more}.`,
    {
      path: to!,
      hint: "Merge first, name other refs, or give --force: the old commits then stay only as long as no prune removes them.",
    },
  );
}

function noSuchRef(source: ObjectSource, refs: readonly SourceRef[], name: string): RegrowError {
  const names = refs.map((ref) => ref.name).slice(0, 5);
  const hint = names.length === 0 ? "It has no branches yet." : `It has ${names.join(", ")}.`;
  return new RegrowError("not-found", `${source.name}: ${name}: no such branch or tag there.`, { path: name, hint });
}
