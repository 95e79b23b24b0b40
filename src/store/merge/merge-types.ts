/** What a merge is asked for and what it tells: plain data for callers, rendering and JSON. */
import type { ByteString } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";

export type Side = "ours" | "theirs";

/** `content`: both sides changed it. `deleted`: one side changed it, the other one deleted it. `kind`: a folder on one side only. */
/** `metadata`: both sides changed the same owner, permission, attribute or flag, each to something else. */
export type ConflictKind = "content" | "deleted" | "kind" | "metadata";

export type EntryKind = "file" | "folder" | "node" | "absent";

export interface Conflict {
  /** From the root of the tree. */
  readonly path: ByteString;
  readonly kind: ConflictKind;
  readonly ours: EntryKind;
  readonly theirs: EntryKind;
  /** Where a side is favoured: the path beside it that keeps what the other side has. Not for `metadata`, nor for what was deleted. */
  readonly keptAs: ByteString | undefined;
}

export interface MergeCounts {
  /** Entries that came from theirs, folders as a whole counted once. */
  readonly taken: number;
  /** Entries that both sides had changed, in a way that goes together. */
  readonly joined: number;
}

/** `conflicts` and `up-to-date`: nothing was written. */
export type MergeOutcome = "up-to-date" | "fast-forward" | "merged" | "conflicts";

export interface MergeReport {
  readonly outcome: MergeOutcome;
  readonly dryRun: boolean;
  /** The new commit, or the one that the branch went forward to; `ours` where it is up to date; undefined where nothing was written. */
  readonly commit: Checksum | undefined;
  readonly base: Checksum;
  readonly conflicts: readonly Conflict[];
  readonly counts: MergeCounts;
}
