/**
 * How much of a history keeps its trees: so many of the newest commits, and one for each of so many hours, days, weeks, months and
 * years. As text and as data it has the names that restic and borg use.
 */
import { RegrowError } from "../../base/errors.ts";

export const RETENTION_RULES = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type RetentionRule = (typeof RETENTION_RULES)[number];

/** How many each rule keeps; a rule that is absent, or 0, keeps none. */
export type RetentionPolicy = Readonly<Partial<Record<RetentionRule, number>>>;

/** Whether it has no rule at all: then it would keep nothing but what is never thinned. */
export function isEmptyPolicy(policy: RetentionPolicy): boolean {
  return RETENTION_RULES.every((rule) => (policy[rule] ?? 0) === 0);
}

/** The policy that a configuration holds: a table of rules with whole numbers. `where` names it in errors. Throws `usage`. */
export function parseRetentionPolicy(value: unknown, where: string): RetentionPolicy {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badPolicy(`${where}: not a table of rules.`);
  const policy: Partial<Record<RetentionRule, number>> = {};
  for (const [name, count] of Object.entries(value)) {
    const rule = RETENTION_RULES.find((candidate) => candidate === name);
    if (rule === undefined) throw badPolicy(`${where}: there is no rule called "${name}".`);
    const number = typeof count === "bigint" ? Number(count) : (count as unknown);
    if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 0) {
      throw badPolicy(`${where}: ${name} is not a whole number from 0 on.`);
    }
    policy[rule] = number;
  }
  if (isEmptyPolicy(policy)) throw badPolicy(`${where}: the policy keeps nothing.`);
  return policy;
}

function badPolicy(message: string): RegrowError {
  return new RegrowError("usage", message, { hint: `Rules are ${RETENTION_RULES.join(", ")}; one at least must not be 0.` });
}
