/** What refs have to do with a repository's soundness: whether each names a commit that is there, and which commits they lead to. */
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import { hasObject } from "../object-files.ts";
import { parentsOf } from "../parents.ts";
import { listRefFiles, readRefFile } from "../refs.ts";
import type { Repository } from "../repository.ts";

export interface BadRef {
  readonly name: string;
  readonly reason: string;
}

/** Refs that hold no checksum, or that of a commit which is missing. */
export function checkRefs(repository: Repository): BadRef[] {
  const bad: BadRef[] = [];
  for (const { name, path } of listRefFiles(repository)) {
    try {
      const commit = readRefFile(repository, path);
      if (commit !== undefined && !hasObject(repository, "commit", commit))
        bad.push({ name, reason: `it names the commit ${commit}, which is missing` });
    } catch (error) {
      if (!(error instanceof RegrowError) || error.code !== "corrupt") throw error;
      bad.push({ name, reason: "it holds no checksum" });
    }
  }
  return bad;
}

/** The commits that refs name, whether or not they are there. */
export function namedCommits(repository: Repository): Set<Checksum> {
  const named = listRefFiles(repository).map(({ path }) => tryReadRef(repository, path));
  return new Set(named.filter((commit) => commit !== undefined));
}

/** For each commit the refs whose history, merged commits included, holds it. */
export function refsOfCommits(repository: Repository, commits: ReadonlyMap<Checksum, Commit>): Map<Checksum, string[]> {
  const refs = new Map<Checksum, string[]>();
  for (const { name, path } of listRefFiles(repository)) {
    const seen = new Set<Checksum>();
    const open = [tryReadRef(repository, path)];
    while (open.length > 0) {
      const at = open.pop();
      if (at === undefined || seen.has(at)) continue;
      seen.add(at);
      refs.set(at, [...(refs.get(at) ?? []), name]);
      const commit = commits.get(at);
      if (commit !== undefined) open.push(...parentsOf(commit));
    }
  }
  return refs;
}

function tryReadRef(repository: Repository, path: string): Checksum | undefined {
  try {
    return readRefFile(repository, path);
  } catch (error) {
    if (error instanceof RegrowError && error.code === "corrupt") return undefined;
    throw error;
  }
}
