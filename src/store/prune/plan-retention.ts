/**
 * Which commits of a history keep their trees under a policy, as a pure decision. Each line of history (a branch; a tag that no branch
 * leads to) is judged for itself, and what one line keeps stays.
 *
 * The commits of a line are gone through from the newest to the oldest; where the times are the same, in the order in which they are given.
 * `last` keeps the first ones. Each other rule keeps the newest commit of each period, for as many periods that have commits; a rule
 * that has not found as many keeps the oldest commit too, so that a young history does not lose its beginning. Every rule counts for
 * itself, whatever the others keep.
 *
 * A period is one of the local time, as the clock on the wall showed it at the commit's own time:
 *   hourly   an hour of that clock. Where it is put back, the hour that comes twice is two; where it is put forward, there is none
 *   daily    from midnight to midnight, so 23 or 25 hours on the days when the clock is changed
 *   weekly   a week of ISO 8601, Monday to Sunday; the days around New Year belong to one week, whatever the year
 *   monthly, yearly   of the calendar
 *
 * A commit that is later than now was made under a wrong clock: it stays, and takes nobody's place. One that has no tree any more has
 * nothing to be kept, and takes nobody's place either.
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { RETENTION_RULES, type RetentionPolicy, type RetentionRule } from "./retention-policy.ts";

export interface RetentionCommit {
  readonly commit: Checksum;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** The lines of history that it belongs to. */
  readonly lines: readonly string[];
  /** It has its tree. */
  readonly isWhole: boolean;
  /** Why it stays whatever the policy says: `branch main`, `tag v1`, `deployed`. */
  readonly needed: readonly string[];
}

export interface RetentionDecision {
  readonly commit: Checksum;
  readonly timestamp: number;
  /** What keeps it: reasons as they were given, `last`, `daily`, `monthly (oldest)`, `later than now`. Empty: its tree may go. */
  readonly keptBy: readonly string[];
}

/** Seconds that local time is ahead of UTC at a time in seconds since 1970. */
export type LocalOffset = (timestamp: number) => number;

/** One decision for each commit that has its tree, in the order given. `now` in seconds since 1970; the zone is this process's own. */
export function planRetention(
  commits: readonly RetentionCommit[],
  policy: RetentionPolicy,
  now: number,
  offsetAt: LocalOffset = offsetOfProcess,
): RetentionDecision[] {
  const whole = commits.filter(({ isWhole }) => isWhole);
  const reasons = new Map(whole.map(({ commit, needed }) => [commit, new Set(needed)]));
  const add = (commit: Checksum, reason: string): void => void reasons.get(commit)!.add(reason);
  for (const { commit, timestamp } of whole) if (timestamp > now) add(commit, "later than now");
  const past = whole.filter(({ timestamp }) => timestamp <= now).toSorted((a, b) => b.timestamp - a.timestamp);
  for (const line of new Set(whole.flatMap(({ lines }) => lines))) {
    const members = past.filter(({ lines }) => lines.includes(line));
    for (const rule of RETENTION_RULES) applyRule(members, rule, policy[rule] ?? 0, offsetAt, add);
  }
  return whole.map(({ commit, timestamp }) => ({ commit, timestamp, keptBy: [...reasons.get(commit)!] }));
}

/** `members` from the newest to the oldest. */
function applyRule(
  members: readonly RetentionCommit[],
  rule: RetentionRule,
  count: number,
  offsetAt: LocalOffset,
  add: (commit: Checksum, reason: string) => void,
): void {
  if (count === 0) return;
  if (rule === "last") return members.slice(0, count).forEach(({ commit }) => add(commit, rule));
  const seen = new Set<number>();
  const kept = new Set<Checksum>();
  for (const { commit, timestamp } of members) {
    if (seen.size === count) return;
    const period = periodOf(rule, timestamp, offsetAt(timestamp));
    if (seen.has(period)) continue;
    seen.add(period);
    kept.add(commit);
    add(commit, rule);
  }
  const oldest = members.at(-1);
  if (oldest !== undefined && seen.size < count && !kept.has(oldest.commit)) add(oldest.commit, `${rule} (oldest)`);
}

const DAY = 86_400;
/** 1970-01-01 was a Thursday, and weeks begin on Monday. */
const DAYS_INTO_WEEK = 3;

/** A number that the times of one period share, and no others. */
function periodOf(rule: Exclude<RetentionRule, "last">, timestamp: number, offset: number): number {
  const local = timestamp + offset;
  const day = Math.floor(local / DAY);
  // An hour that comes twice has two offsets, of which none is larger than 16 hours.
  if (rule === "hourly") return Math.floor(local / 3600) * 2 ** 18 + (offset + 2 ** 17);
  if (rule === "daily") return day;
  if (rule === "weekly") return Math.floor((day + DAYS_INTO_WEEK) / 7);
  const date = new Date(day * DAY * 1000);
  return rule === "monthly" ? date.getUTCFullYear() * 12 + date.getUTCMonth() : date.getUTCFullYear();
}

function offsetOfProcess(timestamp: number): number {
  return new Date(timestamp * 1000).getTimezoneOffset() * -60;
}
