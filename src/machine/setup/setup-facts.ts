/** What `setup` looks at before it plans: the root file system, what stands in the way of snapshots, what a rollback should leave. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { type Observer, report } from "../../base/events.ts";
import { btrfsUuid } from "../../sys/btrfs/file-system-uuid.ts";
import { gatherEngineFacts } from "../../boot/engine/engine-facts.ts";
import { type EngineInstallPlan, planEngineInstall } from "../../boot/engine/install-engine.ts";
import { type InitramfsFacts, gatherInitramfsFacts } from "../../boot/engine/remake-initramfs.ts";
import { listSubvolumes } from "../../sys/btrfs/list-subvolumes.ts";
import { btrfsSpace } from "../../sys/btrfs/space.ts";
import { FLAG, getFlags } from "../../sys/metadata.ts";
import { O, closeFd, openInRoot } from "../../sys/open.ts";
import { listInRoot } from "../../sys/read-dir.ts";
import { readProcFile, tryReadInRoot } from "../../sys/read-file.ts";
import { spaceOf } from "../../sys/space.ts";
import { RegrowError, isErrno, throwIfCancelled } from "../../base/errors.ts";
import { parseFstab } from "../../codec/fstab.ts";
import type { Machine } from "../sysroot/machine.ts";
import { bootVolumes } from "../boot-files/boot-volumes.ts";
import { lacksProgram } from "./keep-program.ts";

export interface SetupFacts {
  readonly fileSystem: string;
  readonly device: string;
  readonly uuid: string | undefined;
  /** Of the root subvolume; "" is the top level, undefined another file system. */
  readonly rootSubvolume: string | undefined;
  /** Paths from the root of subvolumes in it, which its snapshots leave out. */
  readonly nested: readonly string[];
  /** In the root file system, as fstab or the running kernel has them. */
  readonly swapfiles: readonly string[];
  /** Folders whose files can't be reflinked. */
  readonly noCow: readonly string[];
  readonly carry: readonly CarryFact[];
  readonly packageManager: string | undefined;
  /** Other tools that keep snapshots here. */
  readonly beside: readonly string[];
  /** Bytes. */
  readonly used: number;
  readonly available: number;
  readonly unallocated: number | undefined;
  readonly isSetUp: boolean;
  /** How the engine would be installed, or why it can't be. */
  readonly engine: EngineInstallPlan | { readonly obstacle: string };
  /** Undefined where the engine can't be installed, or no tool that makes images is known. */
  readonly initramfs: InitramfsFacts | undefined;
  /** File systems of their own that commits keep, by their mount points from the root. */
  readonly bootVolumes: readonly { readonly path: string; readonly type: string }[];
  /** The program that runs is one file, and not kept beside the history yet. */
  readonly lacksProgram: boolean;
  /** Files that a step may write, as they are now: by path. */
  readonly files: ReadonlyMap<string, string | undefined>;
}

export interface CarryFact {
  readonly path: string;
  readonly why: string;
}

const USER_DATA: readonly (readonly [path: string, why: string])[] = [
  ["home", "what people work on"],
  ["root", "the administrator's own files"],
  ["srv", "what is served"],
  ["var/lib/docker", "containers"],
  ["var/lib/containers", "containers"],
  ["var/lib/libvirt/images", "virtual machines"],
  ["var/lib/machines", "containers of systemd"],
  ["var/lib/mysql", "a database"],
  ["var/lib/postgresql", "a database"],
  ["var/lib/mongodb", "a database"],
  ["var/lib/redis", "a database"],
  ["var/log", "logs, so that they tell of what was rolled back"],
];
/** These are there on any machine; of the others only what is. */
const ALWAYS = new Set(["home", "root", "srv", "var/log"]);
/** Where package managers keep their databases, from the root. */
export const PACKAGE_MANAGERS: readonly (readonly [name: string, folder: string])[] = [
  ["dpkg", "var/lib/dpkg"],
  ["pacman", "var/lib/pacman/local"],
  ["rpm", "var/lib/rpm"],
  ["rpm", "usr/lib/sysimage/rpm"],
];

