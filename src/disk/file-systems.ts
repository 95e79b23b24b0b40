/**
 * The file systems that a layout can ask for, each by what it can do: hold boot files, hold a whole tree. A caller asks for the
 * capability, never for the name.
 */
import { RegrowError } from "../base/errors.ts";
import type { Observer } from "../base/events.ts";
import { BTRFS } from "./btrfs-file-system.ts";
import { FAT } from "./fat-file-system.ts";
import type { FileSystemDriver, FileToPut, OpenTree } from "./file-system-driver.ts";
import type { FileSystemType } from "./layout.ts";
import type { PlannedFileSystem } from "./plan-disk.ts";
import type { Region } from "./region.ts";

const DRIVERS: Record<FileSystemType, FileSystemDriver> = { fat: FAT, btrfs: BTRFS };

export function driverOf(type: FileSystemType): FileSystemDriver {
  return DRIVERS[type];
}

/** Throws `unsupported` where the file system can't be written file by file. */
export async function putFile(region: Region, plan: PlannedFileSystem, file: FileToPut, observer: Observer): Promise<void> {
  const { putFile: put } = DRIVERS[plan.type];
  if (put === undefined) throw new RegrowError("unsupported", `${plan.type}: boot files can't be put onto this file system.`);
  await put(region, file, observer);
}

/** Throws `unsupported` where the file system can't hold a system's tree. */
export async function openTree(region: Region, plan: PlannedFileSystem, observer: Observer): Promise<OpenTree> {
  const { openTree: open } = DRIVERS[plan.type];
  if (open === undefined) throw new RegrowError("unsupported", `${plan.type}: this file system can't hold a system's tree.`);
  return open(region, plan, observer);
}
