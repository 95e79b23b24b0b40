/** Opens a machine for looking at it, whatever is wrong with it: without root, with a damaged configuration, not a machine at all. */
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { parseMachineConfig } from "../../codec/machine-config.ts";
import type { MachineConfig } from "../../codec/machine-config.ts";
import { mountOf, mountsBelow } from "../../codec/mount-table.ts";
import { readMountTable, realPath } from "../../sys/mount-table.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { type Machine, withMachine } from "../sysroot/machine.ts";
import { readMachineConfig } from "../sysroot/read-config.ts";
import type { Obstacle } from "./facts.ts";

export interface OpenedForDoctor {
  readonly machine: Machine;
  /** Why all that needs the file system's top level can't be seen. */
  readonly obstacle: Obstacle | undefined;
  readonly configuration: Obstacle | undefined;
}

/** Throws `not-found` where there is no such folder, and what `work` throws. */
export async function withMachineForDoctor<T>(sysroot: string, work: (opened: OpenedForDoctor) => Promise<T>): Promise<T> {
  let configuration: Obstacle | undefined;
  const readConfig = (rootFd: number): MachineConfig => {
    try {
      return readMachineConfig(rootFd);
    } catch (error) {
      configuration = obstacleOf(error);
      return parseMachineConfig([]);
    }
  };
  let began = false;
  try {
    return await withMachine(
      sysroot,
      (machine) => {
        began = true;
        return work({ machine, obstacle: undefined, configuration });
      },
      readConfig,
    );
  } catch (error) {
    if (began || !(error instanceof RegrowError) || error.code === "not-found") throw error;
    return await withFolderOnly(sysroot, readConfig, (machine) => work({ machine, obstacle: obstacleOf(error), configuration }));
  }
}

/** What can be seen of it by its paths. */
async function withFolderOnly<T>(
  sysroot: string,
  readConfig: (rootFd: number) => MachineConfig,
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  const path = realPath(sysroot);
  const rootFd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
  try {
    const table = readMountTable();
    const mount = mountOf(table, path);
    if (mount === undefined) throw new RegrowError("unsupported", `${path}: nothing is mounted there.`, { path });
    return await work({
      sysroot: path,
      isLive: path === "/",
      rootFd,
      mount,
      mounts: mountsBelow(table, path),
      btrfs: undefined,
      homePlace: { kind: "folder", dirFd: rootFd },
      homeFd: undefined,
      config: readConfig(rootFd),
    });
  } finally {
    closeFd(rootFd);
  }
}

function obstacleOf(error: unknown): Obstacle {
  if (!(error instanceof RegrowError)) throw error;
  return { message: error.message, hint: error.hint ?? "" };
}
