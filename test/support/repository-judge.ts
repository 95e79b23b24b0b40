/** What must hold of a repository whatever happened to whoever wrote into it, and small trees to write. */
import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import { linkSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { loadCommit, hasObject } from "../../src/store/object-files.ts";
import { companionRef, isCompanionRef, listRefs } from "../../src/store/refs.ts";
import { type Repository, withRepository } from "../../src/store/repository.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";

/** Throws with what ostree says where the repository is not sound. */
export function judgeByOstree(repository: string): void {
  execFileSync("ostree", ["fsck", "-q", `--repo=${repository}`], { stdio: ["ignore", "pipe", "pipe"] });
}

/** Every ref names a commit that is there; ostree sees no others. */
export async function assertRefsResolve(path: string): Promise<void> {
  await withRepository(path, (repository) => {
    const refs = listRefs(repository);
    for (const { name, commit } of refs) assert.ok(hasObject(repository, "commit", commit), `${name} names ${commit}`);
    const seen = execFileSync("ostree", ["refs", `--repo=${path}`])
      .toString()
      .trimEnd()
      .split("\n")
      .toSorted();
    assert.deepEqual(seen, refs.map(({ name }) => name).toSorted());
  });
}

/** Each branch's companion names the sidecar of the very commit that the branch names. */
export function assertCompanions(repository: Repository): void {
  const refs = new Map(listRefs(repository).map(({ name, commit }) => [name, commit]));
  for (const [name, commit] of refs) {
    if (isCompanionRef(name)) continue;
    assert.equal(refs.get(companionRef(name)), sidecarCommitOf(loadCommit(repository, commit)), `the companion of ${name}`);
  }
}

/** Nothing is left in tmp/ or half-written beside what regrow keeps for itself. */
export function assertNoLeftOvers(repository: string): void {
  assert.deepEqual(readdirSync(`${repository}/tmp`), ["cache"]);
  const own = readdirSync(`${repository}/regrow`).filter((name) => !["refs.lock", "stat-cache", "refs.new"].includes(name));
  assert.deepEqual(own, []);
}

/** A few files of every kind; `version` changes some of them. */
export function makeVersion(root: string, version: number): void {
  mkdirSync(`${root}/folder/deep`, { recursive: true });
  mkdirSync(`${root}/empty`);
  writeFileSync(`${root}/same`, "the same in all versions\n");
  writeFileSync(`${root}/changes`, `version ${version}\n`);
  writeFileSync(`${root}/folder/file`, `below, ${version}\n`);
  writeFileSync(`${root}/folder/deep/large`, Buffer.alloc(70_000, version));
  writeFileSync(Buffer.concat([Buffer.from(`${root}/odd-`), Buffer.from([0xff])]), `odd ${version}`);
  linkSync(`${root}/changes`, `${root}/folder/hard`);
  symlinkSync("folder/file", `${root}/link`);
  // Old enough for the stat cache to trust them.
  for (const name of ["same", "changes", "folder/file"]) utimesSync(`${root}/${name}`, 1e9, 1e9);
}
