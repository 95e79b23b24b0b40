/** Writing a plan's partition table with sfdisk, and reading back that it is there as planned. */
import { RegrowError } from "../base/errors.ts";
import type { Observer } from "../base/events.ts";
import { runProgram } from "../sys/run-program.ts";
import type { PartitionRole } from "./layout.ts";
import type { DiskPlan } from "./plan-disk.ts";

export const TABLE_PROGRAMS: readonly string[] = ["sfdisk"];

// Discoverable Partitions Specification; the root's type says its processor.
const TYPES: Record<PartitionRole, Readonly<Record<string, string>>> = {
  esp: { any: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" },
  root: {
    x64: "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
    arm64: "B921B045-1DF0-41C3-AF44-4C6F280D3FAE",
    any: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
  },
};

/**
 * Replaces whatever table is on the disk or image at `path` and takes the marks of old file systems away. The kernel is not
 * told. Throws `program-failed`, and `corrupt` where another table is read back.
 */
export async function writePartitionTable(path: string, plan: DiskPlan, observer: Observer): Promise<void> {
  const args = ["--quiet", "--wipe=always", "--wipe-partitions=always", "--no-reread", "--no-tell-kernel", path];
  await runProgram({ program: "sfdisk", args, effect: "change", signal: observer.signal }, sfdiskScript(plan));
  const { stdout } = await runProgram({ program: "sfdisk", args: ["--json", path], effect: "read", signal: observer.signal });
  compare(plan, stdout.toString("utf8"), path);
}

/** The plan as sfdisk(8) reads it. */
export function sfdiskScript(plan: DiskPlan, architecture: string = process.arch): string {
  const header = ["label: gpt", `label-id: ${plan.id}`, "unit: sectors", `sector-size: ${plan.geometry.sectorSize}`, ""];
  const lines = plan.partitions.map((partition) =>
    [
      `start=${partition.startSector}`,
      `size=${partition.sectorCount}`,
      `type=${TYPES[partition.role][architecture] ?? TYPES[partition.role]["any"]}`,
      `uuid=${partition.id}`,
      `name="${partition.label}"`,
    ].join(", "),
  );
  return [...header, ...lines, ""].join("\n");
}

interface SfdiskDump {
  readonly partitiontable: { readonly id: string; readonly partitions: readonly { start: number; size: number; uuid: string }[] };
}

function compare(plan: DiskPlan, json: string, path: string): void {
  const { partitiontable: table } = JSON.parse(json) as SfdiskDump;
  const found = [table.id, ...table.partitions.map((one) => `${one.uuid} ${one.start}+${one.size}`)].join(", ").toLowerCase();
  const wanted = [plan.id, ...plan.partitions.map((one) => `${one.id} ${one.startSector}+${one.sectorCount}`)]
    .join(", ")
    .toLowerCase();
  if (found === wanted) return;
  const message = `${path}: the partition table reads back as ${found}, not as the planned ${wanted}.`;
  throw new RegrowError("corrupt", message, { path, hint: "The disk may be failing: look at the kernel log." });
}
