/** One difference between two trees as `diff` prints it. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import type { Change, ChangeKind } from "../../store/diff/change.ts";
import { jsonPath } from "./json-values.ts";

const LETTERS: Record<ChangeKind, string> = { added: "A", removed: "D", modified: "M", renamed: "R" };

/** `M    /etc/fstab` in ostree's form; with `details` what has changed about it. */
export function changeLine({ kind, path, from, what, type }: Change, details: boolean): string {
  const slash = type === "folder" && path !== "" ? "/" : "";
  const place = `/${displayBytes(path)}${slash}`;
  const shown = from === undefined ? place : `/${displayBytes(from)}${slash} -> ${place}`;
  return `${LETTERS[kind]}    ${shown}${details && what.length > 0 ? `  (${what.join(", ")})` : ""}`;
}

export function changeJson({ kind, path, from, what, type }: Change): Record<string, unknown> {
  const origin = from === undefined ? undefined : jsonPath(`/${from}` as ByteString);
  return {
    kind,
    ...jsonPath(`/${path}` as ByteString),
    from: origin?.path,
    fromBase64: origin?.pathBase64,
    type,
    what: what.length > 0 ? what : undefined,
  };
}
