/** The folders of the tree that is checked out, by path: for questions about single entries when all files are there. */
import { type ByteString, EMPTY } from "../../base/byte-string.ts";
import type { Repository } from "../repository.ts";
import { entryIn } from "../tree/find-entry.ts";
import { type FolderView, viewFolder } from "../tree/folder-view.ts";
import type { FolderTask } from "./checkout-state.ts";

export interface FolderViews {
  /** A text that is the same for two paths exactly if they may be names of one file; undefined where there is none. */
  identityOf(path: ByteString): string | undefined;
}

/** A view of a large folder takes memory; questions come in the order of paths. */
const MOST_VIEWS = 64;

export function newFolderViews(repository: Repository, root: FolderTask): FolderViews {
  const views = new Map<ByteString, FolderView | undefined>();

  function viewOf(path: ByteString): FolderView | undefined {
    if (views.has(path)) return views.get(path);
    const view = path === EMPTY ? viewFolder(repository, root.tree, root.sidecar) : viewBelow(path);
    if (views.size >= MOST_VIEWS) views.clear();
    views.set(path, view);
    return view;
  }

  function viewBelow(path: ByteString): FolderView | undefined {
    const [folder, name] = split(path);
    const dir = viewOf(folder)?.dirs.find((entry) => entry.name === name);
    return dir === undefined ? undefined : viewFolder(repository, dir.tree, dir.sidecar);
  }

  return {
    identityOf: (path) => {
      const [folder, name] = split(path);
      const view = viewOf(folder);
      const entry = view === undefined ? undefined : entryIn(view, name);
      if (entry?.kind === "file") return entry.checksum;
      return entry?.kind === "node" ? JSON.stringify(entry.node) : undefined;
    },
  };
}

function split(path: ByteString): [folder: ByteString, name: ByteString] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, Math.max(0, slash)) as ByteString, path.slice(slash + 1) as ByteString];
}
