/** The paths of a machine that are to be restored. */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { loadCommit } from "../../store/object-files.ts";
import type { Repository } from "../../store/repository.ts";
import { tryFindEntry } from "../../store/tree/find-entry.ts";
import { rootSidecar } from "../../store/tree/folder-view.ts";

/** `/etc//ssh/` → `etc/ssh`. Throws `usage` for the root, a relative path, and one that leads up. */
export function plainPath(path: string): string {
  const pieces = path.split("/").filter((piece) => piece !== "" && piece !== ".");
  if (path.startsWith("/") && pieces.length > 0 && !pieces.includes("..")) return pieces.join("/");
  throw new RegrowError("usage", `${path}: not a path of the machine.`, {
    path,
    hint: "Write it from the root, such as /etc/fstab; the whole system goes back by `regrow rollback`.",
  });
}

/** `path` without a slash in front. Throws `not-found`. */
export function requireInCommit(repository: Repository, commit: Checksum, path: string): void {
  const object = loadCommit(repository, commit);
  const root = { tree: object.tree, meta: object.meta, sidecar: rootSidecar(repository, object) };
  if (tryFindEntry(repository, root, path) !== undefined) return;
  throw new RegrowError("not-found", `/${path}: is not in ${commit.slice(0, 10)}.`, {
    path: `/${path}`,
    hint: `\`regrow log -- /${path}\` shows the commits that have changed it.`,
  });
}

/** The folder that holds the last name, empty for the root, and that name. */
export function splitPath(path: string): { readonly folder: ByteString; readonly name: ByteString } {
  const slash = path.lastIndexOf("/");
  return { folder: bytesOf(path.slice(0, Math.max(0, slash))), name: bytesOf(path.slice(slash + 1)) };
}
