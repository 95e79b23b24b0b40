/**
 * The two sides of a comparison: a commit, or a folder on disk that has been scanned. Both list their folders in the same
 * terms, with identities that are equal exactly where there is nothing to look at.
 */
import { type ByteString, joinBytes } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { DirMeta } from "../../codec/ostree/dirmeta.ts";
import type { EntryRecord, NodeRecord } from "../../codec/sidecar/folder-record.ts";
import { openContent } from "../content/content-format.ts";
import type { OpenContent } from "../content/open-content.ts";
import { loadCommit, loadDirMeta } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { openOnDisk } from "../scan/open-on-disk.ts";
import type { ScanOptions } from "../scan/scan-options.ts";
import { type SidecarRef, rootSidecar, viewFolder } from "../tree/folder-view.ts";
import type { FolderNode } from "../tree/working-tree.ts";
import { extrasRecord, identityOf } from "../tree/write-tree.ts";

export interface SideFile {
  readonly kind: "file";
  readonly name: ByteString;
  readonly checksum: Checksum;
  readonly record: EntryRecord | undefined;
  open(): OpenContent;
}

export interface SideNode {
  readonly kind: "node";
  readonly name: ByteString;
  readonly node: NodeRecord;
  readonly record: EntryRecord | undefined;
}

export interface SideFolder {
  readonly kind: "folder";
  readonly name: ByteString;
  /** Of everything below it, without its own metadata. */
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: SidecarRef;
  loadMeta(): DirMeta;
  /** By name; with the folder's own record. */
  list(): { readonly entries: Map<ByteString, SideEntry>; readonly self: EntryRecord | undefined };
}

export type SideEntry = SideFile | SideNode | SideFolder;

const ROOT = "" as ByteString;

/** Throws `not-found`, `corrupt`. */
export function commitSide(repository: Repository, commit: Checksum): SideFolder {
  const root = loadCommit(repository, commit);
  return storedFolder(repository, { name: ROOT, tree: root.tree, meta: root.meta, sidecar: rootSidecar(repository, root) });
}

/** A scanned folder whose tree has been written to a sink, so that its folders have identities. */
export function scannedSide(rootFd: number, root: FolderNode, options: ScanOptions): SideFolder {
  return scannedFolder({ rootFd, options }, ROOT, ROOT, root);
}

/** Whether there is no difference in them or below, nor in what their sidecars keep. */
export function isSameFolder(a: SideFolder, b: SideFolder): boolean {
  return a.tree === b.tree && a.meta === b.meta && sameSidecar(a.sidecar, b.sidecar);
}

function sameSidecar(a: SidecarRef, b: SidecarRef): boolean {
  if (a?.kind === "record") return b?.kind === "record" && a.checksum === b.checksum;
  return a?.kind === b?.kind && a?.tree === (b as typeof a)?.tree;
}

interface Stored {
  readonly name: ByteString;
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: SidecarRef;
}

function storedFolder(repository: Repository, { name, tree, meta, sidecar }: Stored): SideFolder {
  return {
    kind: "folder",
    name,
    tree,
    meta,
    sidecar,
    loadMeta: () => loadDirMeta(repository, meta),
    list: () => {
      const view = viewFolder(repository, tree, sidecar);
      const entries = new Map<ByteString, SideEntry>();
      for (const file of view.files)
        entries.set(file.name, { kind: "file", ...file, open: () => openContent(repository, file.checksum) });
      for (const node of view.nodes) entries.set(node.name, { kind: "node", ...node });
      for (const dir of view.dirs) entries.set(dir.name, storedFolder(repository, dir));
      return { entries, self: view.self };
    },
  };
}

interface OnDisk {
  readonly rootFd: number;
  readonly options: ScanOptions;
}

function scannedFolder(disk: OnDisk, path: ByteString, name: ByteString, folder: FolderNode): SideFolder {
  const { tree, meta, sidecar } = identityOf(folder)!;
  return {
    kind: "folder",
    name,
    tree,
    meta,
    sidecar,
    loadMeta: () => folder.meta,
    list: () => {
      const entries = new Map<ByteString, SideEntry>();
      for (const [child, file] of byName(folder.files)) {
        const at = joinBytes(path, child);
        const open = (): OpenContent => openOnDisk(disk.rootFd, at, disk.options);
        entries.set(child, {
          kind: "file",
          name: child,
          checksum: file.checksum,
          record: extrasRecord(child, file.extras, at),
          open,
        });
      }
      for (const [child, { node, extras }] of byName(folder.nodes)) {
        entries.set(child, { kind: "node", name: child, node, record: extrasRecord(child, extras, joinBytes(path, child)) });
      }
      for (const [child, sub] of byName(folder.dirs)) entries.set(child, scannedFolder(disk, joinBytes(path, child), child, sub));
      return { entries, self: extrasRecord(ROOT, folder.extras, path) };
    },
  };
}

/** A disk lists its folders in any order; which of two like files is the renamed one must not depend on it. */
function byName<Value>(entries: ReadonlyMap<ByteString, Value>): [ByteString, Value][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
