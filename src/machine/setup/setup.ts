/** `setup`: preparing a machine, and taking that away again. Each step can be done again, so that a run that was cut is finished by the next. */
import { bytesOf } from "../../base/byte-string.ts";
import { type Observer, report } from "../../base/events.ts";
import { removeMirrors } from "../boot-files/mirror-boot.ts";
import { gatherEngineFacts } from "../../boot/engine/engine-facts.ts";
import { installEngine, removeEngine } from "../../boot/engine/install-engine.ts";
import { type InitramfsFacts, remakeInitramfs } from "../../boot/engine/remake-initramfs.ts";
import { listRefs } from "../../store/refs.ts";
import { withRepository } from "../../store/repository.ts";
import { destroySubvolume } from "../../sys/btrfs/subvolumes.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { removeTreeAt } from "../../sys/names.ts";
import { requirePassed } from "../check.ts";
import { HOME_FOLDER, HOME_SUBVOLUME, makeHome, repositoryIn } from "../sysroot/home.ts";
import type { Machine } from "../sysroot/machine.ts";
import { linkInRoot, removeInRoot, writeInRoot } from "../sysroot/write-in-root.ts";
import { readSetupFacts } from "./setup-facts.ts";
import { SETUP_FILES, type SetupPlan, type SetupStep, type SetupWishes, planSetup } from "./setup-plan.ts";

export async function planMachineSetup(machine: Machine, wishes: SetupWishes, observer: Observer = {}): Promise<SetupPlan> {
  return planSetup(await readSetupFacts(machine, SETUP_FILES, observer), wishes);
}

/** Does what is not done yet. Throws the problem of the first check that fails, SystemError, what `remakeInitramfs` throws. */
export async function performSetup(machine: Machine, plan: SetupPlan, observer: Observer = {}): Promise<void> {
  requirePassed(plan.checks, machine.sysroot);
  const open = plan.steps.filter(({ isDone }) => !isDone);
  for (const [index, step] of open.entries()) {
    report(observer, "setup", { done: index, total: open.length });
    await performStep(machine, step, observer);
  }
  report(observer, "setup", { done: open.length, total: open.length });
}

async function performStep(machine: Machine, step: SetupStep, observer: Observer): Promise<void> {
  const { homePlace, rootFd } = machine;
  if (step.kind === "home") makeHome(homePlace);
  else if (step.kind === "engine") installEngine(rootFd, step.plan);
  else if (step.kind === "initramfs") await remakeInitramfs(machine, step.initramfs, "current", observer);
  else if (step.kind === "file") writeInRoot(rootFd, step.path, step.content, step.mode);
  else linkInRoot(rootFd, step.path, step.target);
}

export interface UndoPlan {
  readonly steps: readonly UndoStep[];
  /** What stays, each with the reason. */
  readonly notes: readonly string[];
}

export type UndoStep = { readonly what: string; readonly path: string } & (
  | { readonly kind: "file" | "engine" | "home" }
  | { readonly kind: "initramfs"; readonly initramfs: InitramfsFacts }
);

/** What `setup` has made and can go: never a file that was changed since, and never a history that has commits. */
export async function planUndoSetup(machine: Machine, wishes: SetupWishes, observer: Observer = {}): Promise<UndoPlan> {
  const plan = await planMachineSetup(machine, wishes, observer);
  const steps: UndoStep[] = [];
  const notes: string[] = [];
  for (const step of plan.steps.toReversed()) {
    if (step.kind === "home" || step.kind === "initramfs") continue;
    if (step.kind === "engine" && hasEngine(machine)) steps.push({ kind: "engine", path: "usr/lib/regrow", what: "the engine" });
    if (step.kind === "link" && step.isDone) steps.push({ kind: "file", path: step.path, what: `/${step.path}` });
    if (step.kind !== "file" || !step.isDone) continue;
    if (plan.facts.files.get(step.path) === step.content) steps.push({ kind: "file", path: step.path, what: `/${step.path}` });
    else notes.push(`/${step.path} has been changed: it stays.`);
  }
  const { initramfs } = plan.facts;
  if (wishes.initramfs && initramfs?.images.some(({ engine }) => engine !== "absent")) {
    const what = `the engine in the initramfs: \`${initramfs.command.join(" ")}\``;
    steps.push({ kind: "initramfs", initramfs, path: "boot", what });
  }
  if (machine.homeFd === undefined) return { steps, notes };
  const commits = await withRepository(repositoryIn(machine.homeFd), (repository) => listRefs(repository).length);
  const place = machine.btrfs === undefined ? `/${HOME_FOLDER}` : `the subvolume ${HOME_SUBVOLUME}`;
  if (commits === 0) steps.push({ kind: "home", path: place, what: `${place}, which has no commits` });
  else notes.push(`${place} holds the history: it stays. Whoever wants to lose it removes it by hand.`);
  return { steps, notes };
}

/** The history goes last, so that a run that was cut finds everything again. */
export async function performUndoSetup(machine: Machine, plan: UndoPlan, observer: Observer = {}): Promise<void> {
  if (machine.homeFd !== undefined) removeMirrors(machine, machine.homeFd);
  for (const step of plan.steps) {
    if (step.kind === "file") removeInRoot(machine.rootFd, step.path);
    else if (step.kind === "engine") removeEngine(machine.rootFd);
    else if (step.kind === "initramfs") await remakeInitramfs(machine, step.initramfs, "absent", observer);
    else removeHome(machine);
  }
}

function hasEngine({ rootFd }: Machine): boolean {
  return gatherEngineFacts(rootFd).files.some(({ state }) => state !== "absent");
}

function removeHome({ homePlace: { kind, dirFd } }: Machine): void {
  if (kind === "folder") removeTreeAt(dirFd, HOME_FOLDER);
  else destroySubvolume(dirFd, bytesOf(HOME_SUBVOLUME));
  syncFileSystem(dirFd);
}
