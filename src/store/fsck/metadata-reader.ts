/**
 * The metadata objects of a repository, each compared with its name and decoded where it is read. What is wrong is told once,
 * however often the object is read. Objects of a parent repository are read too, and checked there.
 */
import { RegrowError } from "../../base/errors.ts";
import { type Checksum, checksumOf } from "../../codec/ostree/checksum.ts";
import { type Commit, decodeCommit } from "../../codec/ostree/commit.ts";
import { decodeDetachedMetadata } from "../../codec/ostree/detached-metadata.ts";
import { decodeDirMeta } from "../../codec/ostree/dirmeta.ts";
import { type DirTree, decodeDirTree } from "../../codec/ostree/dirtree.ts";
import { type ObjectName, looseName, objectText } from "../../codec/ostree/object-name.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readAt } from "../../sys/read-file.ts";
import { S_IFDIR, S_IFREG, statFd, tryStatAt, typeOf } from "../../sys/stat.ts";
import type { ObjectIndex } from "../list-objects.ts";
import { MAX_METADATA, hasObject, loadCommit, loadDirTree } from "../object-files.ts";
import { parentsOf } from "../parents.ts";
import type { Repository } from "../repository.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
import type { Pause } from "./pause.ts";
import { type CheckedName, type DamagedObject, impostor, isGone, mismatch, reasonOf } from "./damage.ts";

export interface MetadataReader {
  /** Undefined where it is damaged or missing. */
  commit(checksum: Checksum): Commit | undefined;
  tree(checksum: Checksum): DirTree | undefined;
  /** Whether the repository or a parent has something of this name. */
  has(object: ObjectName): boolean;
  /** Reads those that have not been read yet, detached metadata too. */
  readRest(pause: Pause): Promise<void>;
  /** So far: what is damaged, by its text; how many were read, and their bytes. */
  readonly damaged: ReadonlyMap<string, DamagedObject>;
  readonly counts: { checked: number; bytes: number };
}

type Kind = Exclude<CheckedName["kind"], "file">;

export interface MetadataName extends CheckedName {
  readonly kind: Kind;
}

const DECODERS = {
  commit: decodeWhole,
  dirtree: decodeDirTree,
  dirmeta: decodeDirMeta,
  commitmeta: decodeDetachedMetadata,
};

export function openMetadata(repository: Repository, index: ObjectIndex): MetadataReader {
  const damaged = new Map<string, DamagedObject>();
  const seen = { commit: new Set<Checksum>(), dirtree: new Set<Checksum>(), dirmeta: new Set<Checksum>() };
  const counts = { checked: 0, bytes: 0 };
  for (const object of index.impostors) tell(object, impostor());

  function tell(object: CheckedName, error: unknown, isMalformed = false): void {
    damaged.set(objectText(object), { ...object, reason: reasonOf(error), ...(isMalformed && { isMalformed }) });
  }

  function read<Value>(
    kind: Exclude<Kind, "commitmeta">,
    checksum: Checksum,
    decode: (data: Buffer) => Value,
  ): Value | undefined {
    const again = seen[kind].has(checksum);
    if (again && damaged.has(`${checksum}.${kind}`)) return undefined;
    seen[kind].add(checksum);
    if (!again) counts.checked++;
    if (damaged.has(`${checksum}.${kind}`)) return undefined;
    return readNew({ kind, checksum }, decode, again);
  }

  function readNew<Value>(object: CheckedName, decode: (data: Buffer) => Value, again: boolean): Value | undefined {
    let isIntact = false;
    try {
      const data = readChecked(repository, object);
      isIntact = object.kind !== "commitmeta";
      if (!again) counts.bytes += data.length;
      return decode(data);
    } catch (error) {
      if (isGone(error)) return undefined;
      tell(object, error, isIntact);
      return undefined;
    }
  }

  return {
    commit: (checksum) =>
      index.commit.has(checksum) ? read("commit", checksum, decodeWhole) : elsewhere(() => loadCommit(repository, checksum)),
    tree: (checksum) =>
      index.dirtree.has(checksum) ? read("dirtree", checksum, decodeDirTree) : elsewhere(() => loadDirTree(repository, checksum)),
    has: ({ kind, checksum }) =>
      index[kind].has(checksum) || (hasRealFolder(repository, checksum) && hasObject(repository, kind, checksum)),
    async readRest(pause) {
      for (const kind of ["commit", "dirtree", "dirmeta"] as const) {
        for (const checksum of index[kind]) {
          if (seen[kind].has(checksum)) continue;
          read<unknown>(kind, checksum, DECODERS[kind]);
          if (pause.isDue()) await pause.take();
        }
      }
      for (const checksum of index.commitmeta) {
        counts.checked++;
        readNew<unknown>({ kind: "commitmeta", checksum }, decodeDetachedMetadata, false);
      }
    },
    damaged,
    counts,
  };
}

/** What regrow keeps in a commit's metadata is as much a part of it as what ostree does. */
function decodeWhole(data: Buffer): Commit {
  const commit = decodeCommit(data);
  sidecarCommitOf(commit);
  parentsOf(commit);
  return commit;
}

/** Throws `corrupt`, `hostile` where the bytes make no such object. */
export function decodeMetadata(kind: Kind, data: Buffer): void {
  DECODERS[kind](data);
}

/** Whether a metadata object, or detached metadata, of the repository itself is sound now; undefined where it is not there. */
export function isSoundMetadata(repository: Repository, object: MetadataName): boolean | undefined {
  try {
    decodeMetadata(object.kind, readChecked(repository, object));
    return true;
  } catch (error) {
    if (isGone(error)) return undefined;
    reasonOf(error);
    return false;
  }
}

function readChecked(repository: Repository, { kind, checksum }: CheckedName): Buffer {
  const name = looseName(checksum, kind);
  // Opening a device may do something, and who put one there may have done so after the folder was listed.
  const data = readRegular(repository, name, kind === "commitmeta");
  if (kind !== "commitmeta" && checksumOf(data) !== checksum) throw mismatch();
  return data;
}

function readRegular(repository: Repository, name: string, lookFirst: boolean): Buffer {
  const { objectsFd } = repository;
  if (lookFirst && typeOf(tryStatAt(objectsFd, name)?.mode ?? S_IFREG) !== S_IFREG) throw impostor();
  const fd = openAt(objectsFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
  try {
    const { mode, size } = statFd(fd);
    if (typeOf(mode) !== S_IFREG) throw impostor();
    if (size > MAX_METADATA)
      throw new RegrowError("corrupt", `it has ${size} bytes, where no more than ${MAX_METADATA} can be right`);
    const data = Buffer.allocUnsafe(size);
    return data.subarray(0, readAt(fd, data, 0, size, 0));
  } finally {
    closeFd(fd);
  }
}

/** A parent's object, or one that came after the folders were listed. */
function elsewhere<Value>(load: () => Value): Value | undefined {
  try {
    return load();
  } catch (error) {
    if (error instanceof RegrowError && ["corrupt", "hostile", "not-found", "system"].includes(error.code)) return undefined;
    throw error;
  }
}

/** Through a link in a folder's place nothing is looked up. */
export function hasRealFolder(repository: Repository, checksum: Checksum): boolean {
  const stat = tryStatAt(repository.objectsFd, checksum.slice(0, 2));
  return stat === undefined || typeOf(stat.mode) === S_IFDIR;
}
