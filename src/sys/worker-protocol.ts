/** What the pool and its workers say to each other: one request, one answer, in order. */
import type { PackedError } from "./worker-errors.ts";

export interface JobRequest {
  readonly kind: string;
  readonly job: unknown;
}

export type JobAnswer = { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: PackedError };
