/** Keeping what is on the boot volumes in the root, so that the next snapshot has it; and putting it back from there. */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { type Observer, report } from "../../base/events.ts";
import { createSnapshot } from "../../sys/btrfs/subvolumes.ts";
import { replaceFileAt, syncFileSystem } from "../../sys/durable.ts";
import { existsAt, makeDirs, removeTreeAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { tryReadFileAt } from "../../sys/read-file.ts";
import { KEEPS_ALL } from "../../volume/mirror/match-metadata.ts";
import { type MirrorCounts, mirrorTree } from "../../volume/mirror/mirror-tree.ts";
import type { BtrfsPlace, Machine } from "../sysroot/machine.ts";
import { withoutSwitch } from "./loader-default.ts";
import { type BootVolume, bootVolumes, inMirror, inVolume, isOfLoader, isOfSwitch } from "./boot-volumes.ts";

/** In regrow's home: the paths of the volumes that have a mirror, one a line. */
const RECORD = "log/boot-volumes";
/** What was hidden below the mount points before there were mirrors. */
const COVERED = "history/covered";

export interface MirrorCall {
  /** The root subvolume that gets it, from the top level. */
  readonly root: ByteString;
  /** Read all contents. */
  readonly thorough?: boolean;
}

/**
 * For who holds the machine's lock. What was below a mount point before is kept once, in a snapshot. Throws `cancelled`, `refused`,
 * SystemError: begun again, it goes on.
 */
export function mirrorBootVolumes(
  machine: Machine,
  homeFd: number,
  { root, thorough }: MirrorCall,
  observer: Observer = {},
): void {
  const { btrfs } = machine;
  const volumes = bootVolumes(machine);
  if (btrfs === undefined || volumes.length === 0) return;
  report(observer, "boot", { done: 0, total: volumes.length });
  takeOver(btrfs, homeFd, root, volumes);
  const mirrored = mirroredPaths(homeFd);
  for (const [index, volume] of volumes.entries()) {
    const skips = (path: ByteString): boolean => isLeftOut(volume, mirrored, path);
    inVolume(machine, volume, (from) =>
      inMirror(btrfs, root, volume, (to) => {
        mirrorTree(from, to, { skips, keeping: KEEPS_ALL, thorough, signal: observer.signal });
        withoutSwitch(to);
      }),
    );
    report(observer, "boot", { done: index + 1, total: volumes.length });
  }
}

/**
 * Makes the boot volumes what the mirror in `root` says, but for the boot loader's own programs and state, the files of the switch itself,
 * and `leave`. On the disk when it returns. A volume of which nothing was kept stays as it is. Throws as above.
 */
export function putBootFilesBack(
  machine: Machine,
  btrfs: BtrfsPlace,
  homeFd: number,
  root: ByteString,
  leave: (volume: BootVolume, path: string) => boolean,
): MirrorCounts {
  const all = { written: 0, removed: 0, bytes: 0 };
  const mirrored = mirroredPaths(homeFd);
  for (const volume of bootVolumes(machine)) {
    const skips = (path: ByteString): boolean =>
      isLeftOut(volume, mirrored, path) || isOfLoader(path) || leave(volume, path as string);
    const options = { skips, keeping: volume.keeping, thorough: true, durable: true };
    const counts = inMirror(btrfs, root, volume, (from) => {
      if (readDir(from).length === 0) return undefined;
      return inVolume(machine, volume, (to) => {
        const found = mirrorTree(from, to, options);
        syncFileSystem(to);
        return found;
      });
    });
    if (counts === undefined) continue;
    all.written += counts.written;
    all.removed += counts.removed;
    all.bytes += counts.bytes;
  }
  return all;
}

/** Empties the mirrors, for a machine that regrow leaves. Throws SystemError. */
export function removeMirrors({ btrfs }: Machine, homeFd: number): void {
  if (btrfs === undefined) return;
  for (const path of [...mirroredPaths(homeFd)].toReversed())
    inMirror(btrfs, btrfs.rootPath, { path }, (fd) => {
      for (const { name } of readDir(fd)) removeTreeAt(fd, name);
    });
  tryUnlinkAt(homeFd, bytesOf(RECORD));
}

/** Which volumes have a mirror, by their mount points. */
export function mirroredPaths(homeFd: number): ReadonlySet<string> {
  const text = tryReadFileAt(homeFd, RECORD, 64 * 1024)?.toString("utf8") ?? "";
  return new Set(text.split("\n").filter((line) => line !== ""));
}

function takeOver(btrfs: BtrfsPlace, homeFd: number, root: ByteString, volumes: readonly BootVolume[]): void {
  const mirrored = mirroredPaths(homeFd);
  const added = volumes.filter(({ path }) => !mirrored.has(path));
  if (added.length === 0) return;
  if (added.some((volume) => inMirror(btrfs, root, volume, (fd) => readDir(fd).length > 0))) keepCovered(btrfs, homeFd, root);
  const paths = [...mirrored, ...added.map(({ path }) => path)].toSorted();
  replaceFileAt(homeFd, "log", "boot-volumes", Buffer.from(`${paths.join("\n")}\n`), { mode: 0o600 });
}

function keepCovered({ topFd }: BtrfsPlace, homeFd: number, root: ByteString): void {
  if (existsAt(homeFd, bytesOf(`${COVERED}/root`))) return;
  makeDirs(homeFd, COVERED, 0o700);
  const [rootFd, folderFd] = [openAt(topFd, root, O.RDONLY | O.DIRECTORY), openAt(homeFd, COVERED, O.RDONLY | O.DIRECTORY)];
  try {
    createSnapshot(rootFd, folderFd, bytesOf("root"), { readOnly: true });
  } finally {
    for (const fd of [rootFd, folderFd]) closeFd(fd);
  }
}

function isLeftOut({ path: volume }: BootVolume, mirrored: ReadonlySet<string>, path: ByteString): boolean {
  // The ESP in /boot is a volume of its own, mounted at this moment or not.
  if (volume === "boot" && path === "efi" && mirrored.has("boot/efi")) return true;
  return path === "lost+found" || isOfSwitch(path);
}
