/**
 * Thinning what going back has left: the roots that were replaced (`history/<n>/root`, and `deploy/<n>/root` where the root is the default
 * subvolume), and folders of `next/` that no operation needs. The log is told before a root goes, so that a run that is cut leaves one that
 * is said to be gone and goes with the next run.
 */
import { type ByteString, bytesOf, displayBytes } from "../../base/byte-string.ts";
import type { Observer } from "../../base/events.ts";
import type { HistoryRules } from "../../codec/machine-config.ts";
import { defaultSubvolume, listSubvolumes } from "../../sys/btrfs/list-subvolumes.ts";
import { readMountTable } from "../../sys/mount-table.ts";
import { removeDirAt } from "../../sys/names.ts";
import { O, closeFd, openAt, tryOpenAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { openVolume } from "../../volume/open-volume.ts";
import { HOME_SUBVOLUME } from "../sysroot/home.ts";
import type { BtrfsPlace, Machine } from "../sysroot/machine.ts";
import { withMachineLock } from "../sysroot/machine-lock.ts";
import { type Operation, writeOperation } from "../switch/operation-log.ts";
import { idAt } from "../switch/perform-switch.ts";
import { settleOperations } from "./settle-operations.ts";

export interface ReplacedRoot {
  /** The operation that replaced it. */
  readonly operation: number;
  /** ISO 8601. */
  readonly time: string;
  /** From the top level of the file system. */
  readonly path: string;
  /** Undefined: it goes. */
  readonly keptBy: string | undefined;
}

export interface ReplacedPlan {
  /** The newest first. */
  readonly roots: readonly ReplacedRoot[];
  /** Folders that runs that were cut, and operations that are over, have left. From the top level. */
  readonly leftOvers: readonly string[];
}

/** Sees the plan. False ends it without an error. */
export type DecideReplaced = (plan: ReplacedPlan) => Promise<boolean>;

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const DAY_MILLISECONDS = 86_400_000;
const NUMBER = /^\d+$/;

/** By the rules of the machine's configuration; without any no root goes. Throws `no-repository`, `locked`, `cancelled`, SystemError. */
export async function thinReplacedRoots(
  machine: Machine,
  decide: DecideReplaced,
  observer: Observer = {},
): Promise<ReplacedPlan> {
  const { btrfs } = machine;
  if (btrfs === undefined) return { roots: [], leftOvers: [] };
  return withMachineLock(machine, observer.signal, async (homeFd) => {
    const operations = await settleOperations(machine, homeFd);
    const roots = judgeRoots(replacedRoots(btrfs, operations), {
      rules: machine.config.history,
      now: Date.now(),
      whyNeeded: whyNeeded(btrfs),
    });
    const plan = { roots, leftOvers: leftOvers(btrfs, homeFd, operations) };
    if (!(await decide(plan))) return plan;
    for (const { operation, path, keptBy } of roots) {
      if (keptBy !== undefined) continue;
      const logged = operations.find(({ number }) => number === operation)!;
      writeOperation(homeFd, { ...logged, removed: new Date().toISOString() });
      await removeRoot(btrfs.topFd, path.slice(0, path.lastIndexOf("/")), observer);
    }
    for (const folder of plan.leftOvers) await removeRoot(btrfs.topFd, folder, observer);
    return plan;
  });
}

interface Judgement {
  readonly rules: HistoryRules | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Why a root stays whatever the rules say. */
  readonly whyNeeded: (path: string) => string | undefined;
}

/** `roots`: the newest first. A root stays where one rule keeps it, or where there is no rule. Pure. */
export function judgeRoots(
  roots: readonly Omit<ReplacedRoot, "keptBy">[],
  { rules, now, whyNeeded: needed }: Judgement,
): ReplacedRoot[] {
  return roots.map((root, index) => {
    const age = (now - Date.parse(root.time)) / DAY_MILLISECONDS;
    let keptBy = needed(root.path);
    if (rules === undefined) keptBy ??= "no rule";
    else if (index < (rules.last ?? 0)) keptBy ??= "last";
    // One that is later than now has a wrong clock, and stays; so does one whose time can't be read.
    else if (!(age >= (rules.days ?? 0))) keptBy ??= "days";
    return { ...root, keptBy };
  });
}

/** Those that are there. Under a name outside of regrow's own folder the root is somebody's, and not judged. */
function replacedRoots({ topFd }: BtrfsPlace, operations: readonly Operation[]): Omit<ReplacedRoot, "keptBy">[] {
  return operations
    .filter(({ state, replaced }) => state === "done" && replaced.startsWith(`${HOME_SUBVOLUME}/`))
    .filter(({ replaced }) => idAt(topFd, replaced) !== undefined)
    .map(({ number, time, replaced }) => ({ operation: number, time, path: replaced }))
    .toReversed();
}

function whyNeeded({ topFd, rootId }: BtrfsPlace): Judgement["whyNeeded"] {
  const mounted = readMountTable().map(({ root }) => root.replace(/^\//, ""));
  const subvolumes = listSubvolumes(topFd);
  const inUse = new Set([rootId, defaultSubvolume(topFd)]);
  return (path) => {
    const bytes = bytesOf(path);
    const isIn = (other: string): boolean => other === bytes || other.startsWith(`${bytes}/`);
    const inside = subvolumes.filter((one) => isIn(one.path));
    if (inside.some(({ id }) => inUse.has(id)) || mounted.some(isIn)) return "in use";
    // It had no place in the new root, and no commit has what is in it.
    const nested = inside.find((one) => one.path !== bytes && !isEmpty(topFd, one.path));
    return nested && `holds the subvolume /${displayBytes(nested.path.slice(bytes.length + 1) as ByteString)}`;
  };
}

function isEmpty(topFd: number, path: ByteString): boolean {
  const fd = openAt(topFd, path, FOLDER);
  try {
    return readDir(fd).length === 0;
  } finally {
    closeFd(fd);
  }
}

/** An operation that is done may have lost its root half way into `history/`: such a one stays. */
function leftOvers({ topFd }: BtrfsPlace, homeFd: number, operations: readonly Operation[]): string[] {
  const stateOf = new Map(operations.map(({ number, state }) => [`${number}`, state]));
  const numbersIn = (folder: string): string[] => {
    const fd = openAt(homeFd, folder, FOLDER);
    try {
      return readDir(fd).flatMap(({ name }) => (NUMBER.test(name) ? [name as string] : []));
    } finally {
      closeFd(fd);
    }
  };
  const hasRoot = (folder: string): boolean => idAt(topFd, `${folder}/root`) !== undefined;
  const next = numbersIn("next").flatMap((number) => {
    const state = stateOf.get(number);
    const folder = `${HOME_SUBVOLUME}/next/${number}`;
    const isOver = state === undefined || state === "disarmed" || (state === "done" && !hasRoot(folder));
    return isOver ? [folder] : [];
  });
  const history = numbersIn("history")
    .map((number) => `${HOME_SUBVOLUME}/history/${number}`)
    .filter((folder) => !hasRoot(folder));
  return [...next, ...history];
}

/** With what a removal that was cut has left beside it, and the folder. */
async function removeRoot(topFd: number, folder: string, observer: Observer): Promise<void> {
  const folderFd = tryOpenAt(topFd, folder, FOLDER);
  if (folderFd < 0) return;
  try {
    await openVolume(folderFd).remove({ folderFd, name: bytesOf("root") }, observer);
    if (readDir(folderFd).length > 0) return;
  } finally {
    closeFd(folderFd);
  }
  removeDirAt(topFd, bytesOf(folder));
}
