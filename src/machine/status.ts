/** Where a machine stands: its last commit, what has changed since, what waits for a shutdown, how much room there is. */
import type { Observer } from "../base/events.ts";
import { readSwitchPolicy } from "../boot/engine/switch-policy.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { loadCommit } from "../store/object-files.ts";
import { readRef } from "../store/refs.ts";
import { withRepository } from "../store/repository.ts";
import { readDir } from "../sys/read-dir.ts";
import { O, closeFd, openAt } from "../sys/open.ts";
import { spaceOf } from "../sys/space.ts";
import { listSnapshots } from "./capture/base-snapshots.ts";
import { liveChanges } from "./capture/live-changes.ts";
import { settleOperations } from "./rollback/settle-operations.ts";
import { describeMachine } from "./sysroot/describe-machine.ts";
import { repositoryIn } from "./sysroot/home.ts";
import type { Machine } from "./sysroot/machine.ts";
import { withMachineLock } from "./sysroot/machine-lock.ts";
import type { Operation } from "./switch/operation-log.ts";

export interface MachineStatus {
  readonly host: string;
  readonly os: string;
  readonly branch: string;
  readonly last: { readonly commit: Checksum; readonly subject: string; readonly timestamp: number } | undefined;
  /** Entries; undefined where that can't be told without reading everything. */
  readonly changed: number | undefined;
  readonly pending: Operation | undefined;
  /** Why the engine did not do it. */
  readonly refused: string | undefined;
  readonly snapshots: number;
  /** Roots that were replaced and are kept. */
  readonly replaced: number;
  /** Bytes. */
  readonly available: number;
}

/** Throws `no-repository` where the machine is not set up, `locked`, `cancelled`, SystemError. */
export async function machineStatus(machine: Machine, observer: Observer = {}): Promise<MachineStatus> {
  return withMachineLock(machine, observer.signal, async (homeFd) => {
    const operations = await settleOperations(machine, homeFd);
    const { host, os } = await describeMachine(machine);
    const { branch } = machine.config;
    const last = await withRepository(repositoryIn(homeFd), (repository) => {
      const commit = readRef(repository, branch);
      if (commit === undefined) return undefined;
      const { subject, timestamp } = loadCommit(repository, commit);
      return { commit, subject, timestamp };
    });
    const changes = last === undefined ? undefined : await liveChanges(machine, homeFd, last.commit, observer);
    return {
      host,
      os,
      branch,
      last,
      changed: changes?.length,
      pending: operations.find(({ state }) => state === "armed"),
      refused: readSwitchPolicy(homeFd).refused?.reason,
      snapshots: machine.btrfs === undefined ? 0 : listSnapshots(homeFd).length,
      replaced: countIn(homeFd, "history"),
      available: spaceOf(homeFd).available,
    };
  });
}

function countIn(homeFd: number, folder: string): number {
  const fd = openAt(homeFd, folder, O.RDONLY | O.DIRECTORY);
  try {
    return readDir(fd).length;
  } finally {
    closeFd(fd);
  }
}
