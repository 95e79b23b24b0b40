/** The plan of a rollback: where it goes, what stays, what is in its way. */
import { bytesOf, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import { formatSize } from "../../base/units.ts";
import { type BootChoice, chooseBoot } from "../../boot/boot-choice.ts";
import { type Kernel, chooseKernel, findKernels } from "../../boot/find-kernels.ts";
import { gatherEngineFacts } from "../../boot/engine/engine-facts.ts";
import { readSwitchPolicy } from "../../boot/engine/switch-policy.ts";
import { parseFstab } from "../../codec/fstab.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { loadCommit } from "../../store/object-files.ts";
import { hasWholeCommit } from "../../store/partial-commits.ts";
import { readRef } from "../../store/refs.ts";
import type { Repository } from "../../store/repository.ts";
import { resolveRevision } from "../../store/revision.ts";
import { defaultSubvolume, listSubvolumes } from "../../sys/btrfs/list-subvolumes.ts";
import { tryReadInRoot } from "../../sys/read-file.ts";
import { spaceOf } from "../../sys/space.ts";
import { liveChanges } from "../capture/live-changes.ts";
import { findLoader } from "../boot-files/loader-place.ts";
import type { Check } from "../check.ts";
import { commitSource } from "../commit-source.ts";
import { folderReader } from "../sysroot/folder-reader.ts";
import type { BtrfsPlace, Machine } from "../sysroot/machine.ts";
import { type BootVerdict, bootClassOf } from "../switch/boot-class.ts";
import { checkNextBoot } from "./check-next-boot.ts";
import { hibernationCheck } from "./hibernation-check.ts";

export interface RollbackPlan {
  readonly branch: string;
  readonly target: Checksum;
  readonly subject: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** Undefined where nobody knows without reading everything. */
  readonly uncommitted: number | undefined;
  readonly boot: BootVerdict;
  /** Paths from the root, without a slash in front. */
  readonly carried: readonly string[];
  readonly nested: readonly string[];
  readonly kernel: Kernel | undefined;
  /** It happens at the end of the next shutdown. */
  readonly isArmed: boolean;
  readonly checks: readonly Check[];
}

const SPACE_NEEDED = 64 * 1024 * 1024;

/** `revision`: undefined goes back to the last commit where there are changes since, else to the one before. For who holds the lock. */
export async function planRollback(
  machine: Machine,
  homeFd: number,
  repository: Repository,
  revision: string | undefined,
  observer: Observer,
): Promise<RollbackPlan> {
  const btrfs = requireBtrfs(machine);
  const { branch } = machine.config;
  const tip = readRef(repository, branch);
  if (tip === undefined) {
    throw new RegrowError("not-found", `${branch}: there is no commit to go back to.`, {
      path: branch,
      hint: "Make one: `regrow commit`.",
    });
  }
  const changes = await liveChanges(machine, homeFd, tip, observer);
  const target =
    revision === undefined ? defaultTarget(repository, branch, tip, changes?.length) : resolveRevision(repository, revision);
  const { subject, timestamp } = loadCommit(repository, target);
  const kernels = await findKernels(commitSource(repository, target));
  const kernelsNow = await findKernels(folderReader(machine.rootFd));
  const place = findLoader(machine);
  const boot = bootVerdict(machine, btrfs, place !== undefined);
  const choice = place === undefined ? undefined : await chooseBoot(commitSource(repository, target), place.files);
  const kernel = place === undefined ? chooseKernel(kernels) : choice && asKernel(choice);
  const nested = nestedSubvolumes(btrfs);
  const bootChecks = [
    await hibernationCheck(machine),
    ...(place === undefined ? [] : await checkNextBoot({ machine, repository, target, place, choice })),
  ];
  const facts = { machine, nested, homeFd, repository, target, boot, kernel, kernelsNow, bootChecks };
  return {
    branch,
    target,
    subject,
    timestamp,
    uncommitted: changes?.length,
    boot,
    carried: carriedPaths(machine, nested),
    nested,
    kernel,
    isArmed: machine.isLive,
    checks: checksOf(facts),
  };
}

export function requireBtrfs({ btrfs, mount, sysroot }: Machine): BtrfsPlace {
  if (btrfs !== undefined) return btrfs;
  throw new RegrowError("unsupported", `${sysroot}: the root is on ${mount.type}, where a whole system can't be exchanged.`, {
    path: sysroot,
    hint: "Files can be put back: `regrow restore COMMIT PATH`. Or install the commit onto another disk.",
  });
}

function defaultTarget(repository: Repository, branch: string, tip: Checksum, changes: number | undefined): Checksum {
  if (changes === undefined || changes > 0) return tip;
  const { parent } = loadCommit(repository, tip);
  if (parent !== undefined) return parent;
  throw new RegrowError("not-found", `${branch}: nothing has changed since the first commit, and there is none before it.`, {
    path: branch,
    hint: "`regrow log` shows the history.",
  });
}

function asKernel({ release, kernelPath, initrdPaths, hasModules }: BootChoice): Kernel {
  return { release, imagePath: kernelPath, initrdPath: initrdPaths[0], hasModules };
}

function bootVerdict(machine: Machine, btrfs: BtrfsPlace, hasBootVolume: boolean): BootVerdict {
  const fstab = parseFstab(tryReadInRoot(machine.rootFd, "etc/fstab")?.toString("utf8") ?? "");
  return bootClassOf({
    rootPath: displayBytes(btrfs.rootPath),
    rootId: btrfs.rootId,
    defaultId: defaultSubvolume(btrfs.topFd),
    fstab,
    hasBootVolume,
  });
}

/** Those directly in the root: what is nested in them goes along. */
export function nestedSubvolumes({ topFd, rootPath, rootId }: BtrfsPlace): string[] {
  return listSubvolumes(topFd)
    .filter(({ parentId }) => parentId === rootId)
    .map(({ path }) => displayBytes(bytesOf(path.slice(rootPath.length + 1))))
    .toSorted();
}

/** What is a file system or subvolume of its own stays by itself. */
function carriedPaths({ config, mounts }: Machine, nested: readonly string[]): string[] {
  const paths = config.carry.map(({ path }) => path.slice(1)).toSorted();
  const isOwn = (path: string): boolean => nested.includes(path) || mounts.has(bytesOf(path));
  return paths.filter((path, index) => !isOwn(path) && !paths.slice(0, index).some((above) => path.startsWith(`${above}/`)));
}

interface CheckFacts {
  readonly machine: Machine;
  readonly nested: readonly string[];
  readonly homeFd: number;
  readonly repository: Repository;
  readonly target: Checksum;
  readonly boot: BootVerdict;
  readonly kernel: Kernel | undefined;
  readonly kernelsNow: readonly Kernel[];
  readonly bootChecks: readonly Check[];
}

function checksOf({ machine, nested, homeFd, repository, target, boot, kernel, kernelsNow, bootChecks }: CheckFacts): Check[] {
  const { armed } = readSwitchPolicy(homeFd);
  const { available } = spaceOf(homeFd);
  const check = (name: string, finding: string, problem: Check["problem"] | false): Check => ({
    name,
    finding,
    ...(problem ? { problem } : {}),
  });
  return [
    check(
      "commit",
      `${target.slice(0, 12)} is whole`,
      !hasWholeCommit(repository, target) && {
        code: "not-found",
        message: `${target.slice(0, 12)}: the commit, or a part of its tree, is not here any more.`,
        hint: "Take another one, or pull it from a repository that has it.",
      },
    ),
    check("boot", "refusal" in boot ? boot.refusal : CLASSES[boot.bootClass], bootProblem(boot, machine.isLive ? nested : [])),
    ...bootChecks,
    check(
      "kernel",
      kernel?.release ?? "none, as now",
      (kernelsNow.length > 0 || ("bootClass" in boot && boot.bootClass === "b")) &&
        !isBootable(kernel) && {
          code: "refused",
          message: `${target.slice(0, 12)}: has no kernel with its modules and initramfs.`,
          hint: "Take a commit that has one, or restore single paths.",
        },
    ),
    check("engine", machine.isLive ? "installed" : "not needed", engineProblem(machine, boot)),
    check(
      "pending",
      "no other switch is armed",
      armed !== undefined && {
        code: "refused",
        message: `Operation ${armed.operation} waits for the next shutdown.`,
        hint: "Shut down, or take it back: `regrow undo`.",
      },
    ),
    check(
      "space",
      `${formatSize(available)} free`,
      available < SPACE_NEEDED && {
        code: "no-space",
        message: `Only ${formatSize(available)} are free.`,
        hint: `Free at least ${formatSize(SPACE_NEEDED)}: \`regrow prune --to-free\`.`,
      },
    ),
  ];
}

const CLASSES = {
  a: "class a: the kernel is in the root, and two names are exchanged",
  b: "class b: kernels are outside of the root, and the boot loader's default is changed",
  c: "class c: the default subvolume is set",
} as const;

function bootProblem(boot: BootVerdict, nestedInRunning: readonly string[]): Check["problem"] | false {
  if ("refusal" in boot) return { code: "refused", message: boot.refusal, hint: boot.hint };
  if (boot.bootClass === "c" && nestedInRunning.length > 0) {
    return {
      code: "unsupported",
      message: `/${nestedInRunning[0]}: is nested in the running root, and can't be moved into another while it runs.`,
      hint: "Give it a place beside the root and mount it, or roll back from another system with --sysroot.",
    };
  }
  return false;
}

/** A running system is switched by the engine alone. */
function engineProblem({ isLive, rootFd }: Machine, boot: BootVerdict): Check["problem"] | false {
  if (!isLive || "refusal" in boot || boot.bootClass === "c") return false;
  const { files, machine } = gatherEngineFacts(rootFd);
  if (machine.hasSystemd && files.every(({ state }) => state === "same")) return false;
  return {
    code: "refused",
    message: "The engine that switches the root at the end of a shutdown is not installed, or not this version's.",
    hint: "`regrow setup` installs it.",
  };
}

function isBootable(kernel: Kernel | undefined): boolean {
  return kernel !== undefined && kernel.hasModules && kernel.initrdPath !== undefined;
}
