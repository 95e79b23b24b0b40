/** How full a file system is, and whether it is btrfs. */
import { type StatsFs, statfsSync } from "node:fs";
import { fromNodeError } from "./native.ts";

/** Bytes: in all, free for this process, and in use; some may be kept for root. */
export interface Space {
  readonly total: number;
  readonly available: number;
  readonly used: number;
}

/** Of the file system that holds the open file. Throws SystemError. */
export function spaceOf(fd: number): Space {
  const stats = statsOf(fd);
  const used = (stats.blocks - stats.bfree) * stats.bsize;
  return { total: stats.blocks * stats.bsize, available: stats.bavail * stats.bsize, used };
}

/** Whether the open file is on btrfs. Throws SystemError. */
export function isOnBtrfs(fd: number): boolean {
  return statsOf(fd).type === BTRFS_SUPER_MAGIC;
}

/** What statfs(2) calls the type of the file system that holds the open file. Throws SystemError. */
export function fileSystemMagic(fd: number): number {
  return statsOf(fd).type;
}

/** Whether files there can share blocks: btrfs, xfs, bcachefs. Throws SystemError. */
export function canShareBlocks(fd: number): boolean {
  return [BTRFS_SUPER_MAGIC, 0x58465342, 0xca451a4e].includes(statsOf(fd).type);
}

const BTRFS_SUPER_MAGIC = 0x9123683e;

function statsOf(fd: number): StatsFs {
  try {
    return statfsSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    throw fromNodeError(error);
  }
}
