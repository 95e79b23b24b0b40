/** Where a program is on this machine, and which Debian package has it when it is not. */
import { accessSync, constants, statSync } from "node:fs";
import process from "node:process";
import { RegrowError } from "../base/errors.ts";

const DEBIAN_PACKAGES: Record<string, string> = {
  btrfs: "btrfs-progs",
  bzip2: "bzip2",
  cp: "coreutils",
  diff: "diffutils",
  "grub-install": "grub2-common",
  "grub2-install": "grub2-common",
  mkinitramfs: "initramfs-tools-core",
  "update-initramfs": "initramfs-tools",
  "mkfs.btrfs": "btrfs-progs",
  "mkfs.ext4": "e2fsprogs",
  "mkfs.vfat": "dosfstools",
  "fsck.vfat": "dosfstools",
  mcopy: "mtools",
  mdir: "mtools",
  mmd: "mtools",
  mmdebstrap: "mmdebstrap",
  ostree: "ostree",
  "qemu-img": "qemu-utils",
  "qemu-system-x86_64": "qemu-system-x86",
  setpriv: "util-linux",
  sfdisk: "fdisk",
  sgdisk: "gdisk",
  sh: "dash",
  tar: "tar",
  unshare: "util-linux",
  xz: "xz-utils",
  zstd: "zstd",
};

/** Where the package is called otherwise than on Debian. */
const FEDORA_PACKAGES: Record<string, string> = {
  "update-initramfs": "dracut",
  "grub2-install": "grub2-tools",
  "mkfs.ext4": "e2fsprogs",
  sh: "bash",
  sfdisk: "util-linux",
  xz: "xz",
};
const ARCH_PACKAGES: Record<string, string> = { "grub-install": "grub", sh: "bash", sfdisk: "util-linux", xz: "xz" };
const INSTALLERS: Record<string, readonly [command: string, others: Record<string, string>]> = {
  debian: ["apt install", {}],
  ubuntu: ["apt install", {}],
  fedora: ["dnf install", FEDORA_PACKAGES],
  rhel: ["dnf install", FEDORA_PACKAGES],
  suse: ["zypper install", {}],
  opensuse: ["zypper install", {}],
  arch: ["pacman -S", ARCH_PACKAGES],
};

/** The command that installs the program. `distribution`: ID and ID_LIKE of os-release; Debian's command where none is known. */
export function installCommand(program: string, distribution: readonly string[]): string {
  const known = distribution.map((id) => INSTALLERS[id]).find((installer) => installer !== undefined);
  const [command, others] = known ?? INSTALLERS["debian"]!;
  return `${command} ${others[program] ?? debianPackageOf(program)}`;
}

/** The Debian package that has the program; its own name where none is known. */
export function debianPackageOf(program: string): string {
  return DEBIAN_PACKAGES[program] ?? program;
}

/** The program's full path, or undefined. Looks in PATH, then where system programs are even if PATH leaves them out. */
export function findProgram(program: string): string | undefined {
  if (program.includes("/")) return isExecutable(program) ? program : undefined;
  return searchPath()
    .map((folder) => `${folder}/${program}`)
    .find(isExecutable);
}

/** Like `findProgram`, but throws `missing-program`, which names the package. */
export function requireProgram(program: string): string {
  const path = findProgram(program);
  if (path === undefined) throw missingProgram(program);
  return path;
}

export function missingProgram(program: string): RegrowError {
  const name = debianPackageOf(program);
  return new RegrowError("missing-program", `${program}: this program is not installed.`, {
    path: program,
    hint: `Install the package that has it: on Debian, apt install ${name}.`,
  });
}

function searchPath(): string[] {
  const folders = (process.env["PATH"] ?? "").split(":").filter((folder) => folder.startsWith("/"));
  return [...new Set([...folders, "/usr/sbin", "/sbin", "/usr/bin", "/bin"])];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
