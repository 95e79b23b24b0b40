/**
 * Commits that are there without all of their tree: thinned by retention, or cut off in the middle of a pull. As in ostree,
 * `state/<checksum>.commitpartial` marks them; everything that relies on a whole tree asks here first. The mark's first byte
 * tells why: none for a pull, `f` for objects that a check found bad and removed (ostree's own letter), `t` for thinned.
 */
import { type Checksum, isChecksum } from "../codec/ostree/checksum.ts";
import { fsyncDirAt, replaceFileAt } from "../sys/durable.ts";
import { existsAt, tryMakeDirAt, tryUnlinkAt } from "../sys/names.ts";
import { O, closeFd, tryOpenAt } from "../sys/open.ts";
import { readDir } from "../sys/read-dir.ts";
import { tryReadFileAt } from "../sys/read-file.ts";
import { ownerOf } from "./object-files.ts";
import type { Repository } from "./repository.ts";

export type PartialReason = "pulled" | "damaged" | "thinned";

const LETTERS: Record<PartialReason, string> = { pulled: "", damaged: "f", thinned: "t" };
const SUFFIX = ".commitpartial";

/** Whether the repository, or a parent of it, has the commit with its whole tree. */
export function hasWholeCommit(repository: Repository, commit: Checksum): boolean {
  const owner = ownerOf(repository, "commit", commit);
  return owner !== undefined && !isPartial(owner, commit);
}

export function isPartial(repository: Repository, commit: Checksum): boolean {
  return existsAt(repository.fd, partialFile(commit));
}

/** Durably, so that it can come before the commit itself. A commit that is marked already keeps its mark. */
export function markPartial(repository: Repository, commit: Checksum, reason: PartialReason = "pulled"): void {
  if (!isPartial(repository, commit)) writeMark(repository, commit, reason);
}

/** Marks commits that are about to lose objects, durably, whatever mark they bear. */
export function remarkPartial(repository: Repository, commits: readonly Checksum[], reason: PartialReason): void {
  for (const commit of commits) writeMark(repository, commit, reason);
}

/** For commits whose tree has become whole, or that are gone; durably. */
export function unmarkPartial(repository: Repository, commits: readonly Checksum[]): void {
  const marked = commits.filter((commit) => isPartial(repository, commit));
  for (const commit of marked) tryUnlinkAt(repository.fd, partialFile(commit));
  if (marked.length > 0 && repository.config.fsync) fsyncDirAt(repository.fd, "state");
}

/** All marks of the repository itself, without its parents. */
export function listPartial(repository: Repository): Map<Checksum, PartialReason> {
  const marks = new Map<Checksum, PartialReason>();
  const fd = tryOpenAt(repository.fd, "state", O.RDONLY | O.DIRECTORY);
  if (fd < 0) return marks;
  try {
    for (const { name } of readDir(fd)) {
      const commit = name.slice(0, -SUFFIX.length);
      if (name.endsWith(SUFFIX) && isChecksum(commit)) marks.set(commit, readReason(repository, commit));
    }
  } finally {
    closeFd(fd);
  }
  return marks;
}

function readReason(repository: Repository, commit: Checksum): PartialReason {
  const letter = tryReadFileAt(repository.fd, partialFile(commit))?.toString("latin1", 0, 1);
  if (letter === LETTERS.damaged) return "damaged";
  return letter === LETTERS.thinned ? "thinned" : "pulled";
}

function writeMark(repository: Repository, commit: Checksum, reason: PartialReason): void {
  tryMakeDirAt(repository.fd, "state", 0o755);
  const data = Buffer.from(LETTERS[reason]);
  replaceFileAt(repository.fd, "state", `${commit}${SUFFIX}`, data, { durable: repository.config.fsync });
}

function partialFile(commit: Checksum): string {
  return `state/${commit}${SUFFIX}`;
}
