/**
 * What hangs on a commit without being an object: its detached metadata, and the static deltas that lead to it. Whatever is there of a
 * commit that is not is found anew by each prune, so that a cut leaves nothing for ever. Tombstones are no concern of regrow's: they
 * tell where a history was cut, and it cuts none.
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { deltaIndexTarget, deltaTarget } from "../../codec/ostree/delta-name.ts";
import { looseName } from "../../codec/ostree/object-name.ts";
import { removeTreeAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, tryOpenAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { S_IFDIR, tryStatAt, typeOf } from "../../sys/stat.ts";
import type { ObjectIndex } from "../list-objects.ts";
import { hasObject } from "../object-files.ts";
import { listPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import type { PrunePlan } from "./plan-prune.ts";

export interface LeftBehind {
  /** Commits that have detached metadata and are gone, or will be. */
  readonly detached: readonly Checksum[];
  /** Folders `deltas/…/…`. They hold the content of a commit, so they go with its tree. */
  readonly deltas: readonly string[];
  readonly deltaIndexes: readonly string[];
  /** Bytes that they take on disk. */
  readonly bytes: number;
}

/** Nobody may be writing commits, or what has come before its commit is taken for left over. */
export function findLeftBehind(repository: Repository, index: ObjectIndex, plan: PrunePlan): LeftBehind {
  const isGone = (commit: Checksum): boolean => plan.deleted.has(commit) || !hasObject(repository, "commit", commit);
  // Also those that an earlier prune has thinned and a cut kept it from going on.
  const partial = listPartial(repository);
  const isTreeGone = (commit: Checksum): boolean =>
    plan.thinned.has(commit) || partial.get(commit) === "thinned" || isGone(commit);
  const detached = [...index.commitmeta].filter(isGone);
  const deltas = namesOf(repository, "deltas", deltaTarget, isTreeGone);
  const deltaIndexes = namesOf(repository, "delta-indexes", deltaIndexTarget, isTreeGone);
  const sizes = [
    ...detached.map((commit) => sizeOf(repository.objectsFd, looseName(commit, "commitmeta"))),
    ...deltas.map((name) => sizeOfFolder(repository.fd, name)),
    ...deltaIndexes.map((name) => sizeOf(repository.fd, name)),
  ];
  return { detached, deltas, deltaIndexes, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

export function removeLeftBehind(repository: Repository, { detached, deltas, deltaIndexes }: LeftBehind): void {
  for (const commit of detached) tryUnlinkAt(repository.objectsFd, looseName(commit, "commitmeta"));
  for (const name of deltaIndexes) tryUnlinkAt(repository.fd, name);
  for (const name of deltas) {
    // Without it nobody takes what is left for a delta.
    if (isFolder(repository.fd, name)) tryUnlinkAt(repository.fd, `${name}/superblock`);
    removeTreeAt(repository.fd, name);
  }
}

function namesOf(
  { fd }: Repository,
  place: string,
  targetOf: (folder: string, name: string) => Checksum | undefined,
  isWanted: (commit: Checksum) => boolean,
): string[] {
  return listNames(fd, place).flatMap((folder) =>
    listNames(fd, `${place}/${folder}`).flatMap((name) => {
      const commit = targetOf(folder, name);
      return commit !== undefined && isWanted(commit) ? [`${place}/${folder}/${name}`] : [];
    }),
  );
}

function sizeOfFolder(fd: number, name: string): number {
  return listNames(fd, name).reduce((sum, entry) => sum + sizeOf(fd, `${name}/${entry}`), 0);
}

function sizeOf(fd: number, name: string): number {
  const stat = tryStatAt(fd, name);
  return stat === undefined || stat.nlink > 1 ? 0 : stat.blocks * 512;
}

/** Of a folder that may not be there, or be something else. */
function listNames(parentFd: number, name: string): string[] {
  const fd = isFolder(parentFd, name) ? tryOpenAt(parentFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW) : -1;
  if (fd < 0) return [];
  try {
    return readDir(fd).map((entry) => entry.name);
  } finally {
    closeFd(fd);
  }
}

function isFolder(fd: number, name: string): boolean {
  const stat = tryStatAt(fd, name);
  return stat !== undefined && typeOf(stat.mode) === S_IFDIR;
}
