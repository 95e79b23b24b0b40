/** What a commit of a machine says of it: host, distribution, kernel, how it boots, what is mounted. */
import { displayBytes } from "../../base/byte-string.ts";
import { findKernels } from "../../boot/find-kernels.ts";
import type { Variant } from "../../codec/gvariant/value.ts";
import { osTitle, parseOsRelease } from "../../codec/os-release.ts";
import { readProcFile, tryReadInRoot } from "../../sys/read-file.ts";
import { folderReader } from "./folder-reader.ts";
import type { Machine } from "./machine.ts";

export interface MachineDescription {
  readonly host: string;
  readonly os: string;
  /** The version of the running kernel; undefined for a machine that doesn't run. */
  readonly runningKernel: string | undefined;
  /** The newest kernel that the tree can boot and has modules for. */
  readonly kernel: string | undefined;
  /** One a line: mount point, type and, on btrfs, the subvolume. */
  readonly layout: string;
}

export async function describeMachine(machine: Machine): Promise<MachineDescription> {
  const { rootFd, isLive } = machine;
  const text = (path: string): string | undefined => tryReadInRoot(rootFd, path)?.toString("utf8");
  const kernels = await findKernels(folderReader(rootFd));
  return {
    host: oneLine(text("etc/hostname")) || "localhost",
    os: osTitle(parseOsRelease(text("etc/os-release") ?? "")),
    runningKernel: isLive ? readProcFile("/proc/sys/kernel/osrelease").trim() : undefined,
    kernel: kernels.find(({ hasModules }) => hasModules)?.release,
    layout: layoutOf(machine),
  };
}

/** The file may hold anything, and this goes into a text. */
function oneLine(text: string | undefined): string {
  return (text ?? "")
    .trim()
    .split("\n")[0]!
    .replaceAll(/[^\x21-\x7e]/g, "")
    .slice(0, 64);
}

/** As metadata of a commit, under `regrow.machine.…`. */
export function machineMetadata({ host, os, runningKernel, kernel, layout }: MachineDescription): [string, Variant][] {
  const values = { host, os, "running-kernel": runningKernel, kernel, layout };
  return Object.entries(values).flatMap(([key, value]): [string, Variant][] =>
    value === undefined ? [] : [[`regrow.machine.${key}`, { type: "s", value }]],
  );
}

const ON_DISK = new Set(["btrfs", "ext2", "ext3", "ext4", "xfs", "vfat", "f2fs", "zfs", "bcachefs"]);

function layoutOf({ mount, mounts, btrfs }: Machine): string {
  const lines = [`/ ${mount.type}${btrfs === undefined ? "" : ` ${displayBytes(btrfs.rootPath)}`}`.trimEnd()];
  for (const [path, { type, root }] of mounts) {
    if (ON_DISK.has(type))
      lines.push(`/${displayBytes(path)} ${type}${type === "btrfs" ? ` ${displayBytes(root).slice(1)}` : ""}`);
  }
  return lines.join("\n");
}
