/**
 * Disk images with Debian and GRUB for each boot class, made on the host without installing anything inside a guest, and kept beside
 * the Debian tree that they are made from:
 *
 *   partition 1   ESP: EFI/BOOT/BOOTX64.EFI, a GRUB that has all it needs inside and reads the grub.cfg below
 *   partition 2   classes b and c: ext4, mounted at /boot
 *   the last      btrfs: the root in the subvolume `@rootfs`
 *
 *   class a   /boot in the root; GRUB finds it by its path, `/@rootfs/boot`
 *   class b   /boot on ext4; the kernel gets rootflags=subvol=@rootfs
 *   class c   /boot on ext4; the root is the default subvolume, which nothing names (Debian's GRUB finds no /boot in that)
 *
 * The root has regrow's engine in it and in its initramfs, and a guest script (guest-script.ts).
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gatherEngineFacts } from "../../src/boot/engine/engine-facts.ts";
import { installEngine, planEngineInstall } from "../../src/boot/engine/install-engine.ts";
import { takeLock } from "../../src/sys/lock.ts";
import { CWD, O, closeFd, openAt } from "../../src/sys/open.ts";
import { BOOTABLE, DEBIAN_TREE_NEEDS, cacheFolder, debianTree } from "./debian-tree.ts";
import { POWER_OFF, putGuestScript } from "./guest-script.ts";
import { run, runText } from "./programs.ts";

/** What a test must require before it asks for an image. */
export const GRUB_IMAGE_NEEDS = {
  root: true,
  programs: [
    ...DEBIAN_TREE_NEEDS.programs,
    ...["btrfs", "mkfs.btrfs", "mkfs.ext4", "mkfs.vfat", "mcopy", "mmd", "sfdisk", "losetup", "mount", "unshare", "grub-mkimage"],
  ],
  files: ["/usr/lib/grub/x86_64-efi/btrfs.mod"],
  filesystems: ["btrfs"],
} as const;

export interface GrubImageOptions {
  readonly bootClass: "a" | "b" | "c";
  /** Added to the kernel's command line. */
  readonly parameters?: readonly string[];
}

/** The UUID of the ext4 that is /boot in classes b and c. */
export const BOOT_UUID = "5e0b1a8e-77c4-4c8e-9d55-0d6f7a1e2b00";
export const ROOT_NAME = "@rootfs";

const MIB = 2 ** 20;
const DAY_MILLISECONDS = 24 * 3600 * 1000;
const SIZE_MIB = 2560;
const ESP_MIB = 64;
const BOOT_MIB = 256;
const MODULES = [
  "part_gpt",
  "btrfs",
  "ext2",
  "search",
  "search_fs_uuid",
  "normal",
  "configfile",
  "linux",
  "serial",
  "terminal",
  "test",
  "echo",
];

/** The UUID of the btrfs. */
export function rootUuid({ bootClass }: Pick<GrubImageOptions, "bootClass">): string {
  return `5e0b1a8e-77c4-4c8e-9d55-0d6f7a1e2b0${bootClass}`;
}

/** Copies an image of that kind to `path`; it is made before where no test has asked for it yet. */
export async function grubImage(path: string, options: GrubImageOptions): Promise<void> {
  const kind = join(cacheFolder(), `grub-${options.bootClass}`);
  const base = `${kind}-${hashOf(options)}.img`;
  if (!existsSync(base)) {
    const lock = await takeLock(CWD, `${kind}.lock`, { kind: "exclusive", timeoutSeconds: 900 });
    try {
      if (!existsSync(base)) await alone(() => build(base, options));
      removeOld(`grub-${options.bootClass}-`);
    } finally {
      lock.release();
    }
  }
  run("cp", ["--sparse=always", "--reflink=auto", base, path]);
}

/** Mounts the top level of the image's btrfs for as long as `use` runs. */
export async function withTopLevel<T>(
  image: string,
  options: Pick<GrubImageOptions, "bootClass">,
  use: (top: string) => T | Promise<T>,
): Promise<T> {
  return alone(() =>
    withPartition(image, rootPartition(options), (device) => withMount(device, `${image}.top`, ["-o", "subvolid=5"], use)),
  );
}

