/**
 * Whether a file's times can be trusted: within the granularity of the clock that stamps files, a later write might leave them as
 * they are.
 */
import type { Stat } from "../../sys/stat.ts";

/** Kernels stamp files with a clock that ticks every 1 to 10 ms; file systems without nanoseconds every 1 or 2 s. */
const FINE_GRANULARITY = 50;
const COARSE_GRANULARITY = 2100;

/** Whether a change after the time `moment` (milliseconds) would have given the file other times than these. */
export function changedBefore(stat: Stat, moment: number): boolean {
  const granularity = stat.ctimeNanoseconds === 0 ? COARSE_GRANULARITY : FINE_GRANULARITY;
  return stat.ctimeSeconds * 1000 + stat.ctimeNanoseconds / 1e6 + granularity <= moment;
}
