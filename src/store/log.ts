/** History: a commit, its parent, its parent's parent, as far as the repository has them; newest first where several lines meet. */
import type { Checksum } from "../codec/ostree/checksum.ts";
import type { Commit } from "../codec/ostree/commit.ts";
import { hasObject, loadCommit } from "./object-files.ts";
import type { Repository } from "./repository.ts";

export interface LogEntry {
  readonly checksum: Checksum;
  readonly commit: Commit;
  /** Its parent is known by checksum, but not in the repository: it was pruned, or never fetched. */
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
    const parentMissing = commit.parent !== undefined && !hasObject(repository, "commit", commit.parent);
    open.push({ checksum, commit, parentMissing });
  };
  for (const start of starts) add(start);
  while (open.length > 0) {
    const entry = takeNewest(open);
    yield entry;
    if (entry.commit.parent !== undefined && !entry.parentMissing) add(entry.commit.parent);
  }
}

function takeNewest(open: LogEntry[]): LogEntry {
  let newest = 0;
  for (const [index, { commit }] of open.entries()) if (commit.timestamp > open[newest]!.commit.timestamp) newest = index;
  return open.splice(newest, 1)[0]!;
}
