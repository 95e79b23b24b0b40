/** What merge and revert have in common. */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { RegrowError } from "../base/errors.ts";
import type { Conflict, MergeReport, Side } from "../store/merge/merge-types.ts";
import type { MergeOptions } from "../store/merge/merge.ts";
import type { Repository } from "../store/repository.ts";
import type { Context } from "./context.ts";
import { branchTip } from "./default-revision.ts";
import { MESSAGE_OPTIONS, type MessageOptions, readMessage } from "./message.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { countOf } from "./render/commit-counts.ts";
import { jsonPath } from "./render/json-values.ts";

export interface MergeTextOptions extends MessageOptions {
  readonly branch?: string;
  readonly favour?: Side;
}

type MergeRequest = Pick<MergeOptions, "ours" | "favour" | "dryRun" | "timestamp" | "subject" | "body"> & { branch: string };

export const MERGE_OPTIONS: readonly OptionDefinition[] = [
  {
    short: "b",
    long: "branch",
    value: "BRANCH",
    summary: "the branch that moves; without: main, or the only one",
    completes: "ref",
  },
  {
    long: "favour",
    value: "SIDE",
    summary: "ours or theirs: stays in place, the other is kept beside it",
    parse: parseSide,
    completes: ["ours", "theirs"],
  },
  ...MESSAGE_OPTIONS,
];

/** What merge and revert are asked for alike: which branch they continue, and how. Throws `usage`, `not-found`. */
export function mergeRequest({ global }: Context, repository: Repository, options: MergeTextOptions): MergeRequest {
  const { branch, commit } = branchTip(repository, options.branch);
  const { favour, timestamp } = options;
  return { ours: commit, branch, favour, dryRun: global.dryRun, timestamp, ...readMessage(options) };
}

/** Prints the conflicts, and last the checksum. Throws `conflict` where nothing was written because of them. */
export function tellMerge({ out, global }: Context, branch: string, report: MergeReport): void {
  const { outcome, commit, conflicts, counts, dryRun } = report;
  if (global.json) out.json({ ...report, branch, conflicts: conflicts.map(conflictJson) });
  else for (const conflict of conflicts) out.print(conflictLine(conflict, outcome === "merged"));
  if (outcome === "conflicts") {
    throw new RegrowError("conflict", `${countOf(conflicts.length, "conflict")}: both sides changed the same.`, {
      hint: "Give --favour=ours or --favour=theirs: the other side is then kept beside it. Nothing was written.",
    });
  }
  out.say(`${dryRun ? "would be " : ""}${outcome}: ${countOf(counts.taken, "entry", "entries")} taken, ${counts.joined} joined`);
  if (commit !== undefined && !global.json) out.print(commit);
}

function conflictLine({ path, kind, ours, theirs, keptAs }: Conflict, isSettled: boolean): string {
  const kept = !isSettled || keptAs === undefined ? "" : `; the other is kept as /${displayBytes(keptAs)}`;
  return `C    /${displayBytes(path)}  (${kind}: ${ours} here, ${theirs} there${kept})`;
}

function conflictJson({ path, keptAs, ...rest }: Conflict): object {
  const kept = keptAs === undefined ? undefined : jsonPath(`/${keptAs}` as ByteString);
  return { ...jsonPath(`/${path}` as ByteString), ...rest, keptAs: kept?.path, keptAsBase64: kept?.pathBase64 };
}

function parseSide(text: string): Side {
  if (text === "ours" || text === "theirs") return text;
  throw new RegrowError("usage", `${text}: no side.`, { hint: "Write ours or theirs." });
}
