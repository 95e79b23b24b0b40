/** The commits of a repository as retention judges them: which lines they belong to, and what needs them. */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ObjectIndex, indexObjects } from "../list-objects.ts";
import { history } from "../log.ts";
import { listPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import type { CommitFacts } from "./plan-prune.ts";
import type { RetentionCommit } from "./plan-retention.ts";
import { type ReadRef, factsOf, nearestWhole, readRefs } from "./reachability.ts";

/**
 * All commits of the repository's own that a ref leads to, newest first, a child before its parent. `needed`: commits that something
 * outside needs, such as a realised snapshot, and what that is. Throws `not-found`, `corrupt`.
 */
export function listRetentionCommits(repository: Repository, needed: ReadonlyMap<Checksum, string>): RetentionCommit[] {
  const index = indexObjects(repository);
  const refs = readRefs(repository).filter(({ isCompanion }) => !isCompanion);
  const partial = listPartial(repository);
  const isWhole = (commit: Checksum): boolean => !partial.has(commit);
  const facts = loadFacts(repository, index);
  const lines = linesOf(facts, refs);
  const reasons = new Map<Checksum, string[]>();
  const add = (commit: Checksum, reason: string): void => void reasons.set(commit, [...(reasons.get(commit) ?? []), reason]);
  for (const { name, commit } of refs) {
    add(commit, labelOf(name));
    if (isWhole(commit)) continue;
    for (const last of nearestWhole(facts, [commit], isWhole)) add(last, `last whole of ${name}`);
  }
  for (const [commit, reason] of needed) add(commit, reason);
  const tips = refs.map(({ commit }) => commit);
  return [...history(repository, tips)]
    .filter(({ checksum }) => index.commit.has(checksum))
    .map(({ checksum, commit }) => ({
      commit: checksum,
      timestamp: commit.timestamp,
      lines: lines.get(checksum) ?? [],
      isWhole: isWhole(checksum),
      needed: reasons.get(checksum) ?? [],
    }));
}

/** Branches are lines; a tag is one of what no branch leads to. */
function linesOf(facts: ReadonlyMap<Checksum, CommitFacts>, refs: readonly ReadRef[]): Map<Checksum, string[]> {
  const lines = new Map<Checksum, string[]>();
  const enter = (name: string, tip: Checksum, isOwn: (commit: Checksum) => boolean): void => {
    for (const commit of ancestorsOf(facts, tip)) if (isOwn(commit)) lines.set(commit, [...(lines.get(commit) ?? []), name]);
  };
  for (const { name, commit } of refs) if (!isTag(name)) enter(name, commit, () => true);
  const onBranches = new Set(lines.keys());
  for (const { name, commit } of refs) if (isTag(name)) enter(name, commit, (member) => !onBranches.has(member));
  return lines;
}

/** The commit itself is the first. */
function ancestorsOf(facts: ReadonlyMap<Checksum, CommitFacts>, tip: Checksum): Set<Checksum> {
  const found = new Set([tip]);
  for (const commit of found) {
    const known = facts.get(commit);
    for (const parent of known === undefined ? [] : [known.parent, ...known.others]) {
      if (parent !== undefined && facts.has(parent)) found.add(parent);
    }
  }
  return found;
}

function loadFacts(repository: Repository, index: ObjectIndex): Map<Checksum, CommitFacts> {
  return new Map([...index.commit].map((commit) => [commit, factsOf(repository, commit)]));
}

function isTag(name: string): boolean {
  return name.startsWith("tag/");
}

function labelOf(name: string): string {
  return isTag(name) ? `tag ${name.slice("tag/".length)}` : `branch ${name}`;
}
