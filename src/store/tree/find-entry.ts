/** Finding one path in a commit's tree. */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Repository } from "../repository.ts";
import { type FolderView, type SidecarRef, type ViewDir, type ViewFile, type ViewNode, viewFolder } from "./folder-view.ts";

export interface FolderRef {
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: SidecarRef;
}

export type FoundEntry =
  | ({ readonly kind: "folder" } & FolderRef)
  | ({ readonly kind: "file" } & ViewFile)
  | ({ readonly kind: "node" } & ViewNode);

/** The entry at `path`, from the root of the tree; leading and doubled slashes don't matter. Throws `not-found`. */
export function findEntry(repository: Repository, root: FolderRef, path: string): FoundEntry {
  const found = tryFindEntry(repository, root, path);
  if (found === undefined) throw noSuchPath(path);
  return found;
}

/** Like `findEntry`, but undefined where the tree has no such path. No symbolic link is followed. */
export function tryFindEntry(repository: Repository, root: FolderRef, path: string): FoundEntry | undefined {
  const names = path
    .split("/")
    .filter((piece) => piece !== "" && piece !== ".")
    .map(bytesOf);
  let folder: FolderRef = root;
  for (const [index, name] of names.entries()) {
    const found = entryIn(viewFolder(repository, folder.tree, folder.sidecar), name);
    if (found?.kind === "folder") folder = found;
    else return index === names.length - 1 ? found : undefined;
  }
  return { kind: "folder", tree: folder.tree, meta: folder.meta, sidecar: folder.sidecar };
}

export function entryIn(view: FolderView, name: ByteString): FoundEntry | undefined {
  const byName = (entry: { name: ByteString }): boolean => entry.name === name;
  const dir: ViewDir | undefined = view.dirs.find(byName);
  if (dir !== undefined) return { kind: "folder", ...dir };
  const file = view.files.find(byName);
  if (file !== undefined) return { kind: "file", ...file };
  const node = view.nodes.find(byName);
  return node === undefined ? undefined : { kind: "node", ...node };
}

function noSuchPath(path: string): RegrowError {
  return new RegrowError("not-found", `${path}: the commit has no such path.`, {
    path,
    hint: "`regrow ls COMMIT` lists what it has.",
  });
}
