/** What has to be so before a boot loader on a volume of its own is told to start another root (boot class b). */
import { formatSize } from "../../base/units.ts";
import type { BootChoice } from "../../boot/boot-choice.ts";
import { ENGINE_PATH } from "../../boot/engine/engine-files.ts";
import { findInImage } from "../../boot/engine/initramfs-image.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Repository } from "../../store/repository.ts";
import { spaceOf } from "../../sys/space.ts";
import { inVolume } from "../boot-files/boot-volumes.ts";
import type { LoaderPlace } from "../boot-files/loader-place.ts";
import type { Check } from "../check.ts";
import { commitSource } from "../commit-source.ts";
import type { Machine } from "../sysroot/machine.ts";

export interface NextBootFacts {
  readonly machine: Machine;
  readonly repository: Repository;
  readonly target: Checksum;
  readonly place: LoaderPlace;
  readonly choice: BootChoice | undefined;
}

/** Once under the name of the switch, once under its own. */
const COPIES = 2;
const SLACK = 4 * 1024 * 1024;
/** The order's version is the engine's. */
const KNOWS_ORDERS = /^# regrow-engine 1:/m;

export async function checkNextBoot({ machine, repository, target, place, choice }: NextBootFacts): Promise<Check[]> {
  const { files, volume, obstacle } = place;
  const checks: Check[] = [
    {
      name: "loader",
      finding: `${files.loader} on /${volume.path} (${volume.type})`,
      ...(obstacle === undefined ? {} : { problem: { code: "refused", ...obstacle } as const }),
    },
  ];
  if (choice === undefined) return checks;
  const source = commitSource(repository, target);
  const contents = await Promise.all([choice.kernelPath, ...choice.initrdPaths].map((path) => source.read(path)));
  const needed = COPIES * contents.reduce((sum, content) => sum + (content?.length ?? 0), 0) + SLACK;
  const available = inVolume(machine, volume, (fd) => spaceOf(fd).available);
  checks.push({
    name: "boot space",
    finding: `${formatSize(available)} free on /${volume.path}`,
    ...(available < needed
      ? {
          problem: {
            code: "no-space",
            message: `/${volume.path}: ${formatSize(needed)} are needed for the kernel beside the present ones, and ${formatSize(available)} are free.`,
            hint: "Remove a kernel that is not used (`apt autoremove`, `dnf remove --oldinstallonly`).",
          } as const,
        }
      : {}),
  });
  if (!machine.isLive) return checks;
  const hasEngine = await someHasEngine(contents.slice(1));
  checks.push({
    name: "initramfs",
    finding: hasEngine ? "has the engine" : "has no engine",
    ...(hasEngine
      ? {}
      : {
          problem: {
            code: "refused",
            message: `${target.slice(0, 12)}: the initramfs that this commit starts with has no engine, which puts the names right.`,
            hint: "Take a commit that was made after `regrow setup`, restore single paths, or roll back from another system with --sysroot.",
          } as const,
        }),
  });
  return checks;
}

async function someHasEngine(images: readonly (Buffer | undefined)[]): Promise<boolean> {
  for (const image of images) {
    if (image === undefined) continue;
    try {
      const engine = await findInImage(image, ENGINE_PATH);
      if (engine !== undefined && KNOWS_ORDERS.test(engine.toString("latin1"))) return true;
    } catch (error) {
      // Packed in a way that can't be unpacked here.
      if (!(error instanceof RegrowError) || !["corrupt", "missing-program", "program-failed"].includes(error.code)) throw error;
    }
  }
  return false;
}
