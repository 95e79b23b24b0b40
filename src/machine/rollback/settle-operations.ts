/** What runs that were cut have begun, and what the engine has done since: finished, entered in the log, or cleared away. */
import { bytesOf, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { disarmSwitch, readSwitchPolicy } from "../../boot/engine/switch-policy.ts";
import { defaultSubvolume } from "../../sys/btrfs/list-subvolumes.ts";
import { O, closeFd, tryOpenAt } from "../../sys/open.ts";
import { existsAt, removeDirAt } from "../../sys/names.ts";
import { readDir } from "../../sys/read-dir.ts";
import { settleRestore } from "../restore/settle-restore.ts";
import { removeTemporaries } from "../../sys/durable.ts";
import { openVolume } from "../../volume/open-volume.ts";
import type { BtrfsPlace, Machine } from "../sysroot/machine.ts";
import { type NextBoot, isDefaultNow } from "../boot-files/loader-default.ts";
import { removeNextBoots } from "../boot-files/next-boot.ts";
import { finishDefault } from "./prepare-root.ts";
import { finishEntry } from "./switch-by-entry.ts";
import { type Operation, readOperations, writeOperation } from "../switch/operation-log.ts";
import { idAt, performSwitch } from "../switch/perform-switch.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const REPLACED = /^@regrow\/(next|history)\//;

type Prepared = "next" | "deploy";

/**
 * The operations as they stand now; what runs that were cut have left is cleared away. For who holds the machine's lock. Throws
 * `refused` where the root at hand is one that a switch has replaced, `corrupt`, SystemError.
 */
export async function settleOperations(machine: Machine, homeFd: number): Promise<Operation[]> {
  for (const folder of [".", "log", "log/operations", "policy"])
    if (existsAt(homeFd, bytesOf(folder))) removeTemporaries(homeFd, folder);
  settleRestore(machine.rootFd, homeFd);
  if (machine.btrfs !== undefined) {
    if (machine.isLive) settleEntry(machine, machine.btrfs, homeFd);
    else settleSwitch(machine, machine.btrfs, homeFd);
  }
  const policy = readSwitchPolicy(homeFd);
  const settled: Operation[] = [];
  for (const operation of readOperations(homeFd)) {
    const state = stateNow(machine, homeFd, operation, policy);
    const isFinished = state === "done" && operation.state === "prepared" && operation.bootClass === "c";
    if (isFinished && machine.btrfs !== undefined) finishDefault(machine.btrfs.topFd, operation);
    const now = { ...operation, state };
    if (state !== operation.state) writeOperation(homeFd, now);
    const isStarted = state === "done" && machine.btrfs !== undefined;
    settled.push(isStarted ? finishEntry(machine, machine.btrfs!, homeFd, now) : now);
  }
  removeNextBoots(machine, underWay(settled));
  await removeUnneeded(machine, homeFd, settled);
  return settled;
}

/** The next starts that a loader may still be told of. */
function underWay(operations: readonly Operation[]): NextBoot[] {
  return operations.flatMap(({ state, boot }) =>
    boot !== undefined && (state === "armed" || (state === "done" && boot.isPutBack !== true)) ? [boot] : [],
  );
}

/** Boot class b on a running machine: what a run that was cut has prepared, and a start that the engine had no part in. */
function settleEntry(machine: Machine, { topFd, rootId }: BtrfsPlace, homeFd: number): void {
  const { armed } = readSwitchPolicy(homeFd);
  if (armed?.bootClass !== "b") return;
  const operation = readOperations(homeFd).find(({ number }) => `${number}` === armed.operation);
  if (rootId === BigInt(armed.nextId)) {
    performSwitch(topFd, armed);
    throw new RegrowError(
      "refused",
      `${armed.name}: has got its name only now, which the engine should have done at the start.`,
      {
        path: armed.name,
        hint: "Run the command again.",
      },
    );
  }
  if (operation?.state === "prepared" && operation.boot !== undefined && isDefaultNow(machine, operation.boot) === false)
    disarmSwitch(homeFd);
}

/** A machine that doesn't run is switched at once: an order that is still there was cut, unless it was given while the machine ran. */
function settleSwitch(machine: Machine, { topFd, rootPath }: BtrfsPlace, homeFd: number): void {
  const { armed } = readSwitchPolicy(homeFd);
  if (armed !== undefined) {
    const operation = readOperations(homeFd).find(({ number }) => `${number}` === armed.operation);
    const isTold =
      operation?.boot !== undefined && operation.state === "prepared" && isDefaultNow(machine, operation.boot) === true;
    if (isTold || idAt(topFd, armed.name) !== BigInt(armed.currentId)) performSwitch(topFd, armed);
    // Nothing has changed place yet, and who comes now finds the machine as it was.
    else if (operation?.state !== "armed") disarmSwitch(homeFd);
  }
  if (!REPLACED.test(rootPath)) return;
  throw new RegrowError("refused", `${displayBytes(rootPath)}: this root has been replaced by another one.`, {
    path: displayBytes(rootPath),
    hint: "Unmount it, and mount the machine's root again.",
  });
}

/** Roots that were prepared for an operation that will not be: their numbers may be given again. */
async function removeUnneeded({ btrfs }: Machine, homeFd: number, operations: readonly Operation[]): Promise<void> {
  const needed = new Set(operations.filter(({ state }) => state === "armed" || state === "done").map(({ number }) => number));
  for (const number of numbersIn(homeFd, "next")) {
    if (operations.find((operation) => operation.number === number)?.state !== "armed")
      await removePrepared(homeFd, "next", number);
  }
  for (const number of numbersIn(homeFd, "deploy")) {
    const id = idAt(homeFd, `deploy/${number}/root`);
    const isInUse = id !== undefined && btrfs !== undefined && (id === btrfs.rootId || id === defaultSubvolume(btrfs.topFd));
    if (!needed.has(number) && !isInUse) await removePrepared(homeFd, "deploy", number);
  }
}

function numbersIn(homeFd: number, place: Prepared): number[] {
  const fd = tryOpenAt(homeFd, place, FOLDER);
  if (fd < 0) return [];
  try {
    return readDir(fd).flatMap(({ name }) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } finally {
    closeFd(fd);
  }
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
  for (const place of ["next", "deploy"] as const) await removePrepared(homeFd, place, number);
}

async function removePrepared(homeFd: number, place: Prepared, number: number): Promise<void> {
  const folder = `${place}/${number}`;
  const folderFd = tryOpenAt(homeFd, folder, FOLDER);
  if (folderFd < 0) return;
  try {
    await openVolume(homeFd).remove({ folderFd, name: bytesOf("root") });
  } finally {
    closeFd(folderFd);
  }
  removeDirAt(homeFd, bytesOf(folder));
}
