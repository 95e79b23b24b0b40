/**
 * The fstab of a system that moves to another disk: the new disk's file systems, and of the old lines those that do not depend on
 * the old one. Lines for other file systems of the old disk stay as comments, since a boot would wait for them in vain.
 */
import { type FstabEntry, type FstabLine, formatFstab, parseFstab } from "../codec/fstab.ts";
import { driverOf } from "../disk/file-systems.ts";
import type { DiskPlan, PlannedPartition } from "../disk/plan-disk.ts";

const ABSENT = "# Not on this disk: ";

export function installFstab(existing: string, plan: DiskPlan): string {
  const planned = plannedEntries(plan);
  const targets = new Set(planned.map((entry) => entry.target));
  const kept = parseFstab(existing).flatMap((line): FstabLine[] => {
    if (typeof line === "string" || !isOnOldDisk(line)) return [line];
    return targets.has(line.target) ? [] : [`${ABSENT}${formatFstab([line]).trimEnd()}`];
  });
  return formatFstab([...kept, ...planned]);
}

function plannedEntries(plan: DiskPlan): FstabEntry[] {
  return plan.partitions.flatMap(entriesOf).sort((a, b) => (a.target < b.target ? -1 : 1));
}

function entriesOf(partition: PlannedPartition): FstabEntry[] {
  const { id, type, mounts } = partition.fileSystem;
  const { fstab } = driverOf(type);
  return mounts.map((mount) => ({
    source: `UUID=${id}`,
    target: mount.path,
    type: fstab.type,
    options: [...mount.options, ...(mount.subvolume === undefined ? [] : [`subvol=${mount.subvolume}`])],
    dump: 0,
    pass: fstab.pass,
  }));
}

function isOnOldDisk(entry: FstabEntry): boolean {
  return /^(?:UUID|LABEL|PARTUUID|PARTLABEL|ID)=|^\/dev\//.test(entry.source);
}
