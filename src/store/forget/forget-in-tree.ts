/**
 * A commit's folders without the forgotten paths. Only the folders on the way to one are written anew, each once however many commits
 * have it; the rest of the tree is not even read.
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type DirTree, type TreeDir, encodeDirTree } from "../../codec/ostree/dirtree.ts";
import { loadDirTree } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import type { TreeSink } from "../tree/write-tree.ts";
import type { Found, PathNode } from "./path-set.ts";

export type ForgetSink = Pick<TreeSink, "metadata" | "record">;

export interface TreeForgetter {
  readonly repository: Repository;
  readonly sink: ForgetSink;
  readonly found: Found;
  /** What folders became, by the place in the set of paths. */
  readonly known: Map<PathNode, Map<Checksum, Checksum>>;
  /** Folders of which the content has been noted. */
  readonly noted: Set<Checksum>;
}

export function newTreeForgetter(repository: Repository, sink: ForgetSink): TreeForgetter {
  const found = { paths: new Set<string>(), contents: new Set<string>() };
  return { repository, sink, found, known: new Map(), noted: new Set() };
}

/** The folder without them; the same where it has none. Throws `not-found`, `corrupt`, `hostile`, `no-space`. */
export function forgetInTree(state: TreeForgetter, tree: Checksum, node: PathNode): Checksum {
  let known = state.known.get(node);
  if (known === undefined) state.known.set(node, (known = new Map()));
  const before = known.get(tree);
  if (before !== undefined) return before;
  const folder = loadDirTree(state.repository, tree);
  const kept = forgetAmong(state, folder, node);
  const after = kept === folder ? tree : state.sink.metadata("dirtree", encodeDirTree(kept));
  known.set(tree, after);
  return after;
}

/** The entries without them; the same object where there are none among them. `nameOf`: what an entry is really called. */
export function forgetAmong(
  state: TreeForgetter,
  folder: DirTree,
  node: PathNode,
  nameOf: (name: TreeDir["name"]) => TreeDir["name"] = (name) => name,
): DirTree {
  const nodeOf = (name: TreeDir["name"]): PathNode | undefined => node.children.get(nameOf(name));
  const files = folder.files.filter(({ name, checksum }) => {
    const path = nodeOf(name)?.path;
    if (path === undefined) return true;
    state.found.paths.add(path);
    state.found.contents.add(checksum);
    return false;
  });
  const dirs = folder.dirs.flatMap((dir) => {
    const at = nodeOf(dir.name);
    if (at === undefined) return [dir];
    if (at.path === undefined) return [{ ...dir, tree: forgetInTree(state, dir.tree, at) }];
    state.found.paths.add(at.path);
    noteContents(state, dir.tree);
    return [];
  });
  const isSame =
    files.length === folder.files.length &&
    dirs.length === folder.dirs.length &&
    dirs.every(({ tree }, index) => tree === folder.dirs[index]!.tree);
  return isSame ? folder : { files, dirs };
}

function noteContents({ repository, found, noted }: TreeForgetter, tree: Checksum): void {
  const open = [tree];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (noted.has(at)) continue;
    noted.add(at);
    const { files, dirs } = loadDirTree(repository, at);
    for (const { checksum } of files) found.contents.add(checksum);
    for (const dir of dirs) open.push(dir.tree);
  }
}
