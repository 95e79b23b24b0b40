/** What a commit took in, in a sentence or two. */
import { formatCount, formatDuration, formatSize } from "../../base/units.ts";
import type { CommitResult } from "../../store/commit.ts";

type Counts = CommitResult["counts"];

export function commitCountsText({ counts, isNew }: CommitResult, seconds: number): string {
  const seen = `${countOf(counts.files, "file")} in ${countOf(counts.folders, "folder")}, ${formatSize(counts.bytes)}`;
  const stored = `${formatCount(counts.stagedFiles)} new (${formatSize(counts.stagedBytes)})`;
  const end = isNew ? stored : "nothing has changed";
  return `${seen}; ${formatCount(counts.hashed)} read, ${end}; ${formatDuration(seconds * 1000)}`;
}

/** Undefined where everything is in the commit. */
export function notStoredText({ sockets, vanished, torn }: Counts): string | undefined {
  const pieces: string[] = [];
  if (sockets > 0) pieces.push(`${countOf(sockets, "socket")} left out`);
  if (vanished > 0) pieces.push(`${countOf(vanished, "entry", "entries")} vanished meanwhile`);
  if (torn > 0) pieces.push(`${countOf(torn, "file")} changed while being read`);
  return pieces.length === 0 ? undefined : pieces.join(", ");
}

export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
