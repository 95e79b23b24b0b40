/** How full a file system is. */
import { statfsSync } from "node:fs";
import { fromNodeError } from "./native.ts";

/** Bytes: in all, and free for this process. */
export interface Space {
  readonly total: number;
  readonly available: number;
}

/** Of the file system that holds the open file. Throws SystemError. */
export function spaceOf(fd: number): Space {
  try {
    const stats = statfsSync(`/proc/self/fd/${fd}`);
    return { total: stats.blocks * stats.bsize, available: stats.bavail * stats.bsize };
  } catch (error) {
    throw fromNodeError(error);
  }
}
