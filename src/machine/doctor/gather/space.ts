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
      const needed = Math.max(path === "boot" ? inBoot : 0, largestOnPartition(rootFd, path));
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

/** By what is there: unified images, regrow's files, and the folder of each kernel that systemd's kernel-install makes. */
function largestOnPartition(rootFd: number, partition: string): number {
  const sizesIn = (folder: string, wanted: RegExp): number[] =>
    listInRoot(rootFd, folder)
      .filter((name) => wanted.test(name))
      .map((name) => sizeOf(rootFd, `${folder}/${name}`));
  const largest = (sizes: readonly number[]): number => Math.max(0, ...sizes);
  const folders = listInRoot(rootFd, partition)
    .filter((name) => /^[0-9a-f]{32}$/.test(name))
    .flatMap((machine) => listInRoot(rootFd, `${partition}/${machine}`).map((release) => `${partition}/${machine}/${release}`));
  return largest([
    ...sizesIn(`${partition}/EFI/Linux`, /\.efi$/i),
    largest(sizesIn(`${partition}/regrow`, /-linux$/)) + largest(sizesIn(`${partition}/regrow`, /-initrd$/)),
    ...folders.map((folder) => sizesIn(folder, /^(?:linux|initrd)/).reduce((sum, size) => sum + size, 0)),
  ]);
}

function sizeOf(rootFd: number, path: string): number {
  return tryStatInRoot(rootFd, bytesOf(path))?.size ?? 0;
}
