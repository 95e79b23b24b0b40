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

/** All commits that lead to `starts`, each once: along each line from child to parent, the lines merged by time. Throws `not-found`, `corrupt`. */
export function* history(repository: Repository, starts: readonly Checksum[]): Generator<LogEntry> {
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
    for (const parent of entry.present) add(parent);
  }
}

function takeNewest(open: LogEntry[]): LogEntry {
  let newest = 0;
  for (const [index, { commit }] of open.entries()) if (commit.timestamp > open[newest]!.commit.timestamp) newest = index;
  return open.splice(newest, 1)[0]!;
}
