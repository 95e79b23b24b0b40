/** What lies in a repository's `objects/`, folder by folder, as far as its names tell. */
import { type Checksum, isChecksum } from "../codec/ostree/checksum.ts";
import { type ObjectKind, type ObjectName, parseLooseName } from "../codec/ostree/object-name.ts";
import { O, closeFd, tryOpenAt } from "../sys/open.ts";
import { readDir } from "../sys/read-dir.ts";
import { objectFile } from "./object-files.ts";
import type { Repository } from "./repository.ts";

/** `00` to `ff`. */
export const OBJECT_FOLDERS: readonly string[] = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, "0"));

export interface ObjectFolder {
  readonly objects: readonly ObjectName[];
  /** Commits that have detached metadata here. */
  readonly detached: readonly Checksum[];
  /** Names that are no object's of this repository's mode, relative to `objects/`. */
  readonly strays: readonly string[];
}

/** All objects of a kind, by checksum. */
export type ObjectIndex = Readonly<Record<ObjectKind | "commitmeta", ReadonlySet<Checksum>>>;

/** In the file system's order. A folder that isn't there is empty. */
export function listObjectFolder(repository: Repository, folder: string): ObjectFolder {
  const objects: ObjectName[] = [];
  const detached: Checksum[] = [];
  const strays: string[] = [];
  const fd = tryOpenAt(repository.objectsFd, folder, O.RDONLY | O.DIRECTORY);
  if (fd < 0) return { objects, detached, strays };
  try {
    for (const { name } of readDir(fd)) {
      const object = parseLooseName(folder, name);
      if (object !== undefined && objectFile(repository, object.kind, object.checksum) === `${folder}/${name}`)
        objects.push(object);
      else if (isDetached(folder, name)) detached.push((folder + name.slice(0, 62)) as Checksum);
      else if (!name.endsWith(".tombstone-commit")) strays.push(`${folder}/${name}`);
    }
  } finally {
    closeFd(fd);
  }
  return { objects, detached, strays };
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
  for (const folder of OBJECT_FOLDERS) {
    const { objects, detached } = listObjectFolder(repository, folder);
    for (const { kind, checksum } of objects) index[kind].add(checksum);
    for (const checksum of detached) commitmeta.add(checksum);
  }
  return { ...index, commitmeta };
}

function isDetached(folder: string, name: string): boolean {
  return name.length === 73 && name.endsWith(".commitmeta") && isChecksum(folder + name.slice(0, 62));
}
