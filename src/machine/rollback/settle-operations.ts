/** What runs that were cut have begun, and what the engine has done since: finished, entered in the log, or cleared away. */
import { bytesOf } from "../../base/byte-string.ts";
import { readSwitchPolicy } from "../../boot/engine/switch-policy.ts";
import { defaultSubvolume } from "../../sys/btrfs/list-subvolumes.ts";
import { O, closeFd, tryOpenAt } from "../../sys/open.ts";
import { openVolume } from "../../volume/open-volume.ts";
import type { Machine } from "../sysroot/machine.ts";
import { finishDefault } from "./prepare-root.ts";
import { type Operation, readOperations, writeOperation } from "../switch/operation-log.ts";
import { idAt, performSwitch } from "../switch/perform-switch.ts";

/** The operations as they stand now. For who holds the machine's lock. Throws `refused`, `corrupt`, SystemError. */
export async function settleOperations(machine: Machine, homeFd: number): Promise<Operation[]> {
  const { armed } = readSwitchPolicy(homeFd);
  // A machine that doesn't run is switched at once, so this one was cut.
  if (armed !== undefined && !machine.isLive && machine.btrfs !== undefined) performSwitch(machine.btrfs.topFd, armed);
  const policy = readSwitchPolicy(homeFd);
  const settled: Operation[] = [];
  for (const operation of readOperations(homeFd)) {
    const state = stateNow(machine, homeFd, operation, policy);
    if (state === "disarmed" && operation.state !== "disarmed") await removeNext(homeFd, operation.number);
    const isFinished = state === "done" && operation.state === "prepared" && operation.bootClass === "c";
    if (isFinished && machine.btrfs !== undefined) finishDefault(machine.btrfs.topFd, operation);
    const now = { ...operation, state };
    if (state !== operation.state) writeOperation(homeFd, now);
    settled.push(now);
  }
  return settled;
}

function stateNow(
  { btrfs }: Machine,
  homeFd: number,
  { number, state, bootClass }: Operation,
  { armed, done }: ReturnType<typeof readSwitchPolicy>,
): Operation["state"] {
  if (state === "done" || state === "disarmed") return state;
  if (armed?.operation === `${number}`) return "armed";
  if (done?.operation === `${number}`) return "done";
  const isDefault =
    bootClass === "c" && btrfs !== undefined && idAt(homeFd, `deploy/${number}/root`) === defaultSubvolume(btrfs.topFd);
  return isDefault ? "done" : "disarmed";
}

/** The root that was prepared and will not be needed. */
export async function removeNext(homeFd: number, number: number): Promise<void> {
  for (const place of [`next/${number}`, `deploy/${number}`]) {
    const folderFd = tryOpenAt(homeFd, place, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    if (folderFd < 0) continue;
    try {
      await openVolume(homeFd).remove({ folderFd, name: bytesOf("root") });
    } finally {
      closeFd(folderFd);
    }
  }
}
