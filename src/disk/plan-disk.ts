/**
 * From a layout and a size to numbers: every partition's place in sectors, every identity. Pure, so the same arguments give
 * the same plan, and what `--dry-run` shows is what will be written.
 *
 * Partitions begin and end on a multiple of 1 MiB; the first MiB and the last belong to the table and its copy.
 */
import { RegrowError } from "../base/errors.ts";
import { formatSize } from "../base/units.ts";
import type { FileSystemWish, Layout, PartitionRole, PartitionWish } from "./layout.ts";

/** Bytes. */
export interface DiskGeometry {
  readonly size: number;
  /** The logical sector: 512, or 4096. */
  readonly sectorSize: number;
}

/** The identities that the disk will have, chosen before anything is written. */
export interface DiskIdentities {
  /** UUID of the partition table. */
  readonly disk: string;
  readonly partitions: Readonly<Partial<Record<PartitionRole, PartitionIdentities>>>;
}

export interface PartitionIdentities {
  /** UUID in the table (PARTUUID). */
  readonly partition: string;
  /** As `UUID=` in fstab names it: a UUID in small letters, for FAT `1234-ABCD`. */
  readonly fileSystem: string;
}

export interface DiskPlan {
  readonly layout: string;
  readonly geometry: DiskGeometry;
  readonly id: string;
  readonly partitions: readonly PlannedPartition[];
}

export interface PlannedPartition {
  /** Counted from 1. */
  readonly number: number;
  readonly role: PartitionRole;
  readonly label: string;
  readonly id: string;
  readonly startSector: number;
  readonly sectorCount: number;
  readonly fileSystem: PlannedFileSystem;
}

export interface PlannedFileSystem extends FileSystemWish {
  readonly id: string;
  readonly bytes: number;
}

const ALIGNMENT = 2 ** 20;

/** Throws `no-space` where the layout doesn't fit, and `usage` on a layout or identities that can't be. */
export function planDisk(layout: Layout, geometry: DiskGeometry, identities: DiskIdentities): DiskPlan {
  checkLayout(layout);
  // The copy of the table takes less than the last MiB, whatever the size of a sector.
  const end = Math.floor(geometry.size / ALIGNMENT) * ALIGNMENT - ALIGNMENT;
  let at = ALIGNMENT;
  const partitions = layout.partitions.map((wish, index): PlannedPartition => {
    const bytes = wish.size === "rest" ? end - at : wish.size;
    if (at + bytes > end || bytes < wish.smallest) throw tooSmall(layout, geometry);
    const ids = identities.partitions[wish.role];
    if (ids === undefined) throw new RegrowError("usage", `No identities were given for the partition ${wish.role}.`);
    const startSector = at / geometry.sectorSize;
    at += bytes;
    return {
      number: index + 1,
      role: wish.role,
      label: wish.label,
      id: ids.partition,
      startSector,
      sectorCount: bytes / geometry.sectorSize,
      fileSystem: { ...wish.fileSystem, id: ids.fileSystem, bytes },
    };
  });
  return { layout: layout.name, geometry, id: identities.disk, partitions };
}

/** The smallest disk that the layout fits on, in bytes. */
export function smallestDisk(layout: Layout): number {
  return layout.partitions.reduce((sum, wish) => sum + leastBytes(wish), 2 * ALIGNMENT);
}

/** The partition of that role. Throws `usage` where the plan has none. */
export function partitionOf(plan: DiskPlan, role: PartitionRole): PlannedPartition {
  const found = plan.partitions.find((partition) => partition.role === role);
  if (found === undefined) throw new RegrowError("usage", `The layout ${plan.layout} has no partition ${role}.`);
  return found;
}

function checkLayout(layout: Layout): void {
  const roles = layout.partitions.map((wish) => wish.role);
  const rest = layout.partitions.findIndex((wish) => wish.size === "rest");
  const faults = [
    new Set(roles).size !== roles.length && "has a role twice",
    rest >= 0 && rest !== layout.partitions.length - 1 && "has partitions behind the one that takes the rest",
    layout.partitions.some((wish) => wish.size !== "rest" && wish.size % ALIGNMENT !== 0) &&
      "has a size that is no multiple of 1 MiB",
    layout.partitions.some((wish) => !/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,36}$/.test(wish.label)) &&
      "has a label that no table can hold",
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new RegrowError("usage", `The layout ${layout.name} ${faults.join(" and ")}.`);
}

function leastBytes(wish: PartitionWish): number {
  return wish.size === "rest" ? Math.ceil(wish.smallest / ALIGNMENT) * ALIGNMENT : wish.size;
}

function tooSmall(layout: Layout, geometry: DiskGeometry): RegrowError {
  const least = smallestDisk(layout);
  const message = `A disk of ${formatSize(geometry.size)} is too small for the layout ${layout.name}, which needs ${formatSize(least)}.`;
  return new RegrowError("no-space", message, {
    hint: `Choose a disk, or an image size, of at least ${Math.ceil(least / 2 ** 20)}M.`,
  });
}
