/** From facts to the plan of an install: pure, so the same request, facts and identities give the same plan. */
import { RegrowError } from "../base/errors.ts";
import { joinCommandLine } from "../codec/kernel-command-line.ts";
import { type DiskIdentities, type DiskPlan, partitionOf, planDisk } from "../disk/plan-disk.ts";
import { checkInstall } from "./install-checks.ts";
import { installFstab } from "./install-fstab.ts";
import type { InstallFacts, InstallPlan, InstallRequest, InstallWork } from "./install-plan.ts";

/** Throws `usage` on a request that can't be; everything about the machine and the tree becomes a check. */
export function planInstall(request: InstallRequest, facts: InstallFacts, identities: DiskIdentities): InstallPlan {
  const disk = tryPlanDisk(request, identities);
  const work = disk instanceof RegrowError ? undefined : planWork(request, facts, disk);
  const checks = checkInstall(request, facts, disk, work);
  return { target: request.target, replaces: facts.target.state !== "absent", source: facts.tree, checks, work };
}

function tryPlanDisk(request: InstallRequest, identities: DiskIdentities): DiskPlan | RegrowError {
  try {
    return planDisk(request.layout, { size: request.target.size, sectorSize: 512 }, identities);
  } catch (error) {
    if (error instanceof RegrowError && error.code === "no-space") return error;
    throw error;
  }
}

function planWork(request: InstallRequest, facts: InstallFacts, disk: DiskPlan): InstallWork | undefined {
  const { kernel, kernelFile, initrdFile, loaderProgram } = facts;
  if (kernel === undefined || kernelFile === undefined || initrdFile === undefined || loaderProgram === undefined)
    return undefined;
  const commandLine = joinCommandLine([...rootParameters(disk), ...request.kernelParameters]);
  const bootFiles = request.loader.planFiles({
    id: request.entryId,
    title: facts.title,
    version: kernel.release,
    kernel: kernelFile,
    initrd: initrdFile,
    commandLine,
    menuSeconds: request.menuSeconds,
    program: loaderProgram,
  });
  const mountPoints = disk.partitions.flatMap((partition) => partition.fileSystem.mounts.map((mount) => mount.path.slice(1)));
  const edits = {
    fstab: installFstab(facts.fstab, disk),
    folders: mountPoints.filter((path) => path !== ""),
    newMachineId: request.newMachineId,
  };
  return { disk, loader: request.loader.name, kernelRelease: kernel.release, commandLine, bootFiles, edits };
}

function rootParameters(disk: DiskPlan): string[] {
  const { fileSystem } = partitionOf(disk, "root");
  const { subvolume } = fileSystem.mounts[0];
  return [`root=UUID=${fileSystem.id}`, ...(subvolume === undefined ? [] : [`rootflags=subvol=${subvolume}`]), "rw"];
}
