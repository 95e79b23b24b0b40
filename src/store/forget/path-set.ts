/** Paths that are to be forgotten, as a tree of names: a path goes with all that is beneath it. */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";

export interface PathNode {
  readonly children: Map<ByteString, PathNode>;
  /** As it was given, where a path ends here. */
  path: string | undefined;
}

/** Throws `usage` for a path that is the root or has `..` in it. */
export function pathSet(paths: readonly string[]): PathNode {
  const root: PathNode = { children: new Map(), path: undefined };
  for (const path of paths) {
    const pieces = path.split("/").filter((piece) => piece !== "" && piece !== ".");
    if (pieces.length === 0 || pieces.includes("..")) {
      throw new RegrowError("usage", `${path}: not a path inside a tree that could be forgotten.`, {
        hint: "Write it from the root of the tree, such as /etc/secret.",
      });
    }
    let node = root;
    for (const name of pieces.map(bytesOf)) {
      let next = node.children.get(name);
      if (next === undefined) node.children.set(name, (next = { children: new Map(), path: undefined }));
      node = next;
    }
    node.path ??= path;
  }
  return root;
}

/** Whether the path, from the root of the tree, is one of them or beneath one. */
export function isForgotten(set: PathNode, path: ByteString): boolean {
  let node: PathNode | undefined = set;
  for (const name of path.split("/") as ByteString[]) {
    node = node.children.get(name);
    if (node === undefined) return false;
    if (node.path !== undefined) return true;
  }
  return false;
}

/** What a rewriting has come across. */
export interface Found {
  /** Paths, as they were given, that a tree had. */
  readonly paths: Set<string>;
  /** Content that stood at one of them or beneath. */
  readonly contents: Set<string>;
}
