/** Single entries of a tree, asked for by path: of a commit, or of a folder on disk. No symbolic link is followed. */
import { type ByteString, EMPTY, bytesOf, joinBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { NodeRecord } from "../../codec/sidecar/folder-record.ts";
import { CWD, O, closeFd, openAt, openBeneath } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readLinkAt } from "../../sys/read-file.ts";
import { S_IFDIR, S_IFLNK, S_IFREG, statAt, typeOf } from "../../sys/stat.ts";
import { closeContent, openContent, readPayload } from "../content/content-format.ts";
import type { OpenContent } from "../content/open-content.ts";
import { loadCommit, loadDirMeta } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { openOnDisk } from "../scan/open-on-disk.ts";
import { PLAIN_SCAN } from "../scan/scan-options.ts";
import { type FolderRef, type FoundEntry, entryIn } from "../tree/find-entry.ts";
import { type FolderView, rootSidecar, viewFolder } from "../tree/folder-view.ts";

export type TreeRef =
  | { readonly kind: "commit"; readonly repository: Repository; readonly commit: Checksum }
  | { readonly kind: "folder"; readonly path: string };

export interface ViewedEntry {
  /** With the type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes; 0 for all but regular files. */
  readonly size: number;
  /** Of a symbolic link, else "". */
  readonly target: ByteString;
  /** The content of a regular file. Throws `corrupt`, SystemError. */
  read(): Buffer;
}

export interface TreeView {
  /** Undefined where the tree has no such path. */
  find(path: ByteString): ViewedEntry | undefined;
  /** The names in a folder; none where there is no such folder. */
  list(path: ByteString): readonly ByteString[];
}

/** `work` with a view of the tree, which is good until it ends. Throws `not-found`, `corrupt`, SystemError. */
export async function withTreeView<T>(ref: TreeRef, work: (view: TreeView) => Promise<T>): Promise<T> {
  if (ref.kind === "commit") return work(commitView(ref.repository, ref.commit));
  const rootFd = openAt(CWD, bytesOf(ref.path), O.RDONLY | O.DIRECTORY);
  try {
    return await work(folderOnDisk(rootFd));
  } finally {
    closeFd(rootFd);
  }
}

/** How many folders of a commit are kept decoded: neighbours are asked for one after the other. */
const MOST_FOLDERS = 64;

function commitView(repository: Repository, checksum: Checksum): TreeView {
  const commit = loadCommit(repository, checksum);
  const root: FolderRef = { tree: commit.tree, meta: commit.meta, sidecar: rootSidecar(repository, commit) };
  const views = new Map<ByteString, FolderView | undefined>();
  const viewOf = (path: ByteString): FolderView | undefined => {
    if (views.has(path)) return views.get(path);
    const found = find(path);
    const view = found?.kind === "folder" ? viewFolder(repository, found.tree, found.sidecar) : undefined;
    if (views.size >= MOST_FOLDERS) views.clear();
    views.set(path, view);
    return view;
  };
  const find = (path: ByteString): FoundEntry | undefined => {
    if (path === "") return { kind: "folder", ...root };
    const [folder, name] = splitPath(path);
    const view = viewOf(folder);
    return view === undefined ? undefined : entryIn(view, name);
  };
  return {
    find: (path) => {
      const found = find(path);
      return found === undefined ? undefined : storedEntry(repository, found);
    },
    list: (path) => {
      const view = viewOf(path);
      return view === undefined ? [] : [...view.dirs, ...view.files, ...view.nodes].map(({ name }) => name);
    },
  };
}

function storedEntry(repository: Repository, found: FoundEntry): ViewedEntry {
  if (found.kind === "folder") return withoutContent(loadDirMeta(repository, found.meta));
  if (found.kind === "node") return withoutContent(found.node, found.node.target);
  return contentEntry(() => openContent(repository, found.checksum));
}

function folderOnDisk(rootFd: number): TreeView {
  return {
    find: (path) =>
      inFolder(rootFd, splitPath(path)[0], (dirFd) => {
        const name = path === "" ? "." : splitPath(path)[1];
        const stat = statAt(dirFd, name);
        if (typeOf(stat.mode) === S_IFREG) return contentEntry(() => openOnDisk(rootFd, path, PLAIN_SCAN));
        return withoutContent(stat, typeOf(stat.mode) === S_IFLNK ? readLinkAt(dirFd, name) : EMPTY);
      }),
    list: (path) => inFolder(rootFd, path, (dirFd) => readDir(dirFd).map(({ name }) => name)) ?? [],
  };
}

/** Undefined where there is nothing, or no way but through a link. */
function inFolder<T>(rootFd: number, folder: ByteString, look: (dirFd: number) => T): T | undefined {
  try {
    const dirFd = openBeneath(rootFd, folder, O.RDONLY | O.DIRECTORY);
    try {
      return look(dirFd);
    } finally {
      closeFd(dirFd);
    }
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR") || (error instanceof RegrowError && error.code === "hostile")) return undefined;
    throw error;
  }
}

function contentEntry(open: () => OpenContent): ViewedEntry {
  const content = open();
  closeContent(content);
  const read = (): Buffer => {
    const again = open();
    try {
      return readPayload(again);
    } finally {
      closeContent(again);
    }
  };
  const { mode, uid, gid, target } = content.meta;
  return { mode, uid, gid, size: content.size, target, read };
}

function withoutContent(
  { mode, uid, gid }: Pick<NodeRecord, "mode" | "uid" | "gid">,
  target: ByteString | undefined = EMPTY,
): ViewedEntry {
  return { mode: typeOf(mode) === 0 ? mode | S_IFDIR : mode, uid, gid, size: 0, target, read: () => Buffer.alloc(0) };
}

function splitPath(path: ByteString): readonly [ByteString, ByteString] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, Math.max(0, slash)) as ByteString, path.slice(slash + 1) as ByteString];
}

/** The folder's own entries with the folder in front. */
export function pathsIn(view: TreeView, folder: ByteString): ByteString[] {
  return view.list(folder).map((name) => joinBytes(folder, name));
}
