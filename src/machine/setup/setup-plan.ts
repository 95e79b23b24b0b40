/** The plan of `setup`: each step with whether it is done already, what has to be so first, and what a person should know. Pure. */
import type { Check } from "../check.ts";
import type { EngineInstallPlan } from "../../boot/engine/install-engine.ts";
import type { InitramfsFacts } from "../../boot/engine/remake-initramfs.ts";
import { formatSize } from "../../base/units.ts";
import { configTemplate } from "./config-template.ts";
import type { SetupFacts } from "./setup-facts.ts";
import {
  MOUNT_UNIT,
  MOUNT_UNIT_LINK,
  MOUNT_UNIT_TARGET,
  SETTLE_UNIT,
  SETTLE_UNIT_LINK,
  SETTLE_UNIT_TARGET,
  mountUnit,
  settleUnit,
} from "./units.ts";

export type SetupStep = { readonly isDone: boolean; readonly what: string } & SetupWork;

export type SetupWork =
  /** The subvolume @regrow or the folder /var/lib/regrow, with the repository in it. */
  | { readonly kind: "home" }
  /** `isTheirs`: what stands there is a person's, and stays. */
  | { readonly kind: "file"; readonly path: string; readonly content: string; readonly mode: number; readonly isTheirs: boolean }
  /** What switches roots at the end of a shutdown. */
  | { readonly kind: "engine"; readonly plan: EngineInstallPlan }
  /** The images made anew, with the engine in them. */
  | { readonly kind: "initramfs"; readonly initramfs: InitramfsFacts }
  /** A copy of the program. */
  | { readonly kind: "program" }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

export interface SetupPlan {
  readonly facts: SetupFacts;
  readonly steps: readonly SetupStep[];
  readonly checks: readonly Check[];
  /** What is no reason to stop, each in one or two sentences. */
  readonly notes: readonly string[];
}

export const CONFIG_FILE = "etc/regrow.toml";
/** What `planSetup` wants to know the content of. */
export const SETUP_FILES: readonly string[] = [CONFIG_FILE, MOUNT_UNIT, MOUNT_UNIT_LINK, SETTLE_UNIT, SETTLE_UNIT_LINK];

export interface SetupWishes {
  /** False leaves the initramfs images alone. */
  readonly initramfs: boolean;
}

export function planSetup(facts: SetupFacts, wishes: SetupWishes = { initramfs: true }): SetupPlan {
  const initramfs = wishes.initramfs ? initramfsSteps(facts) : [];
  const notes = initramfs.length > 0 ? notesOf(facts) : [...notesOf(facts), ...initramfsNotes(facts)];
  return { facts, steps: [...stepsOf(facts), ...initramfs], checks: checksOf(facts), notes };
}

function initramfsSteps({ engine, initramfs }: SetupFacts): SetupStep[] {
  if (initramfs === undefined || initramfs.images.length === 0) return [];
  const isDone = "write" in engine && engine.write.length === 0 && initramfs.images.every((image) => image.engine === "current");
  const what = `the engine in the initramfs too, for a shutdown that was cut: \`${initramfs.command.join(" ")}\``;
  return [{ kind: "initramfs", initramfs, what, isDone }];
}

function initramfsNotes({ initramfs }: SetupFacts): string[] {
  if (initramfs === undefined) return [];
  const command = `\`${initramfs.command.join(" ")}\``;
  if (initramfs.images.length === 0)
    return [
      `There is no initramfs image in /boot that can be read here: ${command} on the running system brings the engine into the initramfs.`,
    ];
  if (initramfs.images.every(({ engine }) => engine === "current")) return [];
  return [`With ${command} the engine comes into the initramfs too, which is for a shutdown that was cut.`];
}

function stepsOf(facts: SetupFacts): SetupStep[] {
  const isBtrfs = facts.rootSubvolume !== undefined;
  const home = isBtrfs ? "the subvolume @regrow in the top level" : "the folder /var/lib/regrow";
  const steps: SetupStep[] = [{ kind: "home", what: `${home}, with the repository`, isDone: facts.isSetUp }];
  const existing = facts.files.get(CONFIG_FILE);
  steps.push({
    kind: "file",
    path: CONFIG_FILE,
    content: configTemplate(facts),
    mode: 0o644,
    isTheirs: true,
    what: existing === undefined ? `/${CONFIG_FILE}, with what holds by default` : `/${CONFIG_FILE} is yours and stays`,
    isDone: existing !== undefined,
  });
  if (facts.uuid !== undefined) {
    const content = mountUnit(facts.uuid);
    const isDone = facts.files.get(MOUNT_UNIT) === content;
    steps.push({
      kind: "file",
      path: MOUNT_UNIT,
      content,
      mode: 0o644,
      isTheirs: false,
      what: "a unit that mounts it at /.regrow",
      isDone,
    });
    steps.push({
      kind: "link",
      path: MOUNT_UNIT_LINK,
      target: MOUNT_UNIT_TARGET,
      what: "that unit at every start",
      isDone: facts.files.get(MOUNT_UNIT_LINK) === content,
    });
    steps.push(...settleSteps(facts));
  }
  if (facts.lacksProgram)
    steps.push({
      kind: "program",
      what: "a copy of this program beside the history, which no rollback takes away",
      isDone: false,
    });
  const { engine } = facts;
  if ("write" in engine) {
    steps.push({
      kind: "engine",
      plan: engine,
      what: "the engine that switches roots at the end of a shutdown",
      isDone: engine.write.length === 0,
    });
  }
  return steps;
}

