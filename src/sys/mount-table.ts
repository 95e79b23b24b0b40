/** What is mounted where, as this process sees it. */
import { realpathSync } from "node:fs";
import { type MountEntry, parseMountTable } from "../codec/mount-table.ts";
import { fromNodeError } from "./native.ts";
import { CWD } from "./open.ts";
import { readFileAt } from "./read-file.ts";

export function readMountTable(): MountEntry[] {
  return parseMountTable(readFileAt(CWD, "/proc/self/mountinfo").toString("latin1"));
}

/** The absolute path without links, as the kernel's tables have it. Throws SystemError. */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    throw fromNodeError(error, path);
  }
}
