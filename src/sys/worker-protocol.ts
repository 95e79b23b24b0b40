/** What the pool and its workers say to each other: one request, one answer, in order; and at last that it is the end. */
import type { PackedError } from "./worker-errors.ts";

export interface JobRequest {
  readonly kind: string;
  readonly job: unknown;
}

export type JobAnswer = { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: PackedError };

/** To a worker: it ends itself when it hears it. */
export const END = "end";
