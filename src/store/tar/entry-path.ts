/**
 * Where an archive's name leads in the tree. A name is a path from the tree's root; one that leads anywhere else is hostile,
 * and what no file system could hold is refused before anything is made of it.
 */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";

/** What Linux allows for one name, in bytes. */
const LONGEST_NAME = 255;
/** Folders within folders: more than any path that a program can use whole (4096 bytes), few enough to walk. */
const DEEPEST = 2048;
const LONGEST_SHOWN = 200;

/** The names on the way, without `.` and doubled slashes; none for the root. Throws `hostile`, `unsupported`. */
export function namesOf(path: ByteString): ByteString[] {
  if (path.startsWith("/")) throw hostileName(path, "it is absolute");
  const names = path.split("/").filter((name) => name !== "" && name !== ".") as ByteString[];
  if (names.includes(".." as ByteString)) throw hostileName(path, "it leads upwards (..)");
  if (names.some((name) => name.length > LONGEST_NAME))
    throw unsupportedEntry(path, `a name in it has more than ${LONGEST_NAME} bytes`);
  if (names.length > DEEPEST) throw unsupportedEntry(path, `it is more than ${DEEPEST} folders deep`);
  return names;
}

export function hostileName(path: ByteString, reason: string): RegrowError {
  return new RegrowError("hostile", `${shownPath(path)}: this name in the archive can't be taken: ${reason}.`, {
    path: shownPath(path),
    hint: "Every name must lead to a place in the tree: make the archive with names relative to the tree's root, such as by `tar -C DIR .`.",
  });
}

export function unsupportedEntry(path: ByteString, reason: string): RegrowError {
  return new RegrowError("unsupported", `${shownPath(path)}: this entry of the archive can't be kept: ${reason}.`, {
    path: shownPath(path),
  });
}

/** For a message: cut where a hostile archive made it endless. */
export function shownPath(path: ByteString): string {
  const text = displayBytes(path.slice(0, LONGEST_SHOWN) as ByteString);
  return path.length > LONGEST_SHOWN ? `${text}…` : text;
}
