/**
 * A repository that is open. It is plain data, so that it can be handed to a worker thread of the same process as it is:
 * the descriptors are the process's own.
 *
 *   config  objects/xx/<62 digits>.<kind>  refs/{heads,remotes,mirrors}/  tmp/  state/  extensions/  .lock
 *   regrow/stat-cache/   regrow's own, may be lost at any time
 */
import { displayBytes, bytesOf } from "../base/byte-string.ts";
import { RegrowError, isErrno } from "../base/errors.ts";
import { type Keyfile, formatKeyfile, parseKeyfile } from "../codec/keyfile.ts";
import { replaceFileAt, syncFileSystem } from "../sys/durable.ts";
import { makeDirs, tryMakeDirAt } from "../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../sys/open.ts";
import { tryReadFileAt } from "../sys/read-file.ts";
import { readDir } from "../sys/read-dir.ts";
import { processUmask } from "../sys/umask.ts";
import { type RepositoryConfig, type RepositoryMode, readConfig } from "./repository-config.ts";

export interface Repository {
  readonly path: string;
  readonly fd: number;
  readonly objectsFd: number;
  readonly config: RepositoryConfig;
  /** What the process would take away from the permissions of a new file. */
  readonly umask: number;
  readonly parent: Repository | undefined;
}

const FOLDERS = ["objects", "tmp", "tmp/cache", "extensions", "state", "refs", "refs/heads", "refs/mirrors", "refs/remotes"];
const MAX_PARENTS = 8;
const MAX_CONFIG = 1024 * 1024;

/** Opens the repository at `path`. Throws `no-repository` where there is none. */
export function openRepository(path: string): Repository {
  return openChain(path, 0);
}

export function closeRepository(repository: Repository): void {
  if (repository.parent !== undefined) closeRepository(repository.parent);
  closeFd(repository.objectsFd);
  closeFd(repository.fd);
}

/** Runs `work` with the repository at `path`, and closes it whatever happens. */
export async function withRepository<T>(path: string, work: (repository: Repository) => Promise<T> | T): Promise<T> {
  const repository = openRepository(path);
  try {
    return await work(repository);
  } finally {
    closeRepository(repository);
  }
}

export interface InitOptions {
  readonly mode: RepositoryMode;
  readonly collectionId?: string | undefined;
  /** A new folder is one that others may enter and read, as far as the umask lets them. Not for mode bare. */
  readonly isPublic?: boolean | undefined;
}

/**
 * Makes a repository, or does nothing where there is one of the same mode already. Throws `exists` where the folder
 * holds something else, or a repository of another mode.
 */
export function initRepository(path: string, options: InitOptions): void {
  if (options.isPublic === true && options.mode === "bare") throw setuidForAll();
  makeRoot(path, options.isPublic === true ? 0o755 : 0o700);
  const fd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
  try {
    const config = tryReadFileAt(fd, "config");
    if (config !== undefined) return refuseOtherMode(path, config, options.mode);
    refuseOccupied(fd, path);
    for (const folder of FOLDERS) tryMakeDirAt(fd, folder, 0o755);
    const mode = options.mode === "archive" ? "archive-z2" : options.mode;
    const collection = options.collectionId === undefined ? [] : [`collection-id=${options.collectionId}`];
    // The config comes last: a folder without one is no repository yet, and making it again finishes the work.
    const lines = ["[core]", "repo_version=1", `mode=${mode}`, ...collection];
    syncFileSystem(fd);
    replaceFileAt(fd, ".", "config", Buffer.from(formatKeyfile({ lines })));
  } finally {
    closeFd(fd);
  }
}

/** Unless asked for otherwise its owner's alone: what is committed may hold secrets that are its readers' then. */
function makeRoot(path: string, mode: number): void {
  const above = path.replace(/\/*$/, "").replace(/[^/]*$/, "");
  if (above !== "") makeDirs(CWD, above);
  tryMakeDirAt(CWD, bytesOf(path), mode);
}

function setuidForAll(): RegrowError {
  return new RegrowError("usage", "A repository of mode bare can't be public: old setuid programs in it would be everybody's.", {
    hint: "Take --mode=archive, and pull or push into it.",
  });
}

/** Whether `path` looks like a repository. */
export function isRepository(path: string): boolean {
  try {
    closeRepository(openRepository(path));
    return true;
  } catch (error) {
    if (error instanceof RegrowError && error.code === "no-repository") return false;
    throw error;
  }
}

function openChain(path: string, depth: number): Repository {
  if (depth > MAX_PARENTS)
    throw new RegrowError("corrupt", `${path}: its chain of parent repositories is longer than ${MAX_PARENTS}.`);
  const fd = openRoot(path);
  let objectsFd = -1;
  try {
    const config = loadConfig(fd, path);
    objectsFd = openObjects(fd, path);
    const parent = config.parent === undefined ? undefined : openChain(config.parent, depth + 1);
    return { path, fd, objectsFd, config, umask: processUmask(), parent };
  } catch (error) {
    if (objectsFd >= 0) closeFd(objectsFd);
    closeFd(fd);
    throw error;
  }
}

function loadConfig(fd: number, path: string): RepositoryConfig {
  const text = tryReadFileAt(fd, "config", MAX_CONFIG);
  if (text === undefined) throw noRepository(path);
  return readConfig(parseConfig(text, path), path);
}

function parseConfig(text: Buffer, path: string): Keyfile {
  try {
    return parseKeyfile(text.toString("utf8"));
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    const file = `${path}/config`;
    throw new RegrowError(error.code, `${file}: ${error.message}`, {
      path: file,
      hint: "Correct or remove the line.",
      cause: error,
    });
  }
}

function openRoot(path: string): number {
  try {
    return openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) throw noRepository(path);
    throw error;
  }
}

function openObjects(fd: number, path: string): number {
  try {
    return openAt(fd, "objects", O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) throw noRepository(path);
    throw error;
  }
}

function refuseOtherMode(path: string, text: Buffer, mode: RepositoryMode): void {
  const existing = readConfig(parseConfig(text, path), path);
  if (existing.mode === mode) return;
  throw new RegrowError("exists", `${path}: is a repository already, of mode ${existing.mode}.`, {
    path,
    hint: "The mode of a repository can't be changed: make a new one and push into it.",
  });
}

function refuseOccupied(fd: number, path: string): void {
  const known = new Set(["objects", "tmp", "extensions", "state", "refs", ".lock", "regrow"]);
  const other = readDir(fd).find((entry) => !known.has(entry.name) && !/^\.config-.+\.tmp$/.test(entry.name));
  if (other === undefined) return;
  throw new RegrowError("exists", `${path}: holds other things already, such as ${displayBytes(other.name)}.`, {
    path,
    hint: "Name a folder that is empty or does not exist yet.",
  });
}

function noRepository(path: string): RegrowError {
  return new RegrowError("no-repository", `${path}: is not a repository.`, {
    path,
    hint: "Make one with `regrow init`, or name one with --repo or REGROW_REPO.",
  });
}
