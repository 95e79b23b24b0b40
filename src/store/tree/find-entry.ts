/** Finding what a path names inside a commit. Symbolic links lead to other places of the same tree, never out of it. */
import { type ByteString, EMPTY, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { isLink } from "../../codec/ostree/content.ts";
import { closeContent, openContent } from "../content/content-format.ts";
import { loadCommit } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { type FolderView, type ViewDir, type ViewFile, type ViewNode, rootSidecar, viewFolder } from "./folder-view.ts";

/** An entry with its path from the root of the tree, without a slash in front; the root's is "". */
export type FoundEntry =
  | { readonly kind: "dir"; readonly path: ByteString; readonly dir: ViewDir }
  | { readonly kind: "file"; readonly path: ByteString; readonly file: ViewFile }
  | { readonly kind: "node"; readonly path: ByteString; readonly node: ViewNode };

export interface FindOptions {
  /** Whether a link at the end of the path is followed; those on the way always are. */
  readonly followLast: boolean;
}

const MOST_LINKS = 40;

/** Throws `not-found`; `corrupt` where objects are damaged; `unsupported` for a circle of links. */
export function findEntry(repository: Repository, commit: Checksum, path: ByteString, options: FindOptions): FoundEntry {
  const trail: ViewDir[] = [rootOf(repository, commit)];
  const names: ByteString[] = [];
  let rest = piecesOf(path);
  let links = 0;
  let last: FoundEntry | undefined;
  while (rest.length > 0) {
    const [name, ...after] = rest as [ByteString, ...ByteString[]];
    rest = after;
    last = undefined;
    if (name === "..") {
      if (trail.length > 1) trail.pop();
      names.length = trail.length - 1;
      continue;
    }
    const view = viewFolder(repository, trail.at(-1)!.tree, trail.at(-1)!.sidecar);
    const entry = entryNamed(view, name, names.reduce(joinBytes, EMPTY));
    if (entry === undefined) throw notFound(commit, path);
    if (entry.kind === "dir") {
      trail.push(entry.dir);
      names.push(name);
      continue;
    }
    const target = entry.kind === "file" && (rest.length > 0 || options.followLast) ? linkTarget(repository, entry.file) : undefined;
    if (target === undefined) {
      if (rest.length > 0) throw notFound(commit, path);
      last = entry;
      continue;
    }
    if (++links > MOST_LINKS) throw new RegrowError("unsupported", `${displayBytes(path)}: too many symbolic links on the way.`);
    if (target.startsWith("/")) {
      trail.length = 1;
      names.length = 0;
    }
    rest = [...piecesOf(target), ...rest];
  }
  return last ?? { kind: "dir", path: names.reduce(joinBytes, EMPTY), dir: trail.at(-1)! };
}

/** The root folder of a commit, as an entry without a name. */
export function rootOf(repository: Repository, checksum: Checksum): ViewDir {
  const commit = loadCommit(repository, checksum);
  return { name: EMPTY, tree: commit.tree, meta: commit.meta, sidecar: rootSidecar(repository, commit) };
}

function entryNamed(view: FolderView, name: ByteString, parent: ByteString): FoundEntry | undefined {
  const path = joinBytes(parent, name);
  const dir = view.dirs.find((entry) => entry.name === name);
  if (dir !== undefined) return { kind: "dir", path, dir };
  const file = view.files.find((entry) => entry.name === name);
  if (file !== undefined) return { kind: "file", path, file };
  const node = view.nodes.find((entry) => entry.name === name);
  return node === undefined ? undefined : { kind: "node", path, node };
}

function linkTarget(repository: Repository, { checksum }: ViewFile): ByteString | undefined {
  const content = openContent(repository, checksum);
  closeContent(content);
  return isLink(content.meta) ? content.meta.target : undefined;
}

function piecesOf(path: ByteString): ByteString[] {
  return path.split("/").filter((piece) => piece !== "" && piece !== ".") as ByteString[];
}

function notFound(commit: Checksum, path: ByteString): RegrowError {
  const shown = displayBytes(path);
  const hint = `\`regrow ls ${commit.slice(0, 10)} FOLDER\` lists what is there.`;
  return new RegrowError("not-found", `${shown}: no such file or folder in commit ${commit.slice(0, 10)}.`, { path: shown, hint });
}
