/** Changes with git's letters. */
import { type ByteString, EMPTY } from "../../base/byte-string.ts";
import type { Change } from "../../store/diff/change.ts";
import { gitPath } from "./git-path.ts";

export interface NameStyle {
  /** Only the names. */
  readonly namesOnly: boolean;
  /** Each name and letter ended by NUL, and names as they are. */
  readonly nul: boolean;
}

/** A line, or its fields each ended by NUL. Folders end with a slash; the root is `./`. */
export function nameStatus(change: Change, { namesOnly, nul }: NameStyle): string {
  const names = (change.from === undefined || namesOnly ? [change.path] : [change.from, change.path]).map((path) =>
    shownPath(path, change),
  );
  const fields = namesOnly ? names : [letterOf(change), ...names];
  if (nul) return fields.map((field) => `${field}\0`).join("");
  return fields.map((field, index) => (namesOnly || index > 0 ? gitPath(field as ByteString) : field)).join("\t");
}

function letterOf({ kind, what }: Change): string {
  if (kind === "modified") return what.includes("type") ? "T" : "M";
  return { added: "A", removed: "D", renamed: "R100" }[kind];
}

function shownPath(path: ByteString, { type }: Change): ByteString {
  const slash = type === "folder" ? "/" : EMPTY;
  return `${path === "" ? "." : path}${slash}` as ByteString;
}
