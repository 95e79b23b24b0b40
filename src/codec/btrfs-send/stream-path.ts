/** Paths in streams: those that could lead out of the subvolume, or nowhere, are refused here. */
import type { ByteString } from "../../base/byte-string.ts";
import { corruptStream, hostileStream, shown } from "./failures.ts";

/** PATH_MAX, which Linux keeps to when it writes streams. */
export const LONGEST_PATH = 4096;
const LONGEST_NAME = 255;

/** Throws `hostile` where the path is absolute or has empty pieces, `.`, `..` or NULs; `corrupt` where it is too long. */
export function checkPath(path: ByteString): ByteString {
  if (path === "") return path;
  if (path.length > LONGEST_PATH) throw corruptStream(`it has a path of ${path.length} bytes`);
  if (path.includes("\0")) throw hostileStream(`the path ${shown(path)} has a NUL in it`);
  for (let start = 0; start <= path.length;) {
    const slash = path.indexOf("/", start);
    const end = slash < 0 ? path.length : slash;
    checkPiece(path, start, end);
    start = end + 1;
  }
  return path;
}

/** The same for what can't be the root. */
export function checkEntryPath(path: ByteString): ByteString {
  if (path === "") throw hostileStream("it treats the subvolume's root as an entry");
  return checkPath(path);
}

/** The name of a subvolume: one piece of a path. */
export function checkSubvolumeName(name: ByteString): ByteString {
  if (name.includes("/")) throw hostileStream(`the subvolume's name ${shown(name)} is a path`);
  return checkEntryPath(name);
}

function checkPiece(path: ByteString, start: number, end: number): void {
  const length = end - start;
  if (length > LONGEST_NAME) throw corruptStream(`it has a name of ${length} bytes`);
  const isDots = path[start] === "." && (length === 1 || (length === 2 && path[start + 1] === "."));
  if (length === 0 || isDots) throw hostileStream(`the path ${shown(path)} could lead out of the subvolume`);
}
