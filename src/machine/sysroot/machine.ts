/**
 * A machine: the system that is kept, running or mounted at a folder (`--sysroot`). On btrfs the whole file system is reached
 * through a mount without a name, so that nothing depends on what is mounted where.
 *
 *   @regrow/             a subvolume in the top level, its owner's alone
 *     format             the version of what is below
 *     repo/              the repository
 *     base/<commit>/root snapshots of commits     next/<n>/root  being prepared     history/<n>/root  what was replaced
 *     policy/  log/  lock
 */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { MachineConfig } from "../../codec/machine-config.ts";
import { type MountEntry, mountOf, mountsBelow } from "../../codec/mount-table.ts";
import { subvolumeInfo } from "../../sys/btrfs.ts";
import { type Mount, mountUnnamed } from "../../sys/mount.ts";
import { readMountTable, realPath } from "../../sys/mount-table.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { isOnBtrfs } from "../../sys/space.ts";
import { type HomePlace, openHome, repositoryIn } from "./home.ts";
import { readMachineConfig } from "./read-config.ts";

export interface Machine {
  /** Absolute and without links; `/` is the running system. */
  readonly sysroot: string;
  readonly isLive: boolean;
  readonly rootFd: number;
  readonly mount: MountEntry;
  /** Other file systems below the root, by their path from there. */
  readonly mounts: ReadonlyMap<ByteString, MountEntry>;
  readonly btrfs: BtrfsPlace | undefined;
  readonly homePlace: HomePlace;
  /** The open folder of what regrow keeps here; undefined where the machine is not set up. */
  readonly homeFd: number | undefined;
  readonly config: MachineConfig;
}

/** The open home. Throws `no-repository` where the machine is not set up. */
export function homeOf({ homeFd, sysroot }: Machine): number {
  if (homeFd !== undefined) return homeFd;
  throw new RegrowError("no-repository", `${sysroot}: this machine is not set up.`, {
    path: sysroot,
    hint: `Look at the plan: \`regrow setup${sysroot === "/" ? "" : ` --sysroot ${sysroot}`} -n\`.`,
  });
}

/** The machine's repository, for the store. Throws `no-repository` where the machine is not set up. */
export function repositoryOf(machine: Machine): string {
  return repositoryIn(homeOf(machine));
}

export interface BtrfsPlace {
  /** The top level of the file system, whatever is mounted. */
  readonly topFd: number;
  /** Of the root subvolume, from the top level; "" is the top level itself. */
  readonly rootPath: ByteString;
  readonly rootId: bigint;
}

/**
 * Runs `work` with the machine whose root is at `sysroot`. Throws `not-found`, `unsupported` for a folder that is no root of a file
 * system or subvolume, `missing-privilege` without root, `usage` for a configuration with faults.
 */
export async function withMachine<T>(
  sysroot: string,
  work: (machine: Machine) => Promise<T> | T,
  readConfig: (rootFd: number) => MachineConfig = readMachineConfig,
): Promise<T> {
  refuseWithoutRoot();
  const open: (() => void)[] = [];
  try {
    const path = realPath(sysroot);
    const rootFd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
    open.push(() => closeFd(rootFd));
    const table = readMountTable();
    const mount = mountOf(table, path);
    if (mount === undefined) throw new RegrowError("unsupported", `${path}: nothing is mounted there.`, { path });
    const btrfs = openBtrfs(path, rootFd, mount, open);
    const place = { kind: btrfs === undefined ? "folder" : "btrfs", dirFd: btrfs?.topFd ?? rootFd } as const;
    const homeFd = openHome(place);
    if (homeFd !== undefined) open.push(() => closeFd(homeFd));
    return await work({
      sysroot: path,
      isLive: path === "/",
      rootFd,
      mount,
      mounts: mountsBelow(table, path),
      btrfs,
      homePlace: place,
      homeFd,
      config: readConfig(rootFd),
    });
  } finally {
    for (const close of open.toReversed()) close();
  }
}

function openBtrfs(path: string, rootFd: number, mount: MountEntry, open: (() => void)[]): BtrfsPlace | undefined {
  if (!isOnBtrfs(rootFd)) return undefined;
  const info = subvolumeInfo(rootFd);
  if (info === undefined) {
    throw new RegrowError("unsupported", `${path}: this folder is no subvolume.`, {
      path,
      hint: "Give the folder at which the root subvolume of the machine is mounted.",
    });
  }
  const top = mountTop(mount);
  // Only closed: what has to be durable is flushed where it is written.
  open.push(() => top.unmount());
  const below = path.slice(mount.mountPoint.length).replace(/^\//, "");
  const rootPath = [mount.root.replace(/^\//, ""), below].filter((piece) => piece !== "").join("/") as ByteString;
  return { topFd: top.fd, rootPath, rootId: info.id };
}

function mountTop({ source }: MountEntry): Mount {
  try {
    return mountUnnamed({ type: "btrfs", source, options: { subvolid: "5" } });
  } catch (error) {
    if (!isErrno(error, "EBUSY", "EROFS")) throw error;
    return mountUnnamed({ type: "btrfs", source, options: { subvolid: "5", ro: true } });
  }
}

function refuseWithoutRoot(): void {
  if (process.geteuid!() === 0) return;
  throw new RegrowError("missing-privilege", "A machine is root's: this command needs root.", { hint: "Run it as root." });
}
