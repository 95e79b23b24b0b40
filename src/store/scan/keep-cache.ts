/** Keeping what a scan has learnt for the next one. */
import { RegrowError } from "../../base/errors.ts";
import { notice } from "../../base/events.ts";
import { scanFingerprint } from "./scan-options.ts";
import type { Scan } from "./scan-state.ts";
import { saveStatCache } from "./stat-cache.ts";

/** The cache is written anew only where the next scan gains from it. */
export function keepCache(scan: Scan): void {
  const { request, cache, counts, builder } = scan;
  if (!request.useCache || request.repository === undefined || (counts.hashed === 0 && cache?.count === builder.count)) return;
  try {
    saveStatCache(request.repository, scan.rootStat, scanFingerprint(request.options), builder);
  } catch (error) {
    // Without it the next scan takes longer, and that is all. A comparison must work on a repository that is only for reading.
    if (!(error instanceof RegrowError)) throw error;
    notice(request.observer, "cache", `the stat cache was not written: ${error.message}`, error.path);
  }
}
