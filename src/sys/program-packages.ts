/** Where a program is on this machine, and which Debian package has it when it is not. */
import { accessSync, constants, statSync } from "node:fs";
import process from "node:process";
import { RegrowError } from "../base/errors.ts";

const DEBIAN_PACKAGES: Record<string, string> = {
  btrfs: "btrfs-progs",
  bzip2: "bzip2",
  cp: "coreutils",
  diff: "diffutils",
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
