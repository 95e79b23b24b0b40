/** A fact that may be out of reach: then it is known why, and all else goes on. */
import { RegrowError } from "../../base/errors.ts";
import { type Said, skipped, unseen } from "./finding.ts";

export type Looked<T> =
  | { readonly value: T }
  /** Why it could not be looked at. */
  | { readonly unseen: string }
  /** Why there is nothing to look at. */
  | { readonly skipped: string };

/** Runs `work`; an error other than a cancellation becomes the reason. */
export async function look<T>(what: string, work: () => T | Promise<T>): Promise<Looked<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof RegrowError) || error.code === "cancelled") throw error;
    return { unseen: `${what}: ${error.message}` };
  }
}

/** What `check` says of the value, or why there is none. */
export function ofSeen<T>(looked: Looked<T>, check: (value: T) => readonly Said[]): readonly Said[] {
  if ("value" in looked) return check(looked.value);
  return ["unseen" in looked ? unseen(looked.unseen) : skipped(looked.skipped)];
}

export function valueOf<T>(looked: Looked<T>): T | undefined {
  return "value" in looked ? looked.value : undefined;
}

/** What `work` gives, or what its error says. */
export function orReason<T>(work: () => T): T | { readonly reason: string } {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegrowError) return { reason: error.message };
    throw error;
  }
}
