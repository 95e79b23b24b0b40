/** The file systems that a boot loader of this machine may read from, as far as they are at hand, and what it finds there. */
import { bytesOf } from "../../../base/byte-string.ts";
import { RegrowError } from "../../../base/errors.ts";
import type { DeviceName } from "../../../codec/blkid.ts";
import type { MountEntry } from "../../../codec/mount-table.ts";
import { btrfsUuid } from "../../../sys/btrfs/file-system-uuid.ts";
import { tryStatInRoot } from "../../../sys/look-in-root.ts";
import { O, closeFd, openInRoot } from "../../../sys/open.ts";
import type { Machine } from "../../sysroot/machine.ts";
import type { BootFile } from "../facts.ts";

export interface BootVolume {
  /** In lower case; undefined where it is not known. */
  readonly uuid: string | undefined;
  /** Open folders from which a boot loader's path may start. */
  readonly starts: readonly number[];
  /** Where it is mounted in the machine: "" is the root. */
  readonly mountPoint: string;
}

/** Where the firmware's partition, and a /boot of its own, are mounted. */
export const BOOT_MOUNTS = ["boot", "boot/efi", "efi", "boot/firmware"];

/** Runs `work` with the volumes, whose folders are open meanwhile. */
export async function withBootVolumes<T>(
  machine: Machine,
  devices: readonly DeviceName[],
  work: (volumes: readonly BootVolume[]) => T | Promise<T>,
): Promise<T> {
  const open: number[] = [];
  try {
    const { btrfs, rootFd, mount, mounts } = machine;
    const starts = btrfs === undefined ? [rootFd] : [btrfs.topFd, rootFd];
    const rootUuid = rootUuidOf(machine, devices);
    const volumes: BootVolume[] = [{ uuid: rootUuid, starts, mountPoint: "" }];
    for (const path of BOOT_MOUNTS) {
      const entry = mounts.get(bytesOf(path));
      if (entry === undefined) continue;
      const fd = tryOpenFolder(rootFd, path);
      if (fd === undefined) continue;
      open.push(fd);
      const isOfRoot = btrfs !== undefined && entry.type === "btrfs" && entry.source === mount.source;
      const uuid = isOfRoot ? rootUuid : uuidOfMount(entry, devices);
      volumes.push({ uuid, starts: isOfRoot ? [btrfs.topFd, fd] : [fd], mountPoint: path });
    }
    return await work(volumes);
  } finally {
    for (const fd of open) closeFd(fd);
  }
}

/** Of the file system of the root. */
export function rootUuidOf({ btrfs, mount }: Machine, devices: readonly DeviceName[]): string | undefined {
  return btrfs === undefined ? uuidOfMount(mount, devices) : btrfsUuid(btrfs.topFd);
}

/** `uuid`: the file system that the path is on; undefined tries all. A path may have `($root)` in front. */
export function findBootFile(volumes: readonly BootVolume[], uuid: string | undefined, path: string): BootFile {
  const plain = path.replace(/^\(\$\{?root\}?\)/, "");
  const among = uuid === undefined ? volumes : volumes.filter((volume) => volume.uuid === uuid.toLowerCase());
  // Another disk, or a variable: only the boot loader knows.
  if (among.length === 0 || !plain.startsWith("/") || /[$(]/.test(plain)) return { path, state: "unseen" };
  const states = among.flatMap(({ starts }) => starts.map((fd) => stateAt(fd, plain)));
  const best = (["there", "empty", "unseen"] as const).find((state) => states.includes(state));
  return { path, state: best ?? "missing" };
}

function stateAt(fd: number, path: string): BootFile["state"] {
  try {
    const stat = tryStatInRoot(fd, bytesOf(path.replace(/^\/+/, "")));
    if (stat === undefined) return "missing";
    return stat.size === 0 ? "empty" : "there";
  } catch (error) {
    if (error instanceof RegrowError) return "unseen";
    throw error;
  }
}

function uuidOfMount({ source }: MountEntry, devices: readonly DeviceName[]): string | undefined {
  return devices.find(({ device, uuid }) => device === source && uuid !== undefined)?.uuid?.toLowerCase();
}

function tryOpenFolder(rootFd: number, path: string): number | undefined {
  try {
    return openInRoot(rootFd, bytesOf(path), O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (error instanceof RegrowError) return undefined;
    throw error;
  }
}
