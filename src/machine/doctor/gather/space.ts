/** How much room there is where a start or a commit needs some. */
import { bytesOf } from "../../../base/byte-string.ts";
import { findKernels } from "../../../boot/find-kernels.ts";
import { btrfsSpace } from "../../../sys/btrfs/space.ts";
import { tryStatInRoot } from "../../../sys/look-in-root.ts";
import { O, closeFd, openInRoot } from "../../../sys/open.ts";
import { listInRoot } from "../../../sys/read-dir.ts";
import { spaceOf } from "../../../sys/space.ts";
import { folderReader } from "../../sysroot/folder-reader.ts";
import type { BtrfsPlace, Machine } from "../../sysroot/machine.ts";
import type { MetadataFact, SpaceFact } from "../facts.ts";
import { BOOT_MOUNTS } from "./boot-volumes.ts";

/** Of the ESP and a /boot of its own, as far as they are mounted. */
export async function gatherBootSpace({ rootFd, mounts }: Machine): Promise<SpaceFact[]> {
  const places = BOOT_MOUNTS.filter((path) => mounts.has(bytesOf(path)));
  const inBoot = await largestKernel(rootFd);
  return places.map((path) => {
    const fd = openInRoot(rootFd, path, O.RDONLY | O.DIRECTORY);
    try {
      // The ESP beneath a /boot that has the kernels need not take any.
      const needed = path === "boot" ? inBoot : largestOnPartition(rootFd, path);
      return { path: `/${path}`, available: spaceOf(fd).available, needed };
    } finally {
      closeFd(fd);
    }
  });
}

export function gatherMetadata({ topFd }: BtrfsPlace): MetadataFact {
  const { groups, reserve, unallocated } = btrfsSpace(topFd);
  const metadata = groups.filter(({ kind }) => kind === "metadata" || kind === "mixed");
  const sum = (of: (group: (typeof metadata)[number]) => number): number =>
    metadata.reduce((total, group) => total + of(group), 0);
  const used = sum((group) => group.used);
  const copies = Math.max(1, ...metadata.map((group) => group.copies));
  const free = Math.max(0, sum(({ total }) => total) - used - reserve);
  return { free, growable: Math.floor(unallocated / copies), used, unallocated };
}

async function largestKernel(rootFd: number): Promise<number> {
  const sizes = (await findKernels(folderReader(rootFd)))
    .filter(({ imagePath }) => imagePath.startsWith("boot/"))
    .map(({ imagePath, initrdPath }) => sizeOf(rootFd, imagePath) + (initrdPath === undefined ? 0 : sizeOf(rootFd, initrdPath)));
  return Math.max(0, ...sizes);
}

/** By what systemd's kernel-install and regrow put there: a folder for each kernel, unified images. */
function largestOnPartition(rootFd: number, partition: string): number {
  const unified = listInRoot(rootFd, `${partition}/EFI/Linux`).map((name) => sizeOf(rootFd, `${partition}/EFI/Linux/${name}`));
  const [linux, initrd] = ["linux", "initrd"].map((kind) =>
    Math.max(
      0,
      ...listInRoot(rootFd, `${partition}/regrow`)
        .filter((name) => name.endsWith(`-${kind}`))
        .map((name) => sizeOf(rootFd, `${partition}/regrow/${name}`)),
    ),
  );
  return Math.max(0, linux! + initrd!, ...unified);
}

function sizeOf(rootFd: number, path: string): number {
  return tryStatInRoot(rootFd, bytesOf(path))?.size ?? 0;
}
