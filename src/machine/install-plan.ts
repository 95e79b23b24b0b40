/**
 * The shape of an install: what is asked for, what was found out, what will be done. Every reason not to begin is a check of the
 * plan; `--dry-run`, the confirmation and the act see the same plan.
 */
import type { BootFile, BootLoader, ContentFile } from "../boot/boot-loader.ts";
import type { Kernel } from "../boot/find-kernels.ts";
import type { Layout } from "../disk/layout.ts";
import type { DiskPlan } from "../disk/plan-disk.ts";
import { type Check, requirePassed } from "./check.ts";
import type { TreeDescription } from "./tree-source.ts";

/** What the person asks for. */
export interface InstallRequest {
  readonly target: ImageTarget;
  readonly layout: Layout;
  readonly loader: BootLoader;
  /** Permits overwriting an image that is not blank. */
  readonly wipe: boolean;
  /** Lets the installed system make itself a new machine id at its first boot. */
  readonly newMachineId: boolean;
  /** Added to the kernel's command line, such as `console=ttyS0`. */
  readonly kernelParameters: readonly string[];
  /** Names the boot entry: letters, digits and `-_.`. */
  readonly entryId: string;
  readonly menuSeconds: number;
}

export interface ImageTarget {
  readonly kind: "image";
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** What was found out before planning. */
export interface InstallFacts {
  readonly isRoot: boolean;
  readonly hasLoopDevices: boolean;
  readonly missingPrograms: readonly string[];
  readonly target: TargetFacts;
  readonly tree: TreeDescription;
  /** The tree's os-release in one line. */
  readonly title: string;
  /** The tree's own fstab, empty where it has none. */
  readonly fstab: string;
  readonly kernel: Kernel | undefined;
  readonly kernelFile: ContentFile | undefined;
  readonly initrdFile: ContentFile | undefined;
  readonly loaderProgram: ContentFile | undefined;
}

export interface TargetFacts {
  readonly folderExists: boolean;
  readonly state: "absent" | "blank" | "in-use" | "not-a-file" | "not-blank";
  /** Bytes free on the file system that will hold the image. */
  readonly available: number;
}

export interface InstallPlan {
  readonly target: ImageTarget;
  /** Whether something has the target's name now that the image will replace. */
  readonly replaces: boolean;
  readonly source: TreeDescription;
  readonly checks: readonly Check[];
  /** Undefined where a failed check leaves nothing to plan. */
  readonly work: InstallWork | undefined;
}

export interface InstallWork {
  readonly disk: DiskPlan;
  readonly loader: string;
  readonly kernelRelease: string;
  readonly commandLine: string;
  /** For the boot partition, in the order of writing. */
  readonly bootFiles: readonly BootFile[];
  /** What is changed in the tree once it is written. */
  readonly edits: {
    readonly fstab: string;
    /** Mount points to make where they are missing, without a leading `/`. */
    readonly folders: readonly string[];
    readonly newMachineId: boolean;
  };
}

/** Throws the problem of the first check that fails. */
export function requireChecks(plan: InstallPlan): InstallWork {
  requirePassed(plan.checks, plan.target.path);
  if (plan.work === undefined) throw new Error("an install plan without a failed check has work to do");
  return plan.work;
}
