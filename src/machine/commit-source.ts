/** A commit as the source of an install. */
import type { Observer } from "../base/events.ts";
import { displayBytes } from "../base/byte-string.ts";
import { throwIfCancelled } from "../base/errors.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { isLink } from "../codec/ostree/content.ts";
import { checkoutInto } from "../store/checkout/checkout.ts";
import { closeContent, openContent, readPayload } from "../store/content/content-format.ts";
import { loadCommit } from "../store/object-files.ts";
import type { Repository } from "../store/repository.ts";
import { type FolderRef, type FoundEntry, tryFindEntry } from "../store/tree/find-entry.ts";
import { rootSidecar, viewFolder } from "../store/tree/folder-view.ts";
import type { TreeDescription, TreeSource } from "./tree-source.ts";

/** Every file is compared with its checksum while it is written. */
export function commitSource(repository: Repository, commit: Checksum): TreeSource {
  const object = loadCommit(repository, commit);
  const root: FolderRef = { tree: object.tree, meta: object.meta, sidecar: rootSidecar(repository, object) };
  const find = (path: string): FoundEntry | undefined => tryFindEntry(repository, root, path);
  return {
    describe: (observer) => describe(repository, commit, root, observer),
    list: async (folder) => {
      const found = find(folder);
      if (found?.kind !== "folder") return [];
      const view = viewFolder(repository, found.tree, found.sidecar);
      return [...view.dirs, ...view.files].map(({ name }) => displayBytes(name));
    },
    read: async (path) => {
      const found = find(path);
      if (found?.kind !== "file") return undefined;
      const content = openContent(repository, found.checksum);
      try {
        return isLink(content.meta) ? undefined : readPayload(content);
      } finally {
        closeContent(content);
      }
    },
    writeTo: async (rootFd, observer) => {
      await checkoutInto(repository, commit, rootFd, { verify: true, userMode: false }, observer);
    },
  };
}

async function describe(repository: Repository, commit: Checksum, root: FolderRef, observer: Observer): Promise<TreeDescription> {
  const sum = { entries: 0, bytes: 0 };
  const folders = [root];
  while (folders.length > 0) {
    throwIfCancelled(observer.signal);
    const { tree, sidecar } = folders.pop()!;
    const view = viewFolder(repository, tree, sidecar);
    sum.entries += view.files.length + view.dirs.length + view.nodes.length;
    for (const { checksum, record } of view.files) {
      // A further name of a file takes no space of its own.
      if (record?.linkTo !== undefined) continue;
      const content = openContent(repository, checksum);
      closeContent(content);
      sum.bytes += record?.data?.reduce((bytes, { length }) => bytes + length, 0) ?? content.size;
    }
    folders.push(...view.dirs);
  }
  return { name: commit, ...sum };
}
