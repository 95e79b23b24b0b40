/** `doctor`: all that would make a rollback or a start fail, each with its cure. Looks only. */
import type { Observer } from "../../base/events.ts";
import { checkBootEntries } from "./checks/boot-entries.ts";
import { checkCommandLine } from "./checks/command-line.ts";
import { checkEngine, checkMountUnit } from "./checks/engine.ts";
import { checkFstab } from "./checks/fstab.ts";
import { checkGrubEnvironment } from "./checks/grub-environment.ts";
import { checkGrubMenu } from "./checks/grub-menu.ts";
import { checkGrubPrograms } from "./checks/grub-programs.ts";
import { checkKernels } from "./checks/kernels.ts";
import { checkClock, checkConfiguration, checkMachine, checkPackageDatabase } from "./checks/machine.ts";
import { checkOperations, checkSnapshots } from "./checks/operations.ts";
import { checkPrograms } from "./checks/programs.ts";
import { checkRepository } from "./checks/repository.ts";
import { checkBootSpace, checkMetadata, checkRepositorySpace, checkRootSpace } from "./checks/space.ts";
import { checkSwap } from "./checks/swap.ts";
import type { DoctorFacts } from "./facts.ts";
import type { Finding, Said } from "./finding.ts";
import { gatherFacts } from "./gather-facts.ts";
import { withMachineForDoctor } from "./open-for-doctor.ts";

/** By the name that findings have; in the order in which they are told. */
const CHECKS: readonly (readonly [name: string, check: (facts: DoctorFacts) => readonly Said[]])[] = [
  ["machine", checkMachine],
  ["configuration", checkConfiguration],
  ["operations", checkOperations],
  ["repository", checkRepository],
  ["snapshots", checkSnapshots],
  ["engine", checkEngine],
  ["mount-unit", checkMountUnit],
  ["grub", checkGrubPrograms],
  ["grub-menu", checkGrubMenu],
  ["grub-environment", checkGrubEnvironment],
  ["boot-entries", checkBootEntries],
  ["kernels", checkKernels],
  ["command-line", checkCommandLine],
  ["fstab", checkFstab],
  ["swap", checkSwap],
  ["packages", checkPackageDatabase],
  ["programs", checkPrograms],
  ["boot-space", checkBootSpace],
  ["root-space", checkRootSpace],
  ["metadata", checkMetadata],
  ["repository-space", checkRepositorySpace],
  ["clock", checkClock],
];

/** Of the machine whose root is at `sysroot`. Throws `not-found` where there is no such folder, `cancelled`. */
export async function examineMachine(sysroot: string, observer: Observer = {}): Promise<Finding[]> {
  return withMachineForDoctor(sysroot, async (opened) => judgeFacts(await gatherFacts(opened, observer)));
}

/** Pure. */
export function judgeFacts(facts: DoctorFacts): Finding[] {
  return CHECKS.flatMap(([check, judge]) => judge(facts).map((said) => ({ check, ...said })));
}

/** The names of the checks, in the order in which they are told. */
export const CHECK_NAMES: readonly string[] = CHECKS.map(([name]) => name);