/** Mounts the image's root as its own boot would, /boot included, for as long as `use` runs. */
export async function withMachineRoot<T>(
  image: string,
  options: Pick<GrubImageOptions, "bootClass">,
  use: (root: string) => T | Promise<T>,
): Promise<T> {
  const flags = options.bootClass === "c" ? [] : ["-o", `subvol=${ROOT_NAME}`];
  return alone(() =>
    withPartition(image, rootPartition(options), (rootDevice) =>
      withMount(rootDevice, `${image}.root`, flags, (root) =>
        hasBoot(options)
          ? withPartition(image, bootPartition(), (bootDevice) => withMount(bootDevice, join(root, "boot"), [], () => use(root)))
          : use(root),
      ),
    ),
  );
}

/** Throws where `btrfs check` finds anything wrong with the image's btrfs, which must not be mounted. */
export async function checkRootFileSystem(image: string, options: Pick<GrubImageOptions, "bootClass">): Promise<void> {
  await alone(() => withPartition(image, rootPartition(options), (device) => void run("btrfs", ["check", device])));
}

/** The kernel releases that the root in this folder has modules for. */
export function kernelsOf(root: string): readonly string[] {
  return readdirSync(join(root, "usr/lib/modules"));
}

// Images of one kind have the same UUID, and the kernel can't tell two such file systems apart: only one is attached at a time.
async function alone<T>(use: () => T | Promise<T>): Promise<T> {
  const lock = await takeLock(CWD, join(cacheFolder(), "grub-attached.lock"), { kind: "exclusive", timeoutSeconds: 900 });
  try {
    return await use();
  } finally {
    lock.release();
  }
}

// Each change of what they are made from makes new ones.
function removeOld(prefix: string): void {
  for (const name of readdirSync(cacheFolder()).filter((each) => each.startsWith(prefix) && each.endsWith(".img"))) {
    const path = join(cacheFolder(), name);
    if (statSync(path).mtimeMs < Date.now() - DAY_MILLISECONDS) rmSync(path, { force: true });
  }
}

interface Extent {
  readonly startMib: number;
  readonly sizeMib: number;
}

async function build(base: string, options: GrubImageOptions): Promise<void> {
  const debian = await debianTree();
  const image = `${base}.part`;
  rmSync(image, { force: true });
  writeFileSync(image, "");
  truncateSync(image, SIZE_MIB * MIB);
  partition(image, options);
  await withPartition(image, rootPartition(options), async (device) => {
    run("mkfs.btrfs", ["-q", "-U", rootUuid(options), device]);
    await withMount(device, `${image}.top`, ["-o", "subvolid=5"], async (top) => {
      const root = join(top, ROOT_NAME);
      run("btrfs", ["-q", "subvolume", "create", root]);
      await debian.unpack(root);
      fillRoot(root, options);
      if (hasBoot(options)) await moveBoot(image, root);
      if (options.bootClass === "c") run("btrfs", ["subvolume", "set-default", root]);
    });
  });
  await makeEsp(image, options);
  renameSync(image, base);
}

function fillRoot(root: string, options: GrubImageOptions): void {
  const lines = [`UUID=${rootUuid(options)} / btrfs ${options.bootClass === "c" ? "defaults" : `subvol=${ROOT_NAME}`} 0 0`];
  if (hasBoot(options)) lines.push(`UUID=${BOOT_UUID} /boot ext4 defaults 0 2`);
  writeFileSync(join(root, "etc/fstab"), `${lines.join("\n")}\n`);
  mkdirSync(join(root, "etc/initramfs-tools/conf.d"), { recursive: true });
  writeFileSync(join(root, "etc/initramfs-tools/conf.d/resume"), "RESUME=none\n");
  putGuestScript(root, POWER_OFF);
  const fd = openAt(CWD, root, O.RDONLY | O.DIRECTORY);
  try {
    installEngine(fd, planEngineInstall(gatherEngineFacts(fd)));
  } finally {
    closeFd(fd);
  }
  const chroot = 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$1" update-initramfs -u -k all';
  run("unshare", ["--mount", "sh", "-ec", chroot, "sh", root]);
  const folder = join(root, "boot/grub");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "grub.cfg"), grubConfig(newestKernel(root), options));
}

function newestKernel(root: string): string {
  const [release] = kernelsOf(root).toSorted().toReversed();
  return release!;
}

