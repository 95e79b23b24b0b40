/** Looks at a machine once, for all checks. What is out of reach is said, and nothing is changed. */
import { displayBytes } from "../../base/byte-string.ts";
import { type Observer, report } from "../../base/events.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { listDeviceNames } from "../../sys/block-devices.ts";
import { defaultSubvolume, listSubvolumes } from "../../sys/btrfs/list-subvolumes.ts";
import { spaceOf } from "../../sys/space.ts";
import { findLoader } from "../boot-files/loader-place.ts";
import { planMachineSetup } from "../setup/setup.ts";
import type { BtrfsPlace, Machine } from "../sysroot/machine.ts";
import { bootClassOf } from "../switch/boot-class.ts";
import type { DoctorFacts, RootFact, SubvolumeFact } from "./facts.ts";
import { gatherEntries, gatherFirmware } from "./gather/boot-entries.ts";
import { rootUuidOf, withBootVolumes } from "./gather/boot-volumes.ts";
import { gatherGrub } from "./gather/grub.ts";
import { gatherEngine } from "./gather/engine.ts";
import { gatherHome } from "./gather/home.ts";
import { gatherRepository } from "./gather/repository.ts";
import { gatherBootSpace, gatherMetadata } from "./gather/space.ts";
import { gatherCommandLines, gatherFstab, gatherKernels } from "./gather/system-files.ts";
import { gatherPackages, gatherPrograms, gatherSwap, swapSources } from "./gather/volumes.ts";
import { type Looked, look, valueOf } from "./looked.ts";
import type { OpenedForDoctor } from "./open-for-doctor.ts";

/** Takes about a second for each initramfs image. Throws `cancelled`. */
export async function gatherFacts(
  { machine, obstacle, configuration }: OpenedForDoctor,
  observer: Observer = {},
): Promise<DoctorFacts> {
  const { rootFd, isLive, btrfs, homeFd, sysroot } = machine;
  report(observer, "look", { done: 0 });
  const devices = await lookAtDevices();
  const names = valueOf(devices) ?? [];
  const fstab = await look("/etc/fstab", () => gatherFstab(machine));
  const lines = valueOf(fstab) ?? [];
  const commandLines = await look("the kernel's command line", () => gatherCommandLines(machine));
  throwIfCancelled(observer.signal);
  const engine: DoctorFacts["engine"] =
    homeFd === undefined || btrfs === undefined ? notSetUp(machine) : await look("the engine", () => gatherEngine(machine));
  throwIfCancelled(observer.signal);
  const generator = valueOf(engine)?.remake?.split(" ")[0];
  const packages = await look("the package database", () => gatherPackages(machine, lines));
  return {
    sysroot,
    isLive,
    isPrivileged: process.geteuid!() === 0,
    isSetUp: homeFd !== undefined,
    now: Date.now(),
    root: rootFact(machine, rootUuidOf(machine, names)),
    obstacle,
    configuration,
    devices,
    subvolumes: await ofBtrfs(machine, "the subvolumes", subvolumesOf),
    bootClass: await ofBtrfs(machine, "how the machine starts", (place) => bootClass(machine, place, lines)),
    loader: await ofBtrfs(machine, "the boot loader", () => findLoader(machine)?.obstacle),
    fstab,
    commandLines,
    grub: await look("GRUB's files", () => withBootVolumes(machine, names, (volumes) => gatherGrub(machine, volumes))),
    entries: await look("the boot entries", () => withBootVolumes(machine, names, (volumes) => gatherEntries(rootFd, volumes))),
    firmware: isLive
      ? await look("the firmware's variables", gatherFirmware)
      : { skipped: "The firmware's variables are those of the machine that runs." },
    kernels: await look("the kernels", () => gatherKernels(machine)),
    bootSpace: await look("the room for kernels", () => gatherBootSpace(machine)),
    metadata: await ofBtrfs(machine, "the room for metadata", gatherMetadata),
    programs: await look("the programs", () => gatherPrograms(machine, generator)),
    packages:
      "value" in packages
        ? packages.value === undefined
          ? { skipped: "There is no package database that is known." }
          : { value: packages.value }
        : packages,
    swap: await look("the swap areas", () => gatherSwap(machine, swapSources(lines, valueOf(commandLines) ?? []), names)),
    engine,
    home: homeFd === undefined ? notSetUp(machine) : await look("regrow's own folder", () => gatherHome(machine, homeFd)),
    repository: homeFd === undefined ? notSetUp(machine) : await look("the repository", () => gatherRepository(machine, homeFd)),
    setup:
      homeFd !== undefined || obstacle !== undefined
        ? { skipped: "The machine is set up." }
        : await look("what `setup` needs", async () => (await planMachineSetup(machine, { initramfs: false }, observer)).checks),
  };
}

async function lookAtDevices(): Promise<DoctorFacts["devices"]> {
  const found = await look("the block devices", listDeviceNames);
  if (!("value" in found)) return found;
  if (found.value !== undefined) return { value: found.value };
  return { unseen: "The names of block devices: there is no /dev/disk/by-uuid, and blkid needs root." };
}

function rootFact({ mount, rootFd, btrfs }: Machine, uuid: string | undefined): RootFact {
  return {
    type: mount.type,
    device: displayBytes(mount.source as Parameters<typeof displayBytes>[0]),
    uuid,
    subvolume: btrfs && { path: displayBytes(btrfs.rootPath), id: btrfs.rootId },
    available: spaceOf(rootFd).available,
  };
}

function ofBtrfs<T>(machine: Machine, what: string, work: (place: BtrfsPlace) => T): Looked<T> | Promise<Looked<T>> {
  const { btrfs, mount } = machine;
  if (btrfs !== undefined) return look(what, () => work(btrfs));
  if (mount.type === "btrfs") return { unseen: `${what}: the top level of the file system is not at hand.` };
  return { skipped: `${what}: the root is on ${mount.type}.` };
}

function notSetUp({ mount, homeFd, btrfs }: Machine): { readonly skipped: string } {
  if (homeFd !== undefined && btrfs === undefined) return { skipped: `The root is on ${mount.type}: there is no engine.` };
  return { skipped: "The machine is not set up, or can't be opened." };
}

function subvolumesOf({ topFd }: BtrfsPlace): SubvolumeFact[] {
  return listSubvolumes(topFd).map(({ path, id }) => ({ path: displayBytes(path), id }));
}

function bootClass(
  machine: Machine,
  { topFd, rootPath, rootId }: BtrfsPlace,
  fstab: NonNullable<ReturnType<typeof gatherFstab>>,
): ReturnType<typeof bootClassOf> {
  return bootClassOf({
    rootPath: displayBytes(rootPath),
    rootId,
    defaultId: defaultSubvolume(topFd),
    fstab: fstab.map(({ line }) => line),
    hasBootVolume: findLoader(machine) !== undefined,
  });
}
