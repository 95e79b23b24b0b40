/** btrfs on a stretch of a disk or image: made with its subvolumes, then opened without a mount point. */
import type { Observer } from "../base/events.ts";
import { type LoopDevice, attachLoop } from "../sys/loop-device.ts";
import { mountUnnamed } from "../sys/mount.ts";
import { CWD, O, closeFd, openAt } from "../sys/open.ts";
import { runProgram } from "../sys/run-program.ts";
import type { FileSystemDriver, OpenTree } from "./file-system-driver.ts";
import type { PlannedFileSystem } from "./plan-disk.ts";
import type { Region } from "./region.ts";

const MiB = 2 ** 20;

export const BTRFS: FileSystemDriver = {
  programs: ["mkfs.btrfs", "btrfs"],
  fstab: { type: "btrfs", pass: 0 },
  // Metadata is kept twice; small files sit in it. The rest is what btrfs reserves for itself and a little room to work.
  spaceFor: (contentBytes, entries) => Math.ceil(contentBytes * 1.05) + entries * 4096 + 256 * MiB,
  make,
  openTree,
};

async function make(region: Region, plan: PlannedFileSystem, observer: Observer): Promise<void> {
  await withDevice(region, async (device) => {
    const args = ["--quiet", "--force", "--uuid", plan.id, "--label", plan.label, device.path];
    await runProgram({ program: "mkfs.btrfs", args, effect: "change", signal: observer.signal });
    const mount = mountUnnamed({ type: "btrfs", source: device.path });
    try {
      for (const { subvolume } of plan.mounts) {
        if (subvolume === undefined) continue;
        const create = ["subvolume", "create", `./${subvolume}`];
        await runProgram({ program: "btrfs", args: create, effect: "change", folderFd: mount.fd, signal: observer.signal });
      }
    } finally {
      mount.unmount();
    }
  });
}

async function openTree(region: Region, plan: PlannedFileSystem): Promise<OpenTree> {
  const [{ subvolume }] = plan.mounts;
  const device = attach(region);
  try {
    const mount = mountUnnamed({
      type: "btrfs",
      source: device.path,
      options: subvolume === undefined ? {} : { subvol: subvolume },
    });
    return { fd: mount.fd, close: () => closeAll(mount.unmount, device) };
  } catch (error) {
    await device.detach();
    throw error;
  }
}

async function closeAll(unmount: () => void, device: LoopDevice): Promise<void> {
  try {
    unmount();
  } finally {
    await device.detach();
  }
}

async function withDevice(region: Region, use: (device: LoopDevice) => Promise<void>): Promise<void> {
  const device = attach(region);
  try {
    await use(device);
  } finally {
    await device.detach();
  }
}

function attach(region: Region): LoopDevice {
  const fd = openAt(CWD, region.path, O.RDWR);
  try {
    return attachLoop(fd, region);
  } finally {
    closeFd(fd);
  }
}
