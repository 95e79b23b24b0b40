/** Which paths of a tree are compared, where it is not the whole tree. */
import { type ByteString, joinBytes } from "../../base/byte-string.ts";

/** `inside`: one of the paths or below one. `above`: a folder on the way to one. */
export type Relation = "inside" | "above" | "outside";

export type PathFilter = (path: ByteString) => Relation;

/** Leading and doubled slashes don't matter. Undefined where everything is meant: without paths, or with the root. */
export function pathFilter(paths: readonly ByteString[] | undefined): PathFilter | undefined {
  const wanted = (paths ?? []).map(normalPath);
  if (wanted.length === 0 || wanted.includes("" as ByteString)) return undefined;
  return (path) => {
    if (wanted.some((one) => path === one || path.startsWith(`${one}/`))) return "inside";
    return path === "" || wanted.some((one) => one.startsWith(`${path}/`)) ? "above" : "outside";
  };
}

/** `/etc//ssh/` → `etc/ssh` */
export function normalPath(path: ByteString): ByteString {
  const pieces = path.split("/").filter((piece) => piece !== "" && piece !== ".") as ByteString[];
  return pieces.reduce(joinBytes, "" as ByteString);
}
