/** What is mounted where, as this process sees it. */
import { realpathSync } from "node:fs";
import { type MountEntry, parseMountTable } from "../codec/mount-table.ts";
import { fromNodeError } from "./native.ts";
import { readProcFile } from "./read-file.ts";

export function readMountTable(): MountEntry[] {
  return parseMountTable(readProcFile("/proc/self/mountinfo"));
}

/** The absolute path without links, as the kernel's tables have it. Throws SystemError. */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    throw fromNodeError(error, path);
  }
}
