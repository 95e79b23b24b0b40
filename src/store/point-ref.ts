/** Naming a commit and taking a name away, together with the companion that keeps its sidecar alive. */
import { RegrowError } from "../base/errors.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { syncFileSystem } from "../sys/durable.ts";
import { loadCommit } from "./object-files.ts";
import { type RefChange, moveRefs } from "./move-refs.ts";
import { checkRefName, companionRef, readRef } from "./refs.ts";
import type { Repository } from "./repository.ts";
import { withRepositoryLock } from "./repository-lock.ts";
import { sidecarCommitOf } from "./tree/folder-view.ts";

export interface PointRefOptions {
  /** Also where the name stands for another commit already. */
  readonly force?: boolean;
}

/** Makes `name` stand for `commit`. Throws `exists` where it stands for another one, `usage` for no name, `locked`. */
export async function pointRef(
  repository: Repository,
  name: string,
  commit: Checksum,
  { force }: PointRefOptions = {},
): Promise<void> {
  checkRefName(name);
  // A prune must not take the commit away between the look at it and the move.
  await withRepositoryLock(repository, "shared", undefined, async () => {
    const before = readRef(repository, name);
    if (before !== undefined && before !== commit && force !== true) throw taken(name, before);
    const expected = force === true ? undefined : (before ?? null);
    const changes: RefChange[] = [{ name, commit, expected }, ...companionChanges(repository, name, commit)];
    // Who made the commit may have been killed before it was flushed.
    if (repository.config.fsync) syncFileSystem(repository.fd);
    const moved = await moveRefs(repository, changes);
    if (!moved) throw taken(name, readRef(repository, name));
  });
}

/** Throws `not-found` where one of them does not exist; then none is deleted. */
export async function deleteRefs(repository: Repository, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (readRef(repository, name) !== undefined) continue;
    throw new RegrowError("not-found", `${name}: no such branch or tag.`, { path: name, hint: "`regrow refs` lists them." });
  }
  await moveRefs(
    repository,
    names.flatMap((name) => [{ name, commit: undefined }, ...companionChanges(repository, name, undefined)]),
  );
}

function companionChanges(repository: Repository, name: string, commit: Checksum | undefined): RefChange[] {
  const companion = companionRef(name);
  const sidecar = commit === undefined ? undefined : sidecarCommitOf(loadCommit(repository, commit));
  return sidecar === undefined && readRef(repository, companion) === undefined ? [] : [{ name: companion, commit: sidecar }];
}

function taken(name: string, commit: Checksum | undefined): RegrowError {
  const where = commit === undefined ? "has changed in the meantime" : `stands for ${commit.slice(0, 10)} already`;
  return new RegrowError("exists", `${name}: ${where}.`, { path: name, hint: "Choose another name, or give --force." });
}