/** `files`: paths from the root whose content the plan needs. Throws SystemError. */
export async function readSetupFacts(machine: Machine, files: readonly string[], observer: Observer = {}): Promise<SetupFacts> {
  throwIfCancelled(observer.signal);
  report(observer, "look", { done: 0 });
  const { rootFd, btrfs, mount } = machine;
  const has = (path: string): boolean => listInRoot(rootFd, path).length > 0;
  const space = spaceOf(rootFd);
  const engine = engineFor(machine);
  return {
    fileSystem: mount.type,
    device: mount.source,
    uuid: btrfs === undefined ? undefined : btrfsUuid(btrfs.topFd),
    rootSubvolume: btrfs === undefined ? undefined : displayBytes(btrfs.rootPath),
    nested: nestedIn(machine),
    swapfiles: swapfilesOf(machine),
    noCow: USER_DATA.map(([path]) => path).filter((path) => isNoCow(rootFd, path)),
    carry: USER_DATA.filter(([path]) => ALWAYS.has(path) || has(path)).map(([path, why]) => ({ path: `/${path}`, why })),
    packageManager: PACKAGE_MANAGERS.find(([, folder]) => has(folder))?.[0],
    beside: [...(has("etc/snapper/configs") ? ["snapper"] : []), ...(has("etc/timeshift") ? ["timeshift"] : [])],
    used: space.total - space.available,
    available: space.available,
    unallocated: btrfs === undefined ? undefined : btrfsSpace(btrfs.topFd).unallocated,
    isSetUp: machine.homeFd !== undefined,
    engine,
    initramfs: "obstacle" in engine ? undefined : await gatherInitramfsFacts(rootFd),
    bootVolumes: bootVolumes(machine).map(({ path, type }) => ({ path, type })),
    lacksProgram: lacksProgram(machine.homeFd),
    files: new Map(files.map((path) => [path, tryReadInRoot(rootFd, path)?.toString("utf8")])),
  };
}

function engineFor({ rootFd, btrfs }: Machine): SetupFacts["engine"] {
  if (btrfs === undefined) return { obstacle: "The root is not on btrfs." };
  try {
    return planEngineInstall(gatherEngineFacts(rootFd));
  } catch (error) {
    if (error instanceof RegrowError && error.code === "unsupported") return { obstacle: error.message };
    throw error;
  }
}

function nestedIn({ btrfs }: Machine): string[] {
  if (btrfs === undefined) return [];
  const start = btrfs.rootPath === "" ? "" : `${btrfs.rootPath}/`;
  return listSubvolumes(btrfs.topFd)
    .map(({ path }) => path)
    .filter((path) => path.startsWith(start) && !path.startsWith("@regrow") && start !== "")
    .map((path) => displayBytes(path.slice(start.length) as ByteString))
    .sort();
}

function swapfilesOf({ rootFd, isLive }: Machine): string[] {
  const fstab = parseFstab(tryReadInRoot(rootFd, "etc/fstab")?.toString("utf8") ?? "");
  const named = fstab.flatMap((line) => (typeof line !== "string" && line.type === "swap" ? [line.source] : []));
  const active = isLive ? readProcFile("/proc/swaps").split("\n").slice(1) : [];
  const all = [...named, ...active.map((line) => line.split(/\s+/)[0]!)];
  return [...new Set(all.filter((path) => path.startsWith("/") && !path.startsWith("/dev/")))].sort();
}

function isNoCow(rootFd: number, path: string): boolean {
  try {
    const fd = openInRoot(rootFd, path, O.RDONLY | O.DIRECTORY);
    try {
      return (getFlags(fd) & FLAG.noCow) !== 0;
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}
