/** What has changed on a machine since a commit, by a snapshot that is taken for the question and goes with it. */
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Change } from "../../store/diff/change.ts";
import { closeFd } from "../../sys/open.ts";
import { diffSnapshots } from "../diff-subvolumes.ts";
import type { Machine } from "../sysroot/machine.ts";
import { captureBoot } from "./capture-boot.ts";
import { dropSnapshot, openSnapshot, removeUnfinished, takeSnapshot } from "./base-snapshots.ts";

export interface LiveSides {
  /** The snapshot of the commit; undefined where there is none. Paths hold until the work has ended. */
  readonly before: string | undefined;
  /** The machine at this moment; where there are no snapshots, as it goes on. */
  readonly now: string;
}

/** For who holds the machine's lock. Throws `refused` where a swapfile is in use, SystemError, and what `work` throws. */
export async function withLiveSides<T>(
  machine: Machine,
  homeFd: number,
  commit: Checksum,
  work: (sides: LiveSides) => Promise<T>,
): Promise<T> {
  if (machine.btrfs === undefined) return work({ before: undefined, now: machine.sysroot });
  removeUnfinished(homeFd);
  captureBoot(machine, homeFd, false);
  const now = takeSnapshot(homeFd, machine.rootFd);
  try {
    const base = openSnapshot(homeFd, commit);
    try {
      return await work({ before: base?.path, now: now.path });
    } finally {
      if (base !== undefined) closeFd(base.fd);
    }
  } finally {
    closeFd(now.fd);
    dropSnapshot(homeFd, now.name);
  }
}

/** Undefined where that can't be told at once: no btrfs, or no snapshot of that commit. Throws as the above, `unsupported`, `cancelled`. */
export async function liveChanges(
  machine: Machine,
  homeFd: number,
  commit: Checksum,
  { signal }: Observer = {},
): Promise<Change[] | undefined> {
  if (machine.btrfs === undefined) return undefined;
  return withLiveSides(machine, homeFd, commit, async ({ before, now }) =>
    before === undefined ? undefined : (await diffSnapshots(before, now, signal)).changes,
  );
}
