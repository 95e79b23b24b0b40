/** History: a commit, its parent, its parent's parent, as far as the repository has them; newest first where several lines meet. */
import type { Checksum } from "../codec/ostree/checksum.ts";
import type { Commit } from "../codec/ostree/commit.ts";
import { hasObject, loadCommit } from "./object-files.ts";
import { parentsOf } from "./parents.ts";
import type { Repository } from "./repository.ts";

export interface LogEntry {
  readonly checksum: Checksum;
  readonly commit: Commit;
  /** Its parents, a merged one last, as far as the repository has them. */
  readonly present: readonly Checksum[];
  /** A parent is known by checksum, but not in the repository: it was pruned, or never fetched. */
  readonly parentMissing: boolean;
}

/**
 * All commits that lead to `starts`, each once: along each line from child to parent, the lines merged by time. `follow` says which
 * parents are gone on to; without it all. Throws `not-found`, `corrupt`.
 */
export function* history(
  repository: Repository,
  starts: readonly Checksum[],
  follow: (entry: LogEntry) => readonly Checksum[] = ({ present }) => present,
): Generator<LogEntry> {
  const seen = new Set<Checksum>();
  const open: LogEntry[] = [];
  const add = (checksum: Checksum): void => {
    if (seen.has(checksum)) return;
    seen.add(checksum);
    const commit = loadCommit(repository, checksum);
    const parents = parentsOf(commit);
    const present = parents.filter((parent) => hasObject(repository, "commit", parent));
    open.push({ checksum, commit, present, parentMissing: present.length < parents.length });
  };
  for (const start of starts) add(start);
  while (open.length > 0) {
    const entry = takeNewest(open);
    yield entry;
    for (const parent of follow(entry)) add(parent);
  }
}

/**
 * The same entries with every child before its parents, whatever their times say, and each line kept together. `present` of an entry may
 * name only what is among the entries or older than all of them.
 */
export function linesTogether(entries: readonly LogEntry[]): LogEntry[] {
  const byChecksum = new Map(entries.map((entry) => [entry.checksum, entry]));
  const children = new Map<Checksum, number>();
  for (const { present } of entries) for (const parent of present) children.set(parent, (children.get(parent) ?? 0) + 1);
  const ready = entries.filter(({ checksum }) => !children.has(checksum)).toReversed();
  const ordered: LogEntry[] = [];
  for (let entry = ready.pop(); entry !== undefined; entry = ready.pop()) {
    ordered.push(entry);
    for (const parent of entry.present) {
      const left = children.get(parent)! - 1;
      children.set(parent, left);
      const found = byChecksum.get(parent);
      if (left === 0 && found !== undefined) ready.push(found);
    }
  }
  return ordered;
}

function takeNewest(open: LogEntry[]): LogEntry {
  let newest = 0;
  for (const [index, { commit }] of open.entries()) if (commit.timestamp > open[newest]!.commit.timestamp) newest = index;
  return open.splice(newest, 1)[0]!;
}
