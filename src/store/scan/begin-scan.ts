/** The state that a scan begins with. */
import { statFd } from "../../sys/stat.ts";
import { noFolderTimes, readFolderTimes, untouchedFolders } from "./object-folders.ts";
import { scanFingerprint } from "./scan-options.ts";
import { type Scan, type ScanRequest, newScanCounts } from "./scan-state.ts";
import { loadStatCache, newStatCacheBuilder } from "./stat-cache.ts";

/** `rootFd`: the open folder; it stays the caller's. */
export function beginScan(request: ScanRequest, rootFd: number): Scan {
  const rootStat = statFd(rootFd);
  const { repository, transaction, options, useCache, isStill } = request;
  const cache = useCache && repository !== undefined ? loadStatCache(repository, rootStat, scanFingerprint(options)) : undefined;
  const startedAt = Date.now();
  const folders = useCache && transaction !== undefined ? readFolderTimes(transaction.repository, startedAt) : noFolderTimes();
  return {
    request,
    rootFd,
    rootStat,
    repositoryStat: repository === undefined ? undefined : statFd(repository.fd),
    cache,
    builder: newStatCacheBuilder(cache?.count),
    folders,
    vouched: untouchedFolders(cache?.folders, folders),
    counts: newScanCounts(),
    seen: new Map(),
    groups: new Map(),
    running: new Set(),
    startedAt: isStill === true ? Infinity : startedAt,
    flushed: new Set(),
    batch: [],
    batchFiles: 0,
    batchBytes: 0,
    failure: undefined,
    cacheHits: 0,
  };
}
