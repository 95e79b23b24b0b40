/**
 * Forgetting a path on a machine: its snapshots follow the repository. That of a commit which had the path goes; that of a commit which was
 * only written anew gets the new name, so that the next commit still costs its changes; the operation log names the new commits. A cut in
 * between leaves snapshots of commits that are gone, which the next commit of the machine removes.
 */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ForgetOptions, type ForgetReport, forgetPaths } from "../../store/forget/forget.ts";
import { withRepository } from "../../store/repository.ts";
import { O, closeFd, openBeneath, tryOpenAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { dropSnapshot, listSnapshots, renameSnapshot } from "../capture/base-snapshots.ts";
import { settleOperations } from "../rollback/settle-operations.ts";
import { HOME_SUBVOLUME, repositoryIn } from "../sysroot/home.ts";
import type { Machine } from "../sysroot/machine.ts";
import { withMachineLock } from "../sysroot/machine-lock.ts";
import { writeOperation } from "../switch/operation-log.ts";

export interface MachineForgetReport extends ForgetReport {
  /** Old commits whose snapshot is removed, or would be. */
  readonly droppedSnapshots: readonly Checksum[];
  /** Trees outside of the repository that still have one of the paths: `/` is the machine itself, others from the top level. */
  readonly stillIn: readonly string[];
}

/** Throws what `forgetPaths` throws, `no-repository` where the machine is not set up. */
export async function forgetOnMachine(
  machine: Machine,
  options: ForgetOptions,
  observer: Observer = {},
): Promise<MachineForgetReport> {
  return withMachineLock(machine, observer.signal, async (homeFd) => {
    const report = await withRepository(repositoryIn(homeFd), (repository) => forgetPaths(repository, options, observer));
    const snapshots = new Set(machine.btrfs === undefined ? [] : listSnapshots(homeFd));
    const ofOld = report.rewritten.filter(({ from, to }) => from !== to && snapshots.has(from));
    const dropped = ofOld.filter(({ hadPath }) => hadPath !== false).map(({ from }) => from);
    if (!report.dryRun) {
      for (const { from, to, hadPath } of ofOld) {
        if (hadPath === false) renameSnapshot(homeFd, from, to);
        else dropSnapshot(homeFd, bytesOf(from));
      }
      await renameInLog(machine, homeFd, report);
    }
    const gone = new Set(dropped.map((commit) => `base/${commit}`));
    const trees = treesIn(homeFd).filter((folder) => !gone.has(folder));
    const stillIn = [
      ...(hasOneOf(machine.rootFd, options.paths) ? ["/"] : []),
      ...trees.flatMap((folder) => (holds(homeFd, folder, options.paths) ? [`${HOME_SUBVOLUME}/${folder}/root`] : [])),
    ];
    return { ...report, droppedSnapshots: dropped, stillIn };
  });
}

async function renameInLog(machine: Machine, homeFd: number, { rewritten }: ForgetReport): Promise<void> {
  const names = new Map<string, string>(rewritten.map(({ from, to }) => [from, to]));
  for (const operation of await settleOperations(machine, homeFd)) {
    const [from, to] = [operation.from, operation.to].map((commit) => names.get(commit) ?? commit) as [string, string];
    if (from !== operation.from || to !== operation.to) writeOperation(homeFd, { ...operation, from, to });
  }
}

/** `history/3`, `base/<commit>` … */
function treesIn(homeFd: number): string[] {
  return ["history", "deploy", "next", "base"].flatMap((folder) => {
    const fd = tryOpenAt(homeFd, folder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    if (fd < 0) return [];
    try {
      return readDir(fd).map(({ name }) => `${folder}/${name}`);
    } finally {
      closeFd(fd);
    }
  });
}

function holds(homeFd: number, folder: string, paths: readonly string[]): boolean {
  const fd = tryOpenAt(homeFd, `${folder}/root`, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  if (fd < 0) return false;
  try {
    return hasOneOf(fd, paths);
  } finally {
    closeFd(fd);
  }
}

function hasOneOf(rootFd: number, paths: readonly string[]): boolean {
  return paths.some((path) => {
    const pieces = path.split("/").filter((piece) => piece !== "" && piece !== ".");
    return has(rootFd, bytesOf(pieces.join("/")));
  });
}

/** Links on the way lead to another path, which is not the one that is forgotten. */
function has(rootFd: number, path: ByteString): boolean {
  try {
    closeFd(openBeneath(rootFd, path, O.PATH | O.NOFOLLOW));
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    if (error instanceof RegrowError && error.code === "hostile") return false;
    throw error;
  }
}
