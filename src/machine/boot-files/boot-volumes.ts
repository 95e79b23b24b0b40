/**
 * The file systems of a machine that hold what its boot loader reads: /boot, and the ESP wherever it is mounted. Commits are made of the
 * root's snapshot alone, so what is on these volumes is kept in the root itself, below their mount points, where nobody sees it: the
 * **mirror**. So a commit has it, and its cost follows the changes there too.
 */
import { type ByteString, bytesOf, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import { type Keeping, KEEPS_ALL, KEEPS_CONTENTS } from "../../volume/mirror/match-metadata.ts";
import { O, closeFd, openAt, openInRoot } from "../../sys/open.ts";
import { makeDirs } from "../../sys/names.ts";
import type { BtrfsPlace, Machine } from "../sysroot/machine.ts";

export interface BootVolume {
  /** Where it is mounted, from the machine's root: `boot`, `efi` or `boot/efi`. */
  readonly path: string;
  /** Such as `ext4` or `vfat`. */
  readonly type: string;
  /** The device. */
  readonly source: string;
  /** How a boot loader, which sees the whole file system, comes to it: `` or, for a subvolume, such as `/@boot`. */
  readonly prefix: string;
  readonly keeping: Keeping;
}

/** In the order in which they are entered: what holds another's mount point comes first. */
const PATHS = ["boot", "efi", "boot/efi"];
const HOLDING_ALL = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"]);
const HOLDING_CONTENTS = new Set(["vfat", "msdos", "exfat"]);
const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** Those that are mounted. A subvolume of the root's own file system counts: no snapshot of the root has it. */
export function bootVolumes({ mounts }: Machine): BootVolume[] {
  return PATHS.flatMap((path): BootVolume[] => {
    const mount = mounts.get(bytesOf(path));
    if (mount === undefined) return [];
    const { type, source } = mount;
    const volume = { path, type, source, prefix: mount.root === "/" ? "" : displayBytes(mount.root) };
    if (HOLDING_ALL.has(type)) return [{ ...volume, keeping: KEEPS_ALL }];
    return HOLDING_CONTENTS.has(type) ? [{ ...volume, keeping: KEEPS_CONTENTS }] : [];
  });
}

/** Runs `work` with the volume's own folder, open. Throws SystemError. */
export function inVolume<T>({ rootFd }: Machine, { path }: BootVolume, work: (fd: number) => T): T {
  const fd = openInRoot(rootFd, path, O.RDONLY | O.DIRECTORY);
  try {
    return work(fd);
  } finally {
    closeFd(fd);
  }
}

/**
 * Runs `work` with the folder in a root subvolume that the volume's mount hides. It is made where it is missing. `root`: the subvolume's
 * path from the top level. Throws SystemError, `refused` where a link or a file stands there.
 */
export function inMirror<T>(
  { topFd }: BtrfsPlace,
  root: ByteString,
  { path }: Pick<BootVolume, "path">,
  work: (fd: number) => T,
): T {
  const rootFd = openAt(topFd, root, FOLDER);
  try {
    const fd = openHidden(rootFd, path);
    try {
      return work(fd);
    } finally {
      closeFd(fd);
    }
  } finally {
    closeFd(rootFd);
  }
}

function openHidden(rootFd: number, path: string): number {
  let fd = rootFd;
  for (const name of path.split("/")) {
    const above = fd;
    try {
      makeDirs(above, name, 0o755);
      fd = openAt(above, name, FOLDER);
    } catch (error) {
      if (!isErrno(error, "ELOOP", "ENOTDIR", "EEXIST")) throw error;
      throw new RegrowError("refused", `/${path}: below the mount the root has no folder there.`, {
        path: `/${path}`,
        hint: "Look at it with the file system unmounted.",
        cause: error,
      });
    } finally {
      if (above !== rootFd) closeFd(above);
    }
  }
  return fd;
}

/** Whether `path`, from the top of a volume, is regrow's own for as long as a switch is under way. */
export function isOfSwitch(path: string): boolean {
  return path === SWITCH_FOLDER || path.startsWith(`${SWITCH_FOLDER}/`) || SWITCH_ENTRY.test(path);
}

/** Whether `path` is a boot loader's program or state, which belongs to the disk and not to the system that is on it. */
export function isOfLoader(path: string): boolean {
  return LOADER_FILES.some((pattern) => pattern.test(path));
}

// Programs but for unified kernels; GRUB's modules, which fit the program that is installed; what loaders write themselves.
const LOADER_FILES = [
  /^efi\/(?!linux(\/|$))/i,
  /^grub2?\/(x86_64|i386|arm64|arm|riscv64|ia64)-[a-z0-9]+(\/|$)/,
  /^grub2?\/(grubenv|fonts)(\/|$)/,
  /^loader\/random-seed$/i,
];

/** On the volume that has the kernels: those of the switch, under content names. */
export const SWITCH_FOLDER = "regrow-switch";
const SWITCH_ENTRY = /^loader\/entries\/regrow-switch-\d+\.conf$/;
