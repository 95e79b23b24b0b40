/** What is on which volume: the package database beside /usr, swap areas, and the programs that the setup needs. */
import { bytesOf } from "../../../base/byte-string.ts";
import { RegrowError } from "../../../base/errors.ts";
import type { DeviceName } from "../../../codec/blkid.ts";
import { tryStatInRoot } from "../../../sys/look-in-root.ts";
import { readProcFile } from "../../../sys/read-file.ts";
import { sameDevice } from "../../../sys/stat.ts";
import { swapStateOfDevice, swapStateOfFile } from "../../../sys/swap.ts";
import { PACKAGE_MANAGERS } from "../../setup/setup-facts.ts";
import type { Machine } from "../../sysroot/machine.ts";
import type { CommandLineFact, FstabFact, PackageFact, ProgramFacts, SwapFact } from "../facts.ts";
import { deviceOf } from "../device-names.ts";
import { distributionOf } from "./system-files.ts";

/** Undefined where there is no package database. */
export function gatherPackages(machine: Machine, fstab: readonly FstabFact[]): PackageFact | undefined {
  const { rootFd, config } = machine;
  const database = PACKAGE_MANAGERS.map(([, folder]) => folder).find((folder) => tryStatInRoot(rootFd, folder) !== undefined);
  // A volume that is not mounted now is known by fstab.
  const mountFor = (path: string): string =>
    fstab
      .map(({ line }) => line.target)
      .filter((target) => target !== "/" && (path === target || path.startsWith(`${target}/`)))
      .toSorted((a, b) => b.length - a.length)[0] ?? "/";
  if (database === undefined) return undefined;
  const [usr, own] = [tryStatInRoot(rootFd, "usr"), tryStatInRoot(rootFd, database)];
  const volume = volumeOf(machine, database);
  return {
    database: `/${database}`,
    isBesideUsr: usr !== undefined && sameDevice(usr, own!) && mountFor(`/${database}`) === mountFor("/usr"),
    volume: volume === "/" ? mountFor(`/${database}`) : volume,
    carriedBy: config.carry
      .map(({ path }) => path)
      .find((path) => `/${database}` === path || `/${database}`.startsWith(`${path}/`)),
  };
}

/** The topmost folder on the way there that is on another volume than the root: a mount point, or a nested subvolume. */
function volumeOf({ rootFd }: Machine, path: string): string {
  const root = tryStatInRoot(rootFd, ".")!;
  const pieces = path.split("/");
  for (let count = 1; count <= pieces.length; count++) {
    const folder = pieces.slice(0, count).join("/");
    const stat = tryStatInRoot(rootFd, folder);
    if (stat !== undefined && !sameDevice(root, stat)) return `/${folder}`;
  }
  return "/";
}

/** What fstab and `resume=` name as swap. */
export function swapSources(fstab: readonly FstabFact[], commandLines: readonly CommandLineFact[]): string[] {
  const resumed = commandLines.flatMap(({ text }) => [...text.matchAll(/(?:^|\s)resume=(\S+)/g)].map((match) => match[1]!));
  return [...fstab.filter(({ line }) => line.type === "swap").map(({ line }) => line.source), ...resumed];
}

/** `sources`: as `swapSources` tells them. */
export function gatherSwap(machine: Machine, sources: readonly string[], devices: readonly DeviceName[]): SwapFact[] {
  const active = machine.isLive
    ? readProcFile("/proc/swaps")
        .split("\n")
        .slice(1)
        .flatMap((line) => line.split(/\s+/)[0] || [])
    : [];
  const named = sources.map((source) => deviceOf(devices, source));
  const paths = [...new Set([...active, ...named.filter((path) => path !== undefined)])].toSorted();
  return paths.map((path) => ({
    path,
    isActive: active.includes(path),
    state: stateOf(machine, path),
    isInRoot: !path.startsWith("/dev/") && isInRoot(machine, path),
  }));
}

function stateOf({ rootFd }: Machine, path: string): SwapFact["state"] {
  try {
    return path.startsWith("/dev/") ? swapStateOfDevice(path) : swapStateOfFile(rootFd, path.slice(1));
  } catch (error) {
    if (error instanceof RegrowError) return undefined;
    throw error;
  }
}

function isInRoot({ rootFd }: Machine, path: string): boolean {
  const stat = tryStatInRoot(rootFd, bytesOf(path.slice(1)));
  return stat !== undefined && sameDevice(stat, tryStatInRoot(rootFd, ".")!);
}

const PROGRAM_FOLDERS = ["usr/bin", "usr/sbin", "bin", "sbin", "usr/local/bin", "usr/local/sbin"];

/** In the machine's own root: it needs them when it is shut down and started. */
export function gatherPrograms({ rootFd, btrfs, mount }: Machine, generator: string | undefined): ProgramFacts {
  const has = (program: string): boolean =>
    PROGRAM_FOLDERS.some((folder) => tryStatInRoot(rootFd, `${folder}/${program}`) !== undefined);
  const hasGrub = tryStatInRoot(rootFd, "boot/grub/grub.cfg") ?? tryStatInRoot(rootFd, "boot/grub2/grub.cfg");
  const grub = tryStatInRoot(rootFd, "boot/grub2") === undefined ? "grub" : "grub2";
  const wanted: Omit<ProgramFacts["needed"][number], "isThere">[] = [];
  if (btrfs !== undefined || mount.type === "btrfs")
    wanted.push({
      program: "btrfs",
      isVital: true,
      why: "the engine asks it for the ids of subvolumes when it switches the root",
    });
  if (generator !== undefined) wanted.push({ program: generator, isVital: true, why: "it makes the initramfs images" });
  if (hasGrub !== undefined)
    wanted.push({ program: `${grub}-install`, isVital: false, why: "it mends a GRUB that does not find its file system" });
  return {
    needed: wanted.map((one) => ({ ...one, isThere: has(one.program) })),
    distribution: distributionOf(rootFd),
  };
}
