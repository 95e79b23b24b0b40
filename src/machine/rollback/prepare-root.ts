/** A root that takes another's place: a tree made beside it, and the order to exchange them, or the default subvolume. */
import { bytesOf, displayBytes } from "../../base/byte-string.ts";
import type { Observer } from "../../base/events.ts";
import { armSwitch } from "../../boot/engine/switch-policy.ts";
import { findKernels } from "../../boot/find-kernels.ts";
import { setDefaultSubvolume } from "../../sys/btrfs/subvolumes.ts";
import { subvolumeIdOf } from "../../sys/btrfs/list-subvolumes.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { makeDirs, removeDirAt, renameAt, tryMakeDirAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import type { Place } from "../../volume/driver.ts";
import { openVolume } from "../../volume/open-volume.ts";
import { folderReader } from "../sysroot/folder-reader.ts";
import type { BtrfsPlace, Machine } from "../sysroot/machine.ts";
import type { SwitchOrder } from "../../codec/switch-order.ts";
import type { BootClass } from "../switch/boot-class.ts";
import { type Operation, writeOperation } from "../switch/operation-log.ts";
import { idAt, moveNested, performSwitch } from "../switch/perform-switch.ts";
import { switchByEntry } from "./switch-by-entry.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

export interface SwitchWish {
  readonly number: number;
  readonly kind: Operation["kind"];
  readonly bootClass: BootClass;
  readonly from: string;
  readonly to: string;
  readonly reverses?: number;
  /** The tree of which the new root is a clone. */
  readonly tree: Place;
  readonly nested: readonly string[];
}

/** Makes the new root and switches to it, or has that done at the end of the next shutdown. Throws `unsupported`, `no-space`, SystemError. */
export async function switchTo(
  machine: Machine,
  btrfs: BtrfsPlace,
  homeFd: number,
  wish: SwitchWish,
  observer: Observer,
): Promise<Operation> {
  const folder = `next/${wish.number}`;
  tryMakeDirAt(homeFd, folder, 0o700);
  const folderFd = openAt(homeFd, folder, FOLDER);
  try {
    await openVolume(homeFd).clone(wish.tree, { folderFd, name: bytesOf("root") }, observer);
  } finally {
    closeFd(folderFd);
  }
  const { kind, number, bootClass, from, to, reverses } = wish;
  const name = displayBytes(btrfs.rootPath);
  const operation: Operation = {
    number,
    kind,
    time: new Date().toISOString(),
    state: "prepared",
    from,
    to,
    bootClass,
    name,
    nested: wish.nested,
    replaced: bootClass === "c" ? name : `@regrow/history/${number}/root`,
    ...(reverses === undefined ? {} : { reverses }),
  };
  if (bootClass === "c") return setDefault(btrfs, homeFd, operation);
  return withNext(btrfs, operation, (nextFd, order) =>
    bootClass === "b"
      ? switchByEntry({ machine, btrfs, homeFd, operation, nextFd, order })
      : exchange(machine, btrfs, homeFd, operation, order),
  );
}

async function withNext(
  { topFd, rootPath }: BtrfsPlace,
  operation: Operation,
  work: (nextFd: number, order: SwitchOrder) => Promise<Operation> | Operation,
): Promise<Operation> {
  const { number, bootClass, nested } = operation;
  const next = `@regrow/next/${number}/root`;
  const nextFd = openAt(topFd, next, FOLDER);
  try {
    const kernels = await findKernels(folderReader(nextFd));
    return await work(nextFd, {
      operation: `${number}`,
      bootClass: bootClass === "b" ? "b" : "a",
      name: rootPath,
      next,
      nextId: Number(subvolumeIdOf(nextFd)),
      currentId: Number(idAt(topFd, rootPath)),
      history: operation.replaced,
      kernels: [...new Set(kernels.filter(({ hasModules }) => hasModules).map(({ release }) => release))],
      nested,
    });
  } finally {
    closeFd(nextFd);
  }
}

function exchange(machine: Machine, { topFd }: BtrfsPlace, homeFd: number, operation: Operation, order: SwitchOrder): Operation {
  writeOperation(homeFd, operation);
  armSwitch(homeFd, order);
  if (machine.isLive) return logged(homeFd, { ...operation, state: "armed" });
  performSwitch(topFd, order);
  removeDirAt(homeFd, bytesOf(`next/${operation.number}`));
  return logged(homeFd, { ...operation, state: "done" });
}

/** The replaced root keeps its name; what the boot mounts is told by number. */
function setDefault({ topFd }: BtrfsPlace, homeFd: number, operation: Operation): Operation {
  const { number } = operation;
  const place = `deploy/${number}`;
  makeDirs(homeFd, place, 0o700);
  renameAt(homeFd, bytesOf(`next/${number}/root`), homeFd, bytesOf(`${place}/root`));
  removeDirAt(homeFd, bytesOf(`next/${number}`));
  writeOperation(homeFd, operation);
  syncFileSystem(topFd);
  setDefaultSubvolume(topFd, idAt(homeFd, `${place}/root`)!);
  finishDefault(topFd, operation);
  return logged(homeFd, { ...operation, state: "done" });
}

/** What follows the new default: subvolumes that were nested in the replaced root. May be done again. */
export function finishDefault(topFd: number, { name, number, nested }: Operation): void {
  const currentId = idAt(topFd, name);
  if (currentId === undefined) return;
  for (const path of nested) moveNested(topFd, `${name}/${path}`, `@regrow/deploy/${number}/root/${path}`, currentId);
  syncFileSystem(topFd);
}

function logged(homeFd: number, operation: Operation): Operation {
  writeOperation(homeFd, operation);
  return operation;
}
