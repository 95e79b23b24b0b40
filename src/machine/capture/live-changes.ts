/** What has changed on a machine since its last commit, by a snapshot that is taken for the question and goes with it. */
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Change } from "../../store/diff/change.ts";
import { closeFd } from "../../sys/open.ts";
import { diffSnapshots } from "../diff-subvolumes.ts";
import type { Machine } from "../sysroot/machine.ts";
import { dropSnapshot, openSnapshot, removeUnfinished, takeSnapshot } from "./base-snapshots.ts";

/**
 * Undefined where that can't be told at once: no btrfs, or no snapshot of that commit. For who holds the machine's lock. Throws
 * `refused` where a swapfile is in use, `unsupported`, `cancelled`, SystemError.
 */
export async function liveChanges(
  machine: Machine,
  homeFd: number,
  commit: Checksum,
  { signal }: Observer = {},
): Promise<Change[] | undefined> {
  if (machine.btrfs === undefined) return undefined;
  removeUnfinished(homeFd);
  const base = openSnapshot(homeFd, commit);
  if (base === undefined) return undefined;
  try {
    const now = takeSnapshot(homeFd, machine.rootFd);
    try {
      return (await diffSnapshots(base.path, now.path, signal)).changes;
    } finally {
      closeFd(now.fd);
      dropSnapshot(homeFd, now.name);
    }
  } finally {
    closeFd(base.fd);
  }
}
