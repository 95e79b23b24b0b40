/** Where two trees that should be the same are not: one was built from changes, the other was read whole. */
import { type ByteString, EMPTY, joinBytes } from "../../base/byte-string.ts";
import { encodeDirMeta } from "../../codec/ostree/dirmeta.ts";
import { encodeFolderRecord } from "../../codec/sidecar/folder-record.ts";
import type { FolderNode } from "../tree/working-tree.ts";
import { type FolderIdentity, extrasRecord, identityOf } from "../tree/write-tree.ts";
import { type PartialTree, lookInto } from "./partial-tree.ts";

/** The first path, by the order of names, that differs; undefined where none does. Both trees must have been written to a sink. */
export function firstDifference(
  tree: PartialTree,
  built: FolderNode,
  read: FolderNode,
  path: ByteString = EMPTY,
): ByteString | undefined {
  if (isSame(tree.unseen.get(built) ?? identityOf(built)!, identityOf(read)!)) return undefined;
  lookInto(tree, built, path);
  if (factsOfFolder(built, path) !== factsOfFolder(read, path)) return path;
  const names = new Set([built, read].flatMap(({ files, nodes, dirs }) => [...files.keys(), ...nodes.keys(), ...dirs.keys()]));
  for (const name of [...names].sort()) {
    const at = joinBytes(path, name);
    const [inner, other] = [built.dirs.get(name), read.dirs.get(name)];
    if (inner !== undefined && other !== undefined) {
      const found = firstDifference(tree, inner, other, at);
      if (found !== undefined) return found;
    } else if (inner !== other || factsOf(built, name, at) !== factsOf(read, name, at)) return at;
  }
  // What both hold is the same: the folder itself was put together wrongly.
  return path;
}

type Identity = Pick<FolderIdentity, "tree" | "meta" | "sidecar">;

function isSame(a: Identity, b: Identity): boolean {
  return a.tree === b.tree && a.meta === b.meta && sidecarOf(a) === sidecarOf(b);
}

function sidecarOf({ sidecar }: Identity): string | undefined {
  return sidecar?.kind === "folder" ? sidecar.tree : sidecar?.checksum;
}

function factsOfFolder({ meta, extras }: FolderNode, path: ByteString): string {
  const record = encodeFolderRecord([extrasRecord(EMPTY, extras, path)]);
  return `${encodeDirMeta(meta).toString("hex")} ${record.toString("hex")}`;
}

function factsOf({ files, nodes }: FolderNode, name: ByteString, path: ByteString): string | undefined {
  const [file, special] = [files.get(name), nodes.get(name)];
  const extras = file?.extras ?? special?.extras;
  if (extras === undefined) return undefined;
  const record = encodeFolderRecord([{ ...extrasRecord(name, extras, path), node: special?.node }]);
  return `${file?.checksum} ${record.toString("hex")}`;
}
