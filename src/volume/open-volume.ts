/** Which driver fits the file system of a folder. */
import { RegrowError } from "../base/errors.ts";
import { O, closeFd, openAt } from "../sys/open.ts";
import { fileSystemMagic } from "../sys/space.ts";
import { cloneFile } from "../sys/write-file.ts";
import { BTRFS_DRIVER } from "./btrfs/driver.ts";
import { copyDriver } from "./copy/driver.ts";
import type { VolumeDriver } from "./driver.ts";

/** linux/magic.h. */
const BTRFS = 0x9123683e;
/** Those that keep owners, modes, links, attributes and device nodes. */
const COMPLETE = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0xf2f52010, "f2fs"],
  [0xca451a4e, "bcachefs"],
  [0x2fc12fc1, "zfs"],
  [0x01021994, "tmpfs"],
  [0x794c7630, "overlay"],
]);

/** By the kind of the file system, and by trying whether it shares blocks. Throws `unsupported`, SystemError. */
export function openVolume(folderFd: number): VolumeDriver {
  const magic = fileSystemMagic(folderFd);
  if (magic === BTRFS) return BTRFS_DRIVER;
  if (COMPLETE.has(magic)) return copyDriver(canShareBlocks(folderFd));
  throw new RegrowError("unsupported", `Its file system (type 0x${magic.toString(16)}) can't hold whole systems.`, {
    hint: "Choose a folder on btrfs, xfs or ext4: others lose owners, links or attributes.",
  });
}

/** On two files without names and content. */
function canShareBlocks(folderFd: number): boolean {
  let [a, b] = [-1, -1];
  try {
    a = openAt(folderFd, ".", O.TMPFILE | O.RDWR, 0o600);
    b = openAt(folderFd, ".", O.TMPFILE | O.RDWR, 0o600);
    return cloneFile(a, b) === "cloned";
  } catch (error) {
    // Read-only, or without such files: then nothing is shared either.
    if (error instanceof RegrowError) return false;
    throw error;
  } finally {
    for (const fd of [a, b]) if (fd >= 0) closeFd(fd);
  }
}
