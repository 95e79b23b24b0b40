/**
 * Refs: names for commits, one small file each, `refs/heads/<name>` or `refs/remotes/<remote>/<name>`, holding 64 digits and
 * a newline; an alias is a symbolic link to another ref. How they move: move-refs.ts.
 *
 * A commit's sidecar lives under the companion ref `regrow/sidecar/<name>`, which moves and dies with the ref.
 */
import { bytesOf } from "../base/byte-string.ts";
import { RegrowError, isErrno } from "../base/errors.ts";
import { type Checksum, parseChecksum } from "../codec/ostree/checksum.ts";
import { O, closeFd, tryOpenAt } from "../sys/open.ts";
import { readDir } from "../sys/read-dir.ts";
import { readLinkAt, tryReadFileAt } from "../sys/read-file.ts";
import type { Repository } from "./repository.ts";

export interface Ref {
  /** `main`, `tag/v1`, or `origin:main` for one of a remote. */
  readonly name: string;
  readonly commit: Checksum;
  /** For an alias: the ref that it stands for. */
  readonly alias?: string;
}

const COMPANION = "regrow/sidecar/";
/** OSTree lists no ref that begins with a dot, and so prunes what it names. */
const PIECE = /^[-_\w\d][-._\w\d]*$/;

/** Throws `usage` where the name is no ref name: letters, digits, `-`, `.`, `_`, in pieces divided by `/`, none with a dot in front. */
export function checkRefName(name: string): void {
  const { remote, ref } = splitRemote(name);
  const pieces = [...(remote === undefined ? [] : [remote]), ...ref.split("/")];
  if (name.length < 200 && pieces.every((piece) => PIECE.test(piece))) return;
  throw new RegrowError("usage", `${JSON.stringify(name)}: not a ref name.`, {
    hint: "Use letters, digits, '-', '.', '_' and '/'.",
  });
}

/** Where the ref's file is, relative to the repository. */
export function refPath(name: string): string {
  const { remote, ref } = splitRemote(name);
  return remote === undefined ? `refs/heads/${ref}` : `refs/remotes/${remote}/${ref}`;
}

export function companionRef(name: string): string {
  const { remote, ref } = splitRemote(name);
  return remote === undefined ? COMPANION + ref : `${remote}:${COMPANION}${ref}`;
}

/** Throws `usage` for what is no name of a ref, and `refused` for those that regrow moves itself. */
export function checkBranchName(name: string): void {
  checkRefName(name);
  if (!isCompanionRef(name)) return;
  throw new RegrowError("refused", `${name}: is the name of a sidecar, which moves with its branch.`, {
    path: name,
    hint: "Choose a name that does not begin with regrow/sidecar/.",
  });
}

export function isCompanionRef(name: string): boolean {
  return splitRemote(name).ref.startsWith(COMPANION);
}

/** The commit that a ref names, or undefined where there is no such ref. Throws `corrupt`. */
export function readRef(repository: Repository, name: string): Checksum | undefined {
  checkRefName(name);
  return readRefFile(repository, refPath(name));
}

/** All refs, local ones first, sorted by name. Companion refs are among them. Throws `corrupt`. */
export function listRefs(repository: Repository): Ref[] {
  const refs: Ref[] = [];
  collect(repository, "refs/heads", "", refs);
  for (const remote of listDir(repository, "refs/remotes")) {
    if (remote.type === DIRECTORY) collect(repository, `refs/remotes/${remote.name}`, `${remote.name}:`, refs);
  }
  return refs;
}

/** Where a ref is kept. */
export interface RefFile {
  /** As `Ref` has it; for one that ostree mirrors by collection `(org.example.Os, main)`, as ostree prints it. */
  readonly name: string;
  /** Relative to the repository. */
  readonly path: string;
  readonly isCompanion: boolean;
}

/** Everything under `refs/` that keeps commits, mirrored refs among it, whether or not it can be read. Sorted by name. */
export function listRefFiles(repository: Repository): RefFile[] {
  const files: RefFile[] = [];
  collectFiles(repository, "refs/heads", "", (ref) => ref, files);
  for (const remote of listDir(repository, "refs/remotes")) {
    if (remote.type !== DIRECTORY) continue;
    collectFiles(repository, `refs/remotes/${remote.name}`, "", (ref) => `${remote.name}:${ref}`, files);
  }
  for (const collection of listDir(repository, "refs/mirrors")) {
    if (collection.type !== DIRECTORY) continue;
    collectFiles(repository, `refs/mirrors/${collection.name}`, "", (ref) => `(${collection.name}, ${ref})`, files);
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Splits `origin:main`. */
export function splitRemote(name: string): { remote: string | undefined; ref: string } {
  const colon = name.indexOf(":");
  return colon < 0 ? { remote: undefined, ref: name } : { remote: name.slice(0, colon), ref: name.slice(colon + 1) };
}

const DIRECTORY = 4;
const LINK = 10;

/** The commit that the ref at `path` names, or undefined where nothing is there. Throws `corrupt`. */
export function readRefFile(repository: Repository, path: string): Checksum | undefined {
  let data: Buffer | undefined;
  try {
    data = tryReadFileAt(repository.fd, bytesOf(path), 4096);
  } catch (error) {
    if (isErrno(error, "EISDIR", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
  if (data === undefined) return undefined;
  try {
    return parseChecksum(data.toString("latin1").trimEnd());
  } catch (cause) {
    throw new RegrowError("corrupt", `${repository.path}/${path}: the ref is damaged.`, {
      path: `${repository.path}/${path}`,
      hint: "`regrow log` of another ref may name the commit; write its checksum into the file.",
      cause,
    });
  }
}

function collect(repository: Repository, folder: string, prefix: string, refs: Ref[]): void {
  const entries = listDir(repository, folder).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, type } of entries) {
    const path = `${folder}/${name}`;
    if (type === DIRECTORY) collect(repository, path, `${prefix}${name}/`, refs);
    else if (PIECE.test(name)) {
      const commit = readRefFile(repository, path);
      if (commit === undefined) continue;
      refs.push(
        type === LINK ? { name: prefix + name, commit, alias: readLinkAt(repository.fd, path) } : { name: prefix + name, commit },
      );
    }
  }
}

function collectFiles(
  repository: Repository,
  folder: string,
  prefix: string,
  nameOf: (ref: string) => string,
  files: RefFile[],
): void {
  for (const { name, type } of listDir(repository, folder)) {
    const path = `${folder}/${name}`;
    const ref = prefix + name;
    if (type === DIRECTORY) collectFiles(repository, path, `${ref}/`, nameOf, files);
    else if (PIECE.test(name)) files.push({ name: nameOf(ref), path, isCompanion: isCompanionRef(ref) });
  }
}

function listDir(repository: Repository, folder: string): { name: string; type: number }[] {
  const fd = tryOpenAt(repository.fd, bytesOf(folder), O.RDONLY | O.DIRECTORY);
  if (fd < 0) return [];
  try {
    return readDir(fd);
  } finally {
    closeFd(fd);
  }
}
