/** What refs have to do with a repository's soundness: whether each names a commit that is there, and which commits they lead to. */
import { posix } from "node:path";
import { bytesOf, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import { existsAt } from "../../sys/names.ts";
import { readLinkAt } from "../../sys/read-file.ts";
import { S_IFLNK, S_IFREG, tryStatAt, typeOf } from "../../sys/stat.ts";
import { hasObject, loadCommit, ownerOf } from "../object-files.ts";
import { parentsOf } from "../parents.ts";
import { listRefFiles, readRefFile } from "../refs.ts";
import type { Repository } from "../repository.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";

export interface BadRef {
  readonly name: string;
  readonly reason: string;
}

/**
 * Refs that hold no checksum, or that of a commit which is missing, links that lead to no ref, and refs whose commit has a sidecar
 * that no ref keeps.
 */
export function checkRefs(repository: Repository): BadRef[] {
  const bad: BadRef[] = [];
  for (const { name, path } of listRefFiles(repository)) {
    const reason = refReason(repository, path);
    if (reason !== undefined) bad.push({ name, reason });
  }
  return [...bad, ...unkeptSidecars(repository)];
}

function refReason(repository: Repository, path: string): string | undefined {
  const stat = tryStatAt(repository.fd, bytesOf(path));
  // Deleted since it was listed.
  if (stat === undefined) return undefined;
  const type = typeOf(stat.mode);
  if (type === S_IFLNK) {
    const target = readLinkAt(repository.fd, bytesOf(path));
    if (!staysInside(path, target)) return `it is a link that leads out of refs/, to ${displayBytes(target)}`;
  } else if (type !== S_IFREG) return "it is no regular file";
  try {
    const commit = readRefFile(repository, path);
    if (commit === undefined) return type === S_IFLNK ? "it is a link to a ref that is not there" : undefined;
    return hasObject(repository, "commit", commit) ? undefined : `it names the commit ${commit}, which is missing`;
  } catch (error) {
    if (!(error instanceof RegrowError) || error.code !== "corrupt") throw error;
    return "it holds no checksum";
  }
}
/** An alias is a link to another ref. */
function staysInside(path: string, target: string): boolean {
  return !target.startsWith("/") && posix.normalize(`${posix.dirname(path)}/${target}`).startsWith("refs/");
}

/** Sidecars of commits that refs name, which `ostree prune` would take away because no ref leads to them. */
function unkeptSidecars(repository: Repository): BadRef[] {
  // Whoever moves refs next completes a move that was cut off.
  if (existsAt(repository.fd, "regrow/refs.journal")) return [];
  const files = listRefFiles(repository);
  const tips = new Set(files.map(({ path }) => tryReadRef(repository, path)));
  const bad: BadRef[] = [];
  let history: Set<Checksum> | undefined;
  for (const { name, path, isCompanion } of files) {
    const sidecar = isCompanion ? undefined : sidecarOf(repository, tryReadRef(repository, path));
    if (sidecar === undefined || tips.has(sidecar) || ownerOf(repository, "commit", sidecar) !== repository) continue;
    history ??= historyOf(repository, tips);
    if (history.has(sidecar)) continue;
    bad.push({
      name,
      reason: `no companion ref leads to ${sidecar}, the sidecar of its commit: \`ostree prune\` would remove it`,
    });
  }
  return bad;
}

function sidecarOf(repository: Repository, commit: Checksum | undefined): Checksum | undefined {
  const facts = commit === undefined ? undefined : tryLoadCommit(repository, commit);
  return facts === undefined ? undefined : sidecarCommitOf(facts);
}

/** The commits with all that they came from, as ostree sees it, which knows of one parent only. */
function historyOf(repository: Repository, tips: Iterable<Checksum | undefined>): Set<Checksum> {
  const history = new Set<Checksum>();
  for (const tip of tips)
    for (let at = tip; at !== undefined && !history.has(at); at = tryLoadCommit(repository, at)?.parent) history.add(at);
  return history;
}

/** Undefined where it is missing or damaged, which is told of the object itself. */
function tryLoadCommit(repository: Repository, checksum: Checksum): Commit | undefined {
  try {
    const commit = loadCommit(repository, checksum);
    sidecarCommitOf(commit);
    return commit;
  } catch (error) {
    if (error instanceof RegrowError && ["corrupt", "not-found", "system"].includes(error.code)) return undefined;
    throw error;
  }
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
