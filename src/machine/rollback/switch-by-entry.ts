/**
 * Boot class b: kernels are outside of the root. The prepared root gets an entry of its own in the boot loader, and becomes the next start by
 * the loader's default. When it has been started, or at once where the machine doesn't run, the names change place; then the boot volumes
 * become what the new root's commit says, and the loader's default is its own again. Cut anywhere, what the loader starts is whole.
 */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { chooseBoot } from "../../boot/boot-choice.ts";
import { armSwitch } from "../../boot/engine/switch-policy.ts";
import type { SwitchOrder } from "../../codec/switch-order.ts";
import { defaultSubvolume } from "../../sys/btrfs/list-subvolumes.ts";
import { setDefaultSubvolume } from "../../sys/btrfs/subvolumes.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { existsAt, removeDirAt } from "../../sys/names.ts";
import { bootVolumes, inMirror } from "../boot-files/boot-volumes.ts";
import { findLoader } from "../boot-files/loader-place.ts";
import { mirrorBootVolumes, putBootFilesBack } from "../boot-files/mirror-boot.ts";
import { type NextBoot, readOwnFile, unsetDefault } from "../boot-files/loader-default.ts";
import { describeNextBoot, prepareNextBoot, removeNextBoots } from "../boot-files/next-boot.ts";
import { folderReader } from "../sysroot/folder-reader.ts";
import type { BtrfsPlace, Machine } from "../sysroot/machine.ts";
import { type Operation, writeOperation } from "../switch/operation-log.ts";
import { idAt, performSwitch } from "../switch/perform-switch.ts";

export interface EntrySwitch {
  readonly machine: Machine;
  readonly btrfs: BtrfsPlace;
  readonly homeFd: number;
  readonly operation: Operation;
  /** The prepared root. */
  readonly nextFd: number;
  readonly order: SwitchOrder;
}

/** Throws `refused`, `not-found`, `no-space`, `unsupported`, SystemError. */
export async function switchByEntry({ machine, btrfs, homeFd, operation, nextFd, order }: EntrySwitch): Promise<Operation> {
  const place = findLoader(machine);
  const choice = place === undefined ? undefined : await chooseBoot(folderReader(nextFd), place.files);
  if (place === undefined || choice === undefined) {
    throw new RegrowError("refused", "The prepared root has no entry for the boot loader with its kernel.", {
      hint: "Restore single paths instead: `regrow restore`.",
    });
  }
  const { number } = operation;
  const boot = describeNextBoot(place, number);
  writeOperation(homeFd, { ...operation, boot });
  const makeDefault = await prepareNextBoot(machine, boot, { number, rootFd: nextFd, rootId: order.nextId, choice });
  syncFileSystem(nextFd);
  armSwitch(homeFd, order);
  // The commit point.
  makeDefault();
  if (machine.isLive) return logged(homeFd, { ...operation, boot, state: "armed" });
  performSwitch(btrfs.topFd, order);
  removeDirAt(homeFd, bytesOf(`next/${number}`));
  const done = finishEntry(machine, btrfs, homeFd, logged(homeFd, { ...operation, boot, state: "done" }));
  removeNextBoots(machine, []);
  return done;
}

/**
 * What follows the start of the new root. May be done again; nothing happens where it is done, or a volume is not mounted. Throws
 * `no-space`, SystemError.
 */
export function finishEntry(machine: Machine, btrfs: BtrfsPlace, homeFd: number, operation: Operation): Operation {
  const { boot, name, replaced } = operation;
  if (boot === undefined || boot.isPutBack === true) return operation;
  const volumes = bootVolumes(machine);
  if (!volumes.some(({ path }) => path === boot.volume)) return operation;
  let now = operation;
  if (boot.isSaved !== true) {
    // What was written there between the last commit and the switch.
    if (existsAt(btrfs.topFd, replaced as ByteString)) {
      mirrorBootVolumes(machine, homeFd, { root: bytesOf(replaced), thorough: true });
      syncFileSystem(btrfs.topFd);
    }
    now = withBoot(homeFd, now, { ...boot, isSaved: true });
  }
  moveDefaultSubvolume(btrfs, operation);
  putBootFilesBack(machine, btrfs, homeFd, bytesOf(name), ({ path }, file) => path === boot.volume && file === boot.defaultFile);
  const own = inMirror(btrfs, bytesOf(name), { path: boot.volume }, (fd) => readOwnFile(fd, boot));
  unsetDefault(machine, boot, own);
  return withBoot(homeFd, now, { ...now.boot!, isPutBack: true });
}

/** The name that the boot uses leads to the new root already; where nothing names a root, its number has to follow. */
function moveDefaultSubvolume({ topFd }: BtrfsPlace, { name, replaced }: Operation): void {
  const [current, former] = [idAt(topFd, name), idAt(topFd, replaced)];
  if (current === undefined || former === undefined || defaultSubvolume(topFd) !== former) return;
  syncFileSystem(topFd);
  setDefaultSubvolume(topFd, current);
  syncFileSystem(topFd);
}

function withBoot(homeFd: number, operation: Operation, boot: NextBoot): Operation {
  return logged(homeFd, { ...operation, boot });
}

function logged(homeFd: number, operation: Operation): Operation {
  writeOperation(homeFd, operation);
  return operation;
}
