/** Following a path inside a commit as a kernel would: symbolic links lead to other places of the same tree, never out of it. */
import { type ByteString, EMPTY, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { isLink } from "../../codec/ostree/content.ts";
import { closeContent, openContent } from "../content/content-format.ts";
import { loadCommit } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { type FolderRef, type FoundEntry, entryIn } from "./find-entry.ts";
import { rootSidecar, viewFolder } from "./folder-view.ts";

export interface FollowedEntry {
  readonly entry: FoundEntry;
  /** Where it really is, from the root of the tree, without a slash in front; the root's is "". */
  readonly path: ByteString;
}

export interface FollowOptions {
  /** Whether a link at the end of the path is followed; those on the way always are. */
  readonly followLast: boolean;
}

const MOST_LINKS = 40;

/** Throws `not-found`; `corrupt` where objects are damaged; `unsupported` for a circle of links. */
export function followPath(
  repository: Repository,
  commit: Checksum,
  path: ByteString,
  { followLast }: FollowOptions,
): FollowedEntry {
  const folders: Place[] = [{ folder: rootOf(repository, commit), path: EMPTY }];
  let rest = piecesOf(path);
  for (let links = 0; rest.length > 0;) {
    const [name, ...after] = rest as [ByteString, ...ByteString[]];
    rest = after;
    if (name === "..") {
      if (folders.length > 1) folders.pop();
      continue;
    }
    const at = folders.at(-1)!;
    const here = joinBytes(at.path, name);
    const entry = entryIn(viewFolder(repository, at.folder.tree, at.folder.sidecar), name);
    if (entry === undefined) throw notFound(commit, path);
    if (entry.kind === "folder") {
      folders.push({ folder: entry, path: here });
      continue;
    }
    const target = rest.length > 0 || followLast ? linkTarget(repository, entry) : undefined;
    if (target === undefined && rest.length > 0) throw notFound(commit, path);
    if (target === undefined) return { entry, path: here };
    if (++links > MOST_LINKS) throw tooManyLinks(path);
    if (target.startsWith("/")) folders.length = 1;
    rest = [...piecesOf(target), ...rest];
  }
  const { folder, path: where } = folders.at(-1)!;
  return { entry: { kind: "folder", ...folder }, path: where };
}

interface Place {
  readonly folder: FolderRef;
  readonly path: ByteString;
}

function rootOf(repository: Repository, checksum: Checksum): FolderRef {
  const commit = loadCommit(repository, checksum);
  return { tree: commit.tree, meta: commit.meta, sidecar: rootSidecar(repository, commit) };
}

function linkTarget(repository: Repository, entry: FoundEntry): ByteString | undefined {
  if (entry.kind !== "file") return undefined;
  const content = openContent(repository, entry.checksum);
  closeContent(content);
  return isLink(content.meta) ? content.meta.target : undefined;
}

function piecesOf(path: ByteString): ByteString[] {
  return path.split("/").filter((piece) => piece !== "" && piece !== ".") as ByteString[];
}

function notFound(commit: Checksum, path: ByteString): RegrowError {
  const shown = displayBytes(path);
  const hint = `\`regrow ls ${commit.slice(0, 10)} FOLDER\` lists what is there.`;
  return new RegrowError("not-found", `${shown}: no such file or folder in commit ${commit.slice(0, 10)}.`, {
    path: shown,
    hint,
  });
}

function tooManyLinks(path: ByteString): RegrowError {
  const shown = displayBytes(path);
  return new RegrowError("unsupported", `${shown}: too many symbolic links on the way.`, { path: shown });
}
