/** A stretch of a disk, image or partition, in bytes: what a file system is made in. */
import type { DiskPlan, PlannedPartition } from "./plan-disk.ts";

export interface Region {
  /** The image or the block device. */
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Where a partition is on the whole disk or image at `path`. */
export function regionOf(path: string, plan: DiskPlan, partition: PlannedPartition): Region {
  const { sectorSize } = plan.geometry;
  return { path, offset: partition.startSector * sectorSize, length: partition.sectorCount * sectorSize };
}
