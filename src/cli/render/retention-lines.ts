/** What retention keeps and why, and what pins space, for people. */
import { formatSize } from "../../base/units.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { SpaceBounds } from "../../store/prune/object-space.ts";
import type { PinnedReport } from "../../store/prune/pinned-space.ts";
import type { RetentionDecision } from "../../store/prune/plan-retention.ts";
import { safeText } from "./safe-text.ts";

/** `kept 1a2b3c4d5e 2026-01-31 12:00 last, daily`; what goes is told with the result. */
export function keptLine({ commit, timestamp, keptBy }: RetentionDecision): string {
  return `kept ${commit.slice(0, 10)} ${minuteOf(timestamp)} ${keptBy.join(", ")}`;
}

export function boundsText({ least, most }: SpaceBounds): string {
  return least === most ? formatSize(most) : `${formatSize(least)} to ${formatSize(most)}`;
}

export function* pinnedLines(
  { commits, shared }: PinnedReport,
  names: ReadonlyMap<Checksum, readonly string[]>,
): Generator<string> {
  for (const { commit, timestamp, subject, own } of commits) {
    const named = names.get(commit);
    const label = named === undefined ? "" : ` (${named.join(", ")})`;
    yield `${boundsText(own).padStart(9)}  ${commit.slice(0, 10)} ${minuteOf(timestamp)}${label} ${safeText(subject)}`.trimEnd();
  }
  yield `${boundsText(shared).padStart(9)}  needed by several`;
}

/** Local time, which is the one that the rules go by. */
function minuteOf(timestamp: number): string {
  const date = new Date(timestamp * 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
