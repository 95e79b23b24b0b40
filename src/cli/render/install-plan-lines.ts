/** The plan of an install, for people. */
import { formatSize } from "../../base/units.ts";
import { formatCount } from "../../base/units.ts";
import type { InstallPlan } from "../../machine/install-plan.ts";

export function installPlanLines(plan: InstallPlan): string[] {
  const { work, source, target } = plan;
  const lines = [
    `${target.path}: ${formatSize(target.size)}, from ${source.name.slice(0, 12)} (${formatCount(source.entries)} entries, ${formatSize(source.bytes)})`,
  ];
  for (const [index, partition] of (work?.disk.partitions ?? []).entries()) {
    const { fileSystem } = partition;
    const size = partition.sectorCount * (work?.disk.geometry.sectorSize ?? 512);
    const mounts = fileSystem.mounts
      .map(({ path, subvolume }) => (subvolume === undefined ? path : `${path} (${subvolume})`))
      .join(", ");
    lines.push(
      `  partition ${index + 1}  ${partition.role.padEnd(5)} ${formatSize(size).padStart(8)}  ${fileSystem.type.padEnd(6)} ${mounts}`,
    );
  }
  if (work !== undefined) {
    lines.push(`  boots       ${work.kernelRelease} by ${work.loader}: ${work.commandLine}`);
    for (const file of work.bootFiles) lines.push(`  boot file   ${file.path}`);
  }
  for (const { name, finding, problem } of plan.checks)
    lines.push(`  ${problem === undefined ? "ok  " : "FAIL"}        ${name}: ${problem?.message ?? finding}`);
  return lines;
}