/** Like a distribution's: entries, and a custom.cfg beside it if there is one. */
function grubConfig(release: string, image: GrubImageOptions): string {
  const { bootClass, parameters = [] } = image;
  const folder = hasBoot(image) ? "" : `/${ROOT_NAME}/boot`;
  const flags = bootClass === "c" ? [] : [`rootflags=subvol=${ROOT_NAME}`];
  const options = [`root=UUID=${rootUuid(image)}`, ...flags, "ro", "console=ttyS0", ...parameters].join(" ");
  return `set timeout=0
menuentry "Debian" --id debian {
  linux ${folder}/vmlinuz-${release} ${options}
  initrd ${folder}/initrd.img-${release}
}
if [ -f \${config_directory}/custom.cfg ]; then
  source \${config_directory}/custom.cfg
fi
`;
}

async function moveBoot(image: string, root: string): Promise<void> {
  await withPartition(image, bootPartition(), async (device) => {
    run("mkfs.ext4", ["-q", "-U", BOOT_UUID, device]);
    await withMount(device, `${image}.boot`, [], (boot) => {
      run("cp", ["-a", `${join(root, "boot")}/.`, boot]);
      run("find", [join(root, "boot"), "-mindepth", "1", "-delete"]);
    });
  });
}

async function makeEsp(image: string, options: GrubImageOptions): Promise<void> {
  const [config, program] = [`${image}.cfg`, `${image}.efi`];
  const uuid = hasBoot(options) ? BOOT_UUID : rootUuid(options);
  const folder = hasBoot(options) ? "/grub" : `/${ROOT_NAME}/boot/grub`;
  const lines = [
    "serial --unit=0 --speed=115200",
    "terminal_output serial",
    `search.fs_uuid ${uuid} root`,
    `set prefix=($root)${folder}`,
    "configfile $prefix/grub.cfg",
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  run("grub-mkimage", ["-O", "x86_64-efi", "-p", folder, "-c", config, "-o", program, ...MODULES]);
  await withPartition(image, espPartition(), (device) => {
    run("mkfs.vfat", ["-F", "32", device]);
    run("mmd", ["-i", device, "::EFI", "::EFI/BOOT"]);
    run("mcopy", ["-i", device, program, "::EFI/BOOT/BOOTX64.EFI"]);
  });
  for (const file of [config, program]) rmSync(file);
}

function espPartition(): Extent {
  return { startMib: 1, sizeMib: ESP_MIB };
}

function bootPartition(): Extent {
  return { startMib: 1 + ESP_MIB, sizeMib: BOOT_MIB };
}

function hasBoot({ bootClass }: Pick<GrubImageOptions, "bootClass">): boolean {
  return bootClass !== "a";
}

function rootPartition(options: Pick<GrubImageOptions, "bootClass">): Extent {
  const startMib = 1 + ESP_MIB + (hasBoot(options) ? BOOT_MIB : 0);
  return { startMib, sizeMib: SIZE_MIB - 1 - startMib };
}

function partition(image: string, options: GrubImageOptions): void {
  const line = ({ startMib, sizeMib }: Extent, type: string): string => `start=${startMib}MiB, size=${sizeMib}MiB, type=${type}`;
  const lines = ["label: gpt", line(espPartition(), "uefi")];
  if (hasBoot(options)) lines.push(line(bootPartition(), "linux"));
  lines.push(line(rootPartition(options), "linux"));
  run("sfdisk", ["--quiet", image], { input: `${lines.join("\n")}\n` });
}

async function withPartition<T>(image: string, extent: Extent, use: (device: string) => T | Promise<T>): Promise<T> {
  const limits = ["--offset", `${extent.startMib * MIB}`, "--sizelimit", `${extent.sizeMib * MIB}`];
  const device = runText("losetup", ["--find", "--show", ...limits, image]);
  try {
    return await use(device);
  } finally {
    run("losetup", ["--detach", device]);
  }
}

async function withMount<T>(
  device: string,
  at: string,
  options: readonly string[],
  use: (at: string) => T | Promise<T>,
): Promise<T> {
  const isNew = mkdirSync(at, { recursive: true }) !== undefined;
  run("mount", [...options, device, at]);
  try {
    return await use(at);
  } finally {
    run("umount", [at]);
    // A folder of a root stays, with what the mount has hidden.
    if (isNew) rmSync(at, { recursive: true });
  }
}

// All that an image is made from: the recipe, this file and its neighbours, what regrow puts into the root.
function hashOf(options: GrubImageOptions): string {
  const hash = createHash("sha256").update(JSON.stringify([BOOTABLE, options]));
  const root = join(import.meta.dirname, "../..");
  const folders = ["assets/engine", "src/boot/engine"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  for (const file of [...folders.toSorted(), import.meta.filename, join(dirname(import.meta.filename), "guest-script.ts")]) {
    hash.update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 16);
}
