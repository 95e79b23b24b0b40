/** Where the objects of a repository lie, and the metadata objects among them: stored as they are hashed, in every mode. */
import { RegrowError } from "../base/errors.ts";
import { type Checksum, checksumOf } from "../codec/ostree/checksum.ts";
import { type Commit, decodeCommit } from "../codec/ostree/commit.ts";
import { type DirMeta, decodeDirMeta } from "../codec/ostree/dirmeta.ts";
import { type DirTree, decodeDirTree } from "../codec/ostree/dirtree.ts";
import { type ObjectKind, looseName } from "../codec/ostree/object-name.ts";
import { existsAt } from "../sys/names.ts";
import { readSmallFileAt, tryReadFileAt } from "../sys/read-file.ts";
import type { Repository } from "./repository.ts";

/** Metadata objects are at most this large; a larger one is damaged or hostile. */
export const MAX_METADATA = 128 * 1024 * 1024;

/** Almost all metadata objects fit in, and are read without asking for their size. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

export type MetadataKind = Exclude<ObjectKind, "file">;

/** The name of an object's file below `objects/`. */
export function objectFile(repository: Repository, kind: ObjectKind, checksum: Checksum): string {
  return looseName(checksum, kind === "file" && repository.config.mode === "archive" ? "filez" : kind);
}

/** The repository, this one or a parent, that has the object. */
export function ownerOf(repository: Repository, kind: ObjectKind, checksum: Checksum): Repository | undefined {
  for (let at: Repository | undefined = repository; at !== undefined; at = at.parent) {
    if (existsAt(at.objectsFd, objectFile(at, kind, checksum))) return at;
  }
  return undefined;
}

export function hasObject(repository: Repository, kind: ObjectKind, checksum: Checksum): boolean {
  return ownerOf(repository, kind, checksum) !== undefined;
}

/** Throws `not-found`, `corrupt`. */
export function loadCommit(repository: Repository, checksum: Checksum): Commit {
  return parsed(repository, "commit", checksum, decodeCommit);
}

/** Throws `not-found`, `corrupt`, `hostile`. */
export function loadDirTree(repository: Repository, checksum: Checksum): DirTree {
  return parsed(repository, "dirtree", checksum, decodeDirTree);
}

/** Throws `not-found`, `corrupt`. */
export function loadDirMeta(repository: Repository, checksum: Checksum): DirMeta {
  return parsed(repository, "dirmeta", checksum, decodeDirMeta);
}

/** A metadata object's bytes, which have been found to match their checksum. Throws `not-found`, `corrupt`. */
export function loadMetadata(repository: Repository, kind: MetadataKind, checksum: Checksum): Buffer {
  const data = tryLoadMetadata(repository, kind, checksum);
  if (data === undefined) throw missingObject(repository, kind, checksum);
  return data;
}

export function tryLoadMetadata(repository: Repository, kind: MetadataKind, checksum: Checksum): Buffer | undefined {
  const name = looseName(checksum, kind);
  const count = readSmallFileAt(repository.objectsFd, name, scratch, 0);
  if (count > 0) {
    const data = scratch.subarray(0, count);
    if (checksumOf(data) === checksum) return Buffer.from(data);
  }
  for (let at: Repository | undefined = repository; at !== undefined; at = at.parent) {
    const data = tryReadFileAt(at.objectsFd, name, MAX_METADATA);
    if (data === undefined) continue;
    if (checksumOf(data) !== checksum) throw damagedObject(at, kind, checksum, "its content does not match its checksum");
    return data;
  }
  return undefined;
}

export function missingObject(repository: Repository, kind: ObjectKind, checksum: Checksum): RegrowError {
  const path = `${repository.path}/objects/${objectFile(repository, kind, checksum)}`;
  return new RegrowError("not-found", `${path}: the object is missing.`, {
    path,
    hint: "`regrow fsck` names what it touches; `regrow fsck --repair-from REPO` fetches it again.",
  });
}

export function damagedObject(
  repository: Repository,
  kind: ObjectKind,
  checksum: Checksum,
  reason: string,
  cause?: unknown,
): RegrowError {
  const path = `${repository.path}/objects/${objectFile(repository, kind, checksum)}`;
  return new RegrowError("corrupt", `${path}: the object is damaged: ${reason}.`, {
    path,
    hint: "`regrow fsck` names what it touches; `regrow fsck --repair-from REPO` fetches it again.",
    cause,
  });
}

function parsed<T>(repository: Repository, kind: MetadataKind, checksum: Checksum, decode: (data: Buffer) => T): T {
  const data = loadMetadata(repository, kind, checksum);
  try {
    return decode(data);
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    const path = `${repository.path}/objects/${objectFile(repository, kind, checksum)}`;
    throw new RegrowError(error.code, `${path}: ${error.message}`, { path, hint: error.hint, cause: error });
  }
}
