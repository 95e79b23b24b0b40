/**
 * How deep a tree may be. Folders nested deeper than a path can name are an accident or an attack, and whatever walks a tree
 * down one level a call must not run out of stack.
 */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";

const MOST_FOLDERS = 1024;

/** Throws `unsupported` where the folder at `path`, from the root of the tree, lies too deep. */
export function refuseTooDeep(path: ByteString): void {
  // Each folder on the way takes two characters at least.
  if (path.length < 2 * MOST_FOLDERS || path.split("/").length <= MOST_FOLDERS) return;
  const shown = `${displayBytes(path.slice(0, 60) as ByteString)}…`;
  throw new RegrowError("unsupported", `${shown}: there are folders in each other there, more than ${MOST_FOLDERS} deep.`, {
    path: shown,
    hint: "Remove them, or leave that folder out.",
  });
}
