/** Keeping what a scan has learnt for the next one. */
import { RegrowError } from "../../base/errors.ts";
import { notice } from "../../base/events.ts";
import type { Stat } from "../../sys/stat.ts";
import { identityOf } from "../tree/write-tree.ts";
import { type KnownFolder, encodeFolders } from "./folder-cache.ts";
import { isWorthSaving } from "./object-folders.ts";
import { scanFingerprint } from "./scan-options.ts";
import { type Scan, namesOf } from "./scan-state.ts";
import { saveStatCache } from "./stat-cache.ts";

/** The cache is written anew only where the next scan gains from it. */
export function keepCache(scan: Scan, asScanned: boolean): void {
  const { request, builder, folders } = scan;
  if (!request.useCache || request.repository === undefined || !hasLearnt(scan, asScanned)) return;
  try {
    const tree = encodeFolders(asScanned ? identifiedFolders(scan) : [], scan.startedAt);
    saveStatCache(request.repository, scan.rootStat, scanFingerprint(request.options), { builder, folders, tree });
  } catch (error) {
    // Without it the next scan takes longer, and that is all. A comparison must work on a repository that is only for reading.
    if (!(error instanceof RegrowError)) throw error;
    notice(request.observer, "cache", `the stat cache was not written: ${error.message}`, error.path);
  }
}

function hasLearnt(scan: Scan, asScanned: boolean): boolean {
  const { cache, counts, builder, folders, request } = scan;
  if (counts.hashed > 0 || cache === undefined || cache.count !== builder.count) return true;
  // Without a transaction it was not looked whether the objects are there.
  return request.transaction !== undefined && (isWorthSaving(cache.folders, folders) || (asScanned && knowsMoreFolders(scan)));
}

/** Whether so many folders had to be written anew that the next scan gains from knowing them. */
function knowsMoreFolders({ seen }: Scan): boolean {
  let unknown = 0;
  for (const { known } of seen.values()) if (known === undefined) unknown++;
  return unknown > seen.size / 8;
}

function identifiedFolders(scan: Scan): [Stat, KnownFolder][] {
  return [...scan.seen].flatMap(([folder, seen]): [Stat, KnownFolder][] => {
    const identity = identityOf(folder);
    return identity === undefined ? [] : [[seen.stat, { identity, names: namesOf(scan, folder, seen) }]];
  });
}
