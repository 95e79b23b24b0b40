/**
 * What a prune keeps, as a pure decision over the commits and refs that were found.
 *
 * A commit that is reachable from a ref never goes: what retention takes is its tree, and the commit is marked as thinned, so that
 * history stays whole. Only commits that no ref leads to can go altogether.
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";

export interface CommitFacts {
  readonly parent: Checksum | undefined;
  /** Further commits that it was merged from. */
  readonly others: readonly Checksum[];
  /** The commit that holds its sidecar. */
  readonly sidecar: Checksum | undefined;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

export interface PruneRules {
  /** How many ancestors of each ref keep their tree; -1 for all. */
  readonly depth: number;
  /** Seconds since 1970: trees of older commits go, but not those that a ref names. */
  readonly keepYoungerThan: number | undefined;
  /** Commits that no ref leads to go too. */
  readonly refsOnly: boolean;
  /** Their trees go whatever the other rules say. No sidecars. */
  readonly deleteCommits: readonly Checksum[];
  /** Their trees go, but not those that a ref names. No sidecars. */
  readonly thinCommits?: readonly Checksum[] | undefined;
  /** They go too where no ref leads to them, and nothing that stays. */
  readonly dropCommits?: ReadonlySet<Checksum> | undefined;
}

export interface PrunePlan {
  /** Commits that keep their tree. */
  readonly whole: ReadonlySet<Checksum>;
  /** Commits that lose it, or have lost it before. */
  readonly thinned: ReadonlySet<Checksum>;
  /** Commits that go altogether. */
  readonly deleted: ReadonlySet<Checksum>;
}

/** `tips` are what the refs name, `companions` what those of sidecars name. */
export function planPrune(
  commits: ReadonlyMap<Checksum, CommitFacts>,
  tips: readonly Checksum[],
  companions: readonly Checksum[],
  rules: PruneRules,
): PrunePlan {
  const reachable = new Set<Checksum>();
  const kept = new Set<Checksum>();
  const sidecars = new Set([...commits.values()].map(({ sidecar }) => sidecar).filter((sidecar) => sidecar !== undefined));
  for (const tip of tips) walk(commits, tip, rules, (commit, isKept) => mark(commit, isKept, reachable, kept));
  if (!rules.refsOnly) {
    const { dropCommits } = rules;
    const open = [...commits.keys()].filter(
      (commit) => !reachable.has(commit) && !sidecars.has(commit) && dropCommits?.has(commit) !== true,
    );
    // What they came from stays with them, also where that was to be dropped. The list grows while it is gone through.
    for (const commit of open) {
      const facts = commits.get(commit);
      if (facts === undefined || reachable.has(commit)) continue;
      mark(commit, true, reachable, kept);
      for (const parent of [facts.parent, ...facts.others]) if (parent !== undefined) open.push(parent);
    }
  }
  const named = new Set(tips);
  for (const commit of rules.thinCommits ?? []) if (!named.has(commit)) kept.delete(commit);
  for (const commit of rules.deleteCommits) {
    kept.delete(commit);
    if (!isAncestor(commits, tips, commit)) reachable.delete(commit);
  }
  // A sidecar shares the fate of its commit.
  for (const commit of reachable) {
    const sidecar = commits.get(commit)?.sidecar;
    if (sidecar !== undefined && commits.has(sidecar)) mark(sidecar, kept.has(commit), reachable, kept);
  }
  for (const tip of companions) {
    walk(commits, tip, rules, (commit, isKept) => mark(commit, isKept && !sidecars.has(commit), reachable, kept));
  }
  const all = [...commits.keys()];
  return {
    whole: new Set(all.filter((commit) => kept.has(commit))),
    thinned: new Set(all.filter((commit) => reachable.has(commit) && !kept.has(commit))),
    deleted: new Set(all.filter((commit) => !reachable.has(commit))),
  };
}

function mark(commit: Checksum, isKept: boolean, reachable: Set<Checksum>, kept: Set<Checksum>): void {
  reachable.add(commit);
  if (isKept) kept.add(commit);
}

function walk(
  commits: ReadonlyMap<Checksum, CommitFacts>,
  tip: Checksum,
  rules: PruneRules,
  visit: (commit: Checksum, isKept: boolean) => void,
): void {
  // Nearest first, so that a commit is met at its least distance and only once, however many ways lead to it.
  const open: [Checksum, number][] = [[tip, 0]];
  const seen = new Set<Checksum>();
  for (let next = 0; next < open.length; next++) {
    const [commit, distance] = open[next]!;
    const facts = commits.get(commit);
    if (facts === undefined || seen.has(commit)) continue;
    seen.add(commit);
    const isNear = rules.depth < 0 || distance <= rules.depth;
    const isYoung = rules.keepYoungerThan === undefined || facts.timestamp >= rules.keepYoungerThan;
    visit(commit, distance === 0 || (isNear && isYoung));
    for (const parent of [facts.parent, ...facts.others]) if (parent !== undefined) open.push([parent, distance + 1]);
  }
}

function isAncestor(commits: ReadonlyMap<Checksum, CommitFacts>, tips: readonly Checksum[], wanted: Checksum): boolean {
  const seen = new Set<Checksum>();
  const open = [...tips];
  for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
    if (commit === wanted) return true;
    if (seen.has(commit)) continue;
    seen.add(commit);
    const facts = commits.get(commit);
    for (const parent of [facts?.parent, ...(facts?.others ?? [])]) if (parent !== undefined) open.push(parent);
  }
  return false;
}