function settleSteps({ files }: SetupFacts): SetupStep[] {
  const content = settleUnit();
  return [
    {
      kind: "file",
      path: SETTLE_UNIT,
      content,
      mode: 0o644,
      isTheirs: false,
      what: "a unit that finishes a switch after the start",
      isDone: files.get(SETTLE_UNIT) === content,
    },
    {
      kind: "link",
      path: SETTLE_UNIT_LINK,
      target: SETTLE_UNIT_TARGET,
      what: "that unit too, where there is something to finish",
      isDone: files.get(SETTLE_UNIT_LINK) === content,
    },
  ];
}

function checksOf(facts: SetupFacts): Check[] {
  const active = facts.swapfiles.filter((path) => !facts.nested.some((nested) => path.startsWith(`/${nested}/`)));
  const hasSnapshots = facts.rootSubvolume !== undefined;
  return [
    {
      name: "swapfile",
      finding: active.length === 0 ? "none in the root subvolume" : active.join(", "),
      ...(hasSnapshots && active.length > 0
        ? {
            problem: {
              code: "refused",
              message: `${active[0]}: a swapfile that is in use stops every snapshot of its subvolume.`,
              hint: "Give it a subvolume of its own: swapoff, move it into a new subvolume (btrfs subvolume create), swapon, and mend fstab.",
            },
          }
        : {}),
    },
    {
      name: "space",
      finding: `${formatSize(facts.available)} free`,
      ...(facts.available < SPACE_NEEDED
        ? {
            problem: {
              code: "no-space",
              message: `${facts.device}: only ${formatSize(facts.available)} are free.`,
              hint: `Free at least ${formatSize(SPACE_NEEDED)}.`,
            },
          }
        : {}),
    },
  ];
}

const SPACE_NEEDED = 64 * 1024 * 1024;

function notesOf(facts: SetupFacts): string[] {
  const notes: string[] = [];
  if (facts.rootSubvolume === undefined) {
    notes.push(
      `The root is on ${facts.fileSystem}: there are no snapshots. A commit reads every file that its cache doesn't know and takes space for all of them, packed: up to ${formatSize(facts.used)} for the first. A rollback of the whole system needs btrfs.`,
    );
  } else {
    notes.push(
      `The first commit shares the blocks of the files (${formatSize(facts.used)} are used): it takes space for the names and times only, roughly 1.3 kB a file, twice where metadata is kept twice.`,
    );
  }
  const { engine } = facts;
  if ("obstacle" in engine && facts.rootSubvolume !== undefined)
    notes.push(`${engine.obstacle} So a running system can't be switched; with --sysroot it can.`);
  if ("write" in engine) notes.push(...engine.warnings);
  if (facts.rootSubvolume === "") {
    notes.push(
      "The root is the top level of the file system: it can be committed, but not exchanged. A rollback needs it in a subvolume.",
      "To bring it there: `btrfs subvolume snapshot / /@rootfs`; write subvol=@rootfs into the options of / in /@rootfs/etc/fstab, " +
        "and rootflags=subvol=@rootfs into the boot loader's command line (with GRUB: `grub-install` and `update-grub` in a chroot of " +
        "/@rootfs, since /boot is there from then on); reboot, look whether `findmnt /` tells @rootfs, and run `regrow setup` again. What is " +
        "in the top level beside @rootfs and @regrow is the old system: keep it until then, and remove it by hand. Subvolumes that are " +
        "nested in / stay in the top level: move each into /@rootfs before the reboot, or mount it by fstab.",
    );
  }
  for (const { path, type } of facts.rootSubvolume === undefined ? [] : facts.bootVolumes)
    notes.push(
      `/${path} is ${type} of its own: what is on it is kept in the commits, by a copy in the root below its mount point, and goes back with a rollback.`,
    );
  for (const path of facts.nested)
    notes.push(`/${path} is a subvolume of its own: it is no part of the commits of the root, and a rollback leaves it.`);
  for (const path of facts.noCow)
    notes.push(`/${path} is marked +C: its files are copied into the repository at each change, not shared.`);
  for (const tool of facts.beside) notes.push(`${tool} keeps snapshots here too: both can go on, and each takes its own space.`);
  if (facts.packageManager === undefined) notes.push("No package manager is known here: differences are told by files only.");
  return notes;
}
