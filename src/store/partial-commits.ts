/**
 * Commits that are there without all of their tree: thinned by retention, or cut off in the middle of a pull. As in ostree,
 * `state/<checksum>.commitpartial` marks them; everything that relies on a whole tree asks here first.
 */
import type { Checksum } from "../codec/ostree/checksum.ts";
import { fsyncDirAt, replaceFileAt } from "../sys/durable.ts";
import { existsAt, tryMakeDirAt, tryUnlinkAt } from "../sys/names.ts";
import { ownerOf } from "./object-files.ts";
import type { Repository } from "./repository.ts";

/** Whether the repository, or a parent of it, has the commit with its whole tree. */
export function hasWholeCommit(repository: Repository, commit: Checksum): boolean {
  const owner = ownerOf(repository, "commit", commit);
  return owner !== undefined && !isPartial(owner, commit);
}

export function isPartial(repository: Repository, commit: Checksum): boolean {
  return existsAt(repository.fd, partialFile(commit));
}

/** Durably, so that it can come before the commit itself. */
export function markPartial(repository: Repository, commit: Checksum): void {
  if (isPartial(repository, commit)) return;
  tryMakeDirAt(repository.fd, "state", 0o755);
  replaceFileAt(repository.fd, "state", `${commit}.commitpartial`, Buffer.alloc(0), { durable: repository.config.fsync });
}

/** For commits whose tree has become whole, durably. */
export function unmarkPartial(repository: Repository, commits: readonly Checksum[]): void {
  const marked = commits.filter((commit) => isPartial(repository, commit));
  for (const commit of marked) tryUnlinkAt(repository.fd, partialFile(commit));
  if (marked.length > 0 && repository.config.fsync) fsyncDirAt(repository.fd, "state");
}

function partialFile(commit: Checksum): string {
  return `state/${commit}.commitpartial`;
}
