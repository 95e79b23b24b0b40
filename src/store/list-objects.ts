/** What lies in a repository's `objects/`, folder by folder, as far as its names tell. */
import { isErrno } from "../base/errors.ts";
import { type Checksum, isChecksum } from "../codec/ostree/checksum.ts";
import { type ObjectKind, type ObjectName, parseLooseName } from "../codec/ostree/object-name.ts";
import { O, closeFd, tryOpenAt } from "../sys/open.ts";
import { readDir } from "../sys/read-dir.ts";
import { tryStatAt, typeOf } from "../sys/stat.ts";
import type { Repository } from "./repository.ts";

/** `00` to `ff`. */
export const OBJECT_FOLDERS: readonly string[] = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, "0"));

export interface ObjectFolder {
  readonly objects: readonly ObjectName[];
  /** Those of the objects where what bears the name can't be one: a folder, FIFO, device or socket, or a link in a file's place. */
  readonly impostors: readonly ObjectName[];
  /** Commits that have detached metadata here. */
  readonly detached: readonly Checksum[];
  /** Names that are no object's of this repository's mode, relative to `objects/`. */
  readonly strays: readonly string[];
}

/** All objects of a kind, by checksum. */
export interface ObjectIndex extends Readonly<Record<ObjectKind | "commitmeta", ReadonlySet<Checksum>>> {
  readonly impostors: readonly ObjectName[];
}

/** In the file system's order. A folder that isn't there is empty, as is what stands in one's place. */
export function listObjectFolder(repository: Repository, folder: string): ObjectFolder {
  const content = contentExtension(repository);
  const objects: ObjectName[] = [];
  const impostors: ObjectName[] = [];
  const detached: Checksum[] = [];
  const strays: string[] = [];
  const fd = tryOpenFolder(repository, folder);
  if (fd < 0) return { objects, impostors, detached, strays };
  try {
    for (const { name, type } of readDir(fd)) {
      const object = parseLooseName(folder, name);
      if (object !== undefined && (object.kind !== "file" || name.endsWith(content))) {
        objects.push(object);
        if (type !== FILE && !canBeObject(repository, object.kind, type === UNKNOWN ? typeAt(fd, name) : type))
          impostors.push(object);
      } else if (isDetached(folder, name)) detached.push((folder + name.slice(0, 62)) as Checksum);
      else if (!name.endsWith(".tombstone-commit")) strays.push(`${folder}/${name}`);
    }
  } finally {
    closeFd(fd);
  }
  return { objects, impostors, detached, strays };
}

/** Of the repository itself, without its parents. */
export function indexObjects(repository: Repository): ObjectIndex {
  const index = {
    file: new Set<Checksum>(),
    dirtree: new Set<Checksum>(),
    dirmeta: new Set<Checksum>(),
    commit: new Set<Checksum>(),
  };
  const commitmeta = new Set<Checksum>();
  const impostors: ObjectName[] = [];
  for (const folder of OBJECT_FOLDERS) {
    const found = listObjectFolder(repository, folder);
    for (const { kind, checksum } of found.objects) index[kind].add(checksum);
    for (const checksum of found.detached) commitmeta.add(checksum);
    impostors.push(...found.impostors);
  }
  return { ...index, commitmeta, impostors };
}

function contentExtension({ config }: Repository): string {
  return config.mode === "archive" ? ".filez" : ".file";
}

/** A link could lead out of the repository. */
function tryOpenFolder(repository: Repository, folder: string): number {
  try {
    return tryOpenAt(repository.objectsFd, folder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  } catch (error) {
    if (isErrno(error, "ENOTDIR", "ELOOP")) return -1;
    throw error;
  }
}

const UNKNOWN = 0;
const FILE = 8;
const LINK = 10;

/** Content that is a symbolic link is one on disk in two of the modes. */
function canBeObject({ config }: Repository, kind: ObjectKind, type: number): boolean {
  return type === FILE || (type === LINK && kind === "file" && (config.mode === "bare" || config.mode === "bare-user-only"));
}

/** In the terms of a folder's listing; a name that has gone meanwhile is anything. */
function typeAt(fd: number, name: string): number {
  const stat = tryStatAt(fd, name);
  return stat === undefined ? FILE : typeOf(stat.mode) >> 12;
}

function isDetached(folder: string, name: string): boolean {
  return name.length === 73 && name.endsWith(".commitmeta") && isChecksum(folder + name.slice(0, 62));
}
