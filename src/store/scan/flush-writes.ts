/**
 * A program that has a file mapped into its memory may write into a page again and again, and only the first of these writes
 * changes the file's times: until the page has been flushed. So each file system is flushed once, after the moment that the scan
 * calls its start and before one of its files is looked at. What has older times than that start and is written to later, however
 * that is done, gets newer ones. (Files in memory, on tmpfs, are never flushed: for those no times help.)
 */
import { RegrowError } from "../../base/errors.ts";
import { notice } from "../../base/events.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import type { Stat } from "../../sys/stat.ts";
import type { Scan } from "./scan-state.ts";

/** Flushes the file system of an open folder, unless the scan has done so before. */
export function flushWrites(scan: Scan, fd: number, { devMajor, devMinor }: Stat): void {
  if (scan.request.isStill === true) return;
  const device = `${devMajor}:${devMinor}`;
  if (scan.flushed.has(device)) return;
  scan.flushed.add(device);
  try {
    syncFileSystem(fd);
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    // What can still be read is kept all the same, but nothing is taken for unchanged because of it.
    scan.startedAt = -Infinity;
    notice(scan.request.observer, "cache", `what was read is not remembered: ${error.message}`, error.path);
  }
}
