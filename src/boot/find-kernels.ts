/**
 * Finds the kernels of a system's tree: each with its initramfs and whether its modules are there. Where distributions keep them:
 *
 *   boot/vmlinuz-RELEASE, boot/initrd.img-RELEASE or boot/initramfs-RELEASE.img     Debian, Fedora, openSUSE
 *   usr/lib/modules/RELEASE/vmlinuz [and initrd, initramfs.img]                     Fedora, ostree, newer systems
 *   boot/vmlinuz-NAME, boot/initramfs-NAME.img, NAME in usr/lib/modules/RELEASE/pkgbase   Arch: unversioned
 *
 * A kernel's release is what its image says of itself; its name is trusted only where the image doesn't tell.
 */
import { kernelRelease } from "../codec/kernel-image.ts";
import { compareVersions } from "./kernel-version.ts";
import type { TreeReader } from "./tree-reader.ts";

export interface Kernel {
  /** Such as `6.1.0-37-cloud-amd64`. */
  readonly release: string;
  /** In the tree, such as `boot/vmlinuz-6.1.0-37-cloud-amd64`. */
  readonly imagePath: string;
  readonly initrdPath: string | undefined;
  /** Whether the tree has the modules that this very kernel can load. */
  readonly hasModules: boolean;
}

const MODULES = "usr/lib/modules";

/** The newest first; of the same release the complete one first. */
export async function findKernels(tree: TreeReader): Promise<Kernel[]> {
  const boot = new Set(await tree.list("boot"));
  const releases = await releasesWithModules(tree);
  const found: Kernel[] = [];
  for (const name of boot) {
    const suffix = /^(?:vmlinuz|vmlinux|linux)-(.+)$/.exec(name)?.[1];
    if (suffix !== undefined) found.push(...(await describe(tree, releases, `boot/${name}`, suffix, initrdInBoot(boot, suffix))));
  }
  for (const release of releases) {
    const names = new Set(await tree.list(`${MODULES}/${release}`));
    if (!names.has("vmlinuz")) continue;
    const beside = ["initrd", "initramfs.img", "initrd.img"].find((name) => names.has(name));
    const initrd = beside === undefined ? initrdInBoot(boot, release) : `${MODULES}/${release}/${beside}`;
    found.push(...(await describe(tree, releases, `${MODULES}/${release}/vmlinuz`, release, initrd)));
  }
  return found.sort((a, b) => compareVersions(b.release, a.release) || completeness(b) - completeness(a));
}

/** The one to boot: the newest of those that are complete, else the newest of all; undefined where there is none. */
export function chooseKernel(kernels: readonly Kernel[]): Kernel | undefined {
  return kernels.find((kernel) => completeness(kernel) === 2) ?? kernels[0];
}

function completeness(kernel: Kernel): number {
  return Number(kernel.hasModules) + Number(kernel.initrdPath !== undefined);
}

async function describe(
  tree: TreeReader,
  releases: readonly string[],
  imagePath: string,
  suffix: string,
  initrdPath: string | undefined,
): Promise<Kernel[]> {
  const image = await tree.read(imagePath);
  if (image === undefined) return [];
  const release = kernelRelease(image) ?? (await releaseOfPackage(tree, releases, suffix)) ?? suffix;
  return [{ release, imagePath, initrdPath, hasModules: releases.includes(release) }];
}

async function releaseOfPackage(tree: TreeReader, releases: readonly string[], name: string): Promise<string | undefined> {
  for (const release of releases) {
    const base = await tree.read(`${MODULES}/${release}/pkgbase`);
    if (base?.toString("utf8").trim() === name) return release;
  }
  return undefined;
}

// A folder that a removed kernel left behind has no index of its modules.
async function releasesWithModules(tree: TreeReader): Promise<string[]> {
  const releases: string[] = [];
  for (const release of await tree.list(MODULES)) {
    const names = await tree.list(`${MODULES}/${release}`);
    if (names.includes("modules.dep") || names.includes("modules.dep.bin")) releases.push(release);
  }
  return releases;
}

function initrdInBoot(boot: ReadonlySet<string>, suffix: string): string | undefined {
  const names = [`initrd.img-${suffix}`, `initramfs-${suffix}.img`, `initrd-${suffix}`, `initrd-${suffix}.img`];
  const name = names.find((candidate) => boot.has(candidate));
  return name === undefined ? undefined : `boot/${name}`;
}
