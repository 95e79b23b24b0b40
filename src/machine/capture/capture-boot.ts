/** Before a snapshot of the root is taken: what is on the boot volumes comes into it. */
import type { Observer } from "../../base/events.ts";
import { mirrorBootVolumes } from "../boot-files/mirror-boot.ts";
import { readOperations } from "../switch/operation-log.ts";
import type { Machine } from "../sysroot/machine.ts";

/** For who holds the machine's lock. `thorough`: read all contents. Throws `refused`, `no-space`, `cancelled`, SystemError. */
export function captureBoot(machine: Machine, homeFd: number, thorough: boolean, observer: Observer = {}): void {
  if (machine.btrfs === undefined) return;
  // Until a switch is finished the root has what the volumes are to become.
  const isUnfinished = readOperations(homeFd).some(
    ({ state, boot }) => state === "done" && boot !== undefined && boot.isPutBack !== true,
  );
  if (!isUnfinished) mirrorBootVolumes(machine, homeFd, { root: machine.btrfs.rootPath, thorough }, observer);
}
