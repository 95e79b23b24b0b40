/**
 * All that is in a commit's tree, each folder right before what is in it: in the order of the bytes of the whole path, where a folder's
 * ends in a slash, as archives have it; or in the order of the names alone, as send streams have it. The first name of a file with
 * several is the first in the order of paths, so there it comes before the others.
 */
import { type ByteString, joinBytes } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { EntryRecord, NodeRecord } from "../../codec/sidecar/folder-record.ts";
import type { Repository } from "../repository.ts";
import type { FolderRef } from "./find-entry.ts";
import { type FolderView, viewFolder } from "./folder-view.ts";

export type TreeItem =
  | { readonly kind: "folder"; readonly path: ByteString; readonly meta: Checksum; readonly record: EntryRecord | undefined }
  | { readonly kind: "file"; readonly path: ByteString; readonly checksum: Checksum; readonly record: EntryRecord | undefined }
  | { readonly kind: "node"; readonly path: ByteString; readonly node: NodeRecord; readonly record: EntryRecord };

interface OpenFolder {
  readonly path: ByteString;
  readonly view: FolderView;
  readonly order: readonly Step[];
  at: number;
}

/** Where in the lists of a view an entry is. */
interface Step {
  readonly key: string;
  readonly list: "files" | "dirs" | "nodes";
  readonly index: number;
}

export type TreeOrder = "paths" | "names";

/** The folder itself and all below it. Holds the folders on the way and no more. Throws `not-found`, `corrupt`, `hostile`. */
export function* walkInOrder(
  repository: Repository,
  path: ByteString,
  folder: FolderRef,
  order: TreeOrder = "paths",
): Generator<TreeItem, void, undefined> {
  const open: OpenFolder[] = [];
  const enter = (at: ByteString, { tree, meta, sidecar }: FolderRef): TreeItem => {
    const view = viewFolder(repository, tree, sidecar);
    open.push({ path: at, view, order: orderOf(view, order), at: 0 });
    return { kind: "folder", path: at, meta, record: view.self };
  };
  yield enter(path, folder);
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const step = current.order[current.at++];
    if (step === undefined) {
      open.pop();
      continue;
    }
    const { list, index } = step;
    if (list === "dirs") {
      const dir = current.view.dirs[index]!;
      yield enter(joinBytes(current.path, dir.name), dir);
    } else if (list === "files") {
      const { name, checksum, record } = current.view.files[index]!;
      yield { kind: "file", path: joinBytes(current.path, name), checksum, record };
    } else {
      const { name, node, record } = current.view.nodes[index]!;
      yield { kind: "node", path: joinBytes(current.path, name), node, record };
    }
  }
}

function orderOf(view: FolderView, order: TreeOrder): Step[] {
  const end = order === "paths" ? "/" : "";
  const steps: Step[] = [];
  for (const [index, { name }] of view.files.entries()) steps.push({ key: name, list: "files", index });
  for (const [index, { name }] of view.nodes.entries()) steps.push({ key: name, list: "nodes", index });
  for (const [index, { name }] of view.dirs.entries()) steps.push({ key: `${name}${end}`, list: "dirs", index });
  return steps.sort((a, b) => (a.key < b.key ? -1 : 1));
}
