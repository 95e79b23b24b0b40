/**
 * A commit made by ostree has no sidecar: it tells nothing of times, flags, hard links, device nodes and odd names. Merged with one
 * that has, that must not look as if it had removed them; so a plain tree borrows them from one that knows.
 */
import { isUtf8 } from "../../base/byte-string.ts";
import { type FolderNode, newFolder } from "../tree/working-tree.ts";

/** Trees in the order base, ours, theirs; the first that knows lends to the others. */
export function evenSidecars(trees: readonly FolderNode[], hasSidecar: readonly boolean[]): readonly FolderNode[] {
  const lender = trees[hasSidecar.indexOf(true)];
  if (lender === undefined) return trees;
  return trees.map((tree, index) => (hasSidecar[index] === true ? tree : borrow(tree, lender)));
}

function borrow(plain: FolderNode, lender: FolderNode): FolderNode {
  const folder = newFolder(plain.meta, lender.extras);
  for (const [name, file] of plain.files) {
    const known = lender.files.get(name);
    folder.files.set(name, known?.checksum === file.checksum ? known : file);
  }
  for (const [name, child] of plain.dirs) {
    const known = lender.dirs.get(name);
    folder.dirs.set(name, known === undefined ? child : borrow(child, known));
  }
  for (const [name, node] of lender.nodes) if (!folder.files.has(name) && !folder.dirs.has(name)) folder.nodes.set(name, node);
  for (const [name, file] of lender.files) if (!isUtf8(name)) folder.files.set(name, file);
  for (const [name, child] of lender.dirs) if (!isUtf8(name)) folder.dirs.set(name, child);
  return folder;
}
