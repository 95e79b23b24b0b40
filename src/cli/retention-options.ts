/** A retention policy as options: `--keep-last=5 --keep-daily=7`, as restic and borg call them. */
import { RegrowError } from "../base/errors.ts";
import { type RetentionPolicy, isEmptyPolicy } from "../store/prune/retention-policy.ts";

export interface RetentionOptions {
  readonly keepLast?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
}

/** Undefined where none is given. Throws `usage` where all that are given are 0. */
export function policyOf(options: RetentionOptions): RetentionPolicy | undefined {
  const given = {
    last: options.keepLast,
    hourly: options.keepHourly,
    daily: options.keepDaily,
    weekly: options.keepWeekly,
    monthly: options.keepMonthly,
    yearly: options.keepYearly,
  };
  const policy = Object.fromEntries(Object.entries(given).filter(([, count]) => count !== undefined)) as RetentionPolicy;
  if (Object.keys(policy).length === 0) return undefined;
  if (!isEmptyPolicy(policy)) return policy;
  throw new RegrowError("usage", "The policy keeps nothing.", { hint: "Give one --keep-* at least a 1." });
}
