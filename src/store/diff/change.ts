/** What a comparison yields. */
import type { ByteString } from "../../base/byte-string.ts";

export type ChangeKind = "added" | "removed" | "modified" | "renamed";
export type EntryType = "file" | "link" | "folder" | "device" | "fifo";
/** In which respect an entry differs. `links`: which other names it shares its file with. */
export type Aspect =
  | "type"
  | "content"
  | "target"
  | "mode"
  | "owner"
  | "xattrs"
  | "time"
  | "flags"
  | "holes"
  | "links"
  | "device";

export interface Change {
  readonly kind: ChangeKind;
  /** From the root of the tree; "" is the root itself. */
  readonly path: ByteString;
  /** For a renamed entry: where it was. */
  readonly from?: ByteString;
  /** What it is now, or was where it is gone. */
  readonly type: EntryType;
  /** For modified entries, and renamed ones that also changed; empty otherwise. */
  readonly what: readonly Aspect[];
}

/** Whether nothing but the time of the last change differs. */
export function isTimeOnly(change: Change): boolean {
  return change.kind === "modified" && change.what.length === 1 && change.what[0] === "time";
}
