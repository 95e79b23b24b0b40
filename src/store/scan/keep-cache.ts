/** Keeping what a scan has learnt for the next one. */
import { RegrowError } from "../../base/errors.ts";
import { notice } from "../../base/events.ts";
import { isWorthSaving } from "./object-folders.ts";
import { scanFingerprint } from "./scan-options.ts";
import type { Scan } from "./scan-state.ts";
import { saveStatCache } from "./stat-cache.ts";

/** The cache is written anew only where the next scan gains from it. */
export function keepCache(scan: Scan): void {
  const { request, builder } = scan;
  if (!request.useCache || request.repository === undefined || !hasLearnt(scan)) return;
  try {
    saveStatCache(request.repository, scan.rootStat, scanFingerprint(request.options), { builder, folders: scan.folders });
  } catch (error) {
    // Without it the next scan takes longer, and that is all. A comparison must work on a repository that is only for reading.
    if (!(error instanceof RegrowError)) throw error;
    notice(request.observer, "cache", `the stat cache was not written: ${error.message}`, error.path);
  }
}

function hasLearnt({ cache, counts, builder, folders, request }: Scan): boolean {
  if (counts.hashed > 0 || cache === undefined || cache.count !== builder.count) return true;
  // Without a transaction it was not looked whether the objects are there.
  return request.transaction !== undefined && isWorthSaving(cache.folders, folders);
}
