/** Which boot loader of a machine has its kernels outside of the root, and how its default can be told. */
import type { LoaderFiles } from "../../boot/boot-choice.ts";
import { parseGrubConfig, readsCustomConfig } from "../../codec/grub/config.ts";
import { existsAt } from "../../sys/names.ts";
import { CWD } from "../../sys/open.ts";
import { bytesOf } from "../../base/byte-string.ts";
import { listInRoot } from "../../sys/read-dir.ts";
import { tryReadInRoot } from "../../sys/read-file.ts";
import { runProgram } from "../../sys/run-program.ts";
import type { Machine } from "../sysroot/machine.ts";
import { type BootVolume, bootVolumes } from "./boot-volumes.ts";

export interface LoaderPlace {
  readonly files: LoaderFiles;
  readonly volume: BootVolume;
  /** Why its default can't be told; undefined where it can. */
  readonly obstacle: { readonly message: string; readonly hint: string } | undefined;
}

const LOADER_ENTRY_DEFAULT = "/sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/** Undefined where the kernels are in the root itself, or no loader is found on what is mounted. */
export function findLoader(machine: Machine): LoaderPlace | undefined {
  const volumes = bootVolumes(machine);
  for (const volume of volumes) {
    const folder = ["grub", "grub2"].find((name) => has(machine, `${volume.path}/${name}`, "grub.cfg"));
    if (folder !== undefined && volume.path === "boot") return grub(machine, volume, folder);
  }
  const volume = volumes.find(({ path }) => listInRoot(machine.rootFd, `${path}/loader/entries`).some(isEntry));
  return volume === undefined ? undefined : systemdBoot(machine, volume);
}

/** Of the file system on the device. Throws `missing-program`, `program-failed`. */
export async function fileSystemUuid(device: string): Promise<string> {
  const { stdout } = await runProgram({ program: "blkid", args: ["-p", "-o", "value", "-s", "UUID", device], effect: "read" });
  return stdout.toString("utf8").trim();
}

function grub(machine: Machine, volume: BootVolume, folder: string): LoaderPlace {
  const text = tryReadInRoot(machine.rootFd, `${volume.path}/${folder}/grub.cfg`)?.toString("utf8") ?? "";
  const place = { files: { loader: "grub", volume: volume.path, folder } as const, volume };
  if (readsCustomConfig(parseGrubConfig(text))) return { ...place, obstacle: undefined };
  return {
    ...place,
    obstacle: {
      message: `/${volume.path}/${folder}/grub.cfg does not read custom.cfg, by which the next start would be told.`,
      hint: "Bring /etc/grub.d/41_custom of the package grub-common back, and run `update-grub`.",
    },
  };
}

function systemdBoot({ isLive }: Machine, volume: BootVolume): LoaderPlace {
  const place = { files: { loader: "systemd-boot", volume: volume.path } as const, volume };
  if (!isLive || !existsAt(CWD, bytesOf(LOADER_ENTRY_DEFAULT))) return { ...place, obstacle: undefined };
  return {
    ...place,
    obstacle: {
      message: "The firmware has a variable LoaderEntryDefault, which counts more than loader.conf.",
      hint: "Take it away: `bootctl set-default ''`.",
    },
  };
}

function has({ rootFd }: Machine, folder: string, name: string): boolean {
  return listInRoot(rootFd, folder).some((found) => found === name);
}

function isEntry(name: string): boolean {
  return name.endsWith(".conf") && !name.startsWith("regrow-switch-");
}
