/** What a plan looks at before anything is written. */
import { type ErrorCode, RegrowError } from "../base/errors.ts";

/** One thing that has to be so before anything is written. */
export interface Check {
  readonly name: string;
  /** What was found, in one line. */
  readonly finding: string;
  /** Present where the check fails. */
  readonly problem?: { readonly code: ErrorCode; readonly message: string; readonly hint: string };
}

/** Throws the problem of the first check that fails; `path` is what the plan is about. */
export function requirePassed(checks: readonly Check[], path: string): void {
  for (const { problem } of checks) {
    if (problem !== undefined) throw new RegrowError(problem.code, problem.message, { path, hint: problem.hint });
  }
}
