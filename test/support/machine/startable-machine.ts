/**
 * A machine at --sysroot in which all is there that a start needs, so that `doctor` has nothing to say: a root on btrfs with a kernel, its modules,
 * an initramfs that cpio has made with the engine in it, a GRUB that grub-mkimage has made, its menu, a boot entry, fstab. The kernel is none, but
 * its header is one's.
 */
import { copyFileSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { TestContext } from "node:test";
import { fakeKernel } from "../fake-kernel.ts";
import { run, runText } from "../programs.ts";
import { atEnd, mountedFileSystem, scratchFolder } from "../scratch.ts";

export const STARTABLE_NEEDS = {
  root: true,
  programs: [
    ...[
      "btrfs",
      "mkfs.btrfs",
      "mount",
      "umount",
      "findmnt",
      "blkid",
      "cpio",
      "gzip",
      "grub-mkimage",
      "grub-editenv",
      "mkswap",
      "mkfs.ext4",
      "fallocate",
    ],
  ],
  files: ["/usr/lib/grub/x86_64-efi/btrfs.mod"],
  filesystems: ["btrfs"],
};

export const RELEASE = "6.1.0-37-amd64";
export const NOWHERE = "0badcafe-0000-4000-8000-00000000dead";
export const GRUB_PROGRAM = "boot/efi/EFI/debian/grubx64.efi";
export const KERNEL = `boot/vmlinuz-${RELEASE}`;
export const INITRD = `boot/initrd.img-${RELEASE}`;

export interface StartableMachine {
  /** The mounted root. */
  readonly root: string;
  readonly top: string;
  readonly uuid: string;
  readonly device: string;
  /** The id of the root subvolume. */
  readonly id: string;
}

export function startableMachine(t: TestContext): StartableMachine {
  const top = mountedFileSystem(t, "btrfs", 1200);
  const device = runText("findmnt", ["-n", "-o", "SOURCE", top]).replace(/\[.*/, "");
  const uuid = runText("blkid", ["-c", "/dev/null", "-s", "UUID", "-o", "value", device]);
  run("btrfs", ["-q", "subvolume", "create", `${top}/@`]);
  const root = `${scratchFolder(t)}/root`;
  mkdirSync(root);
  run("mount", ["-o", "subvol=@", device, root]);
  atEnd(t, () => void run("umount", ["--lazy", root]));
  const id = runText("btrfs", ["inspect-internal", "rootid", root]);
  const machine = { root, top, uuid, device, id };
  fillRoot(machine);
  return machine;
}

/** Writes a file of the root, with its folders. */
export function put(root: string, path: string, content: string | Buffer = ""): void {
  mkdirSync(dirname(`${root}/${path}`), { recursive: true });
  writeFileSync(`${root}/${path}`, content);
}

/** A real GRUB that looks for the file system and goes on with the configuration there. */
export function putGrubProgram(root: string, uuid: string, prefix = "/@/boot/grub"): void {
  mkdirSync(dirname(`${root}/${GRUB_PROGRAM}`), { recursive: true });
  put(root, "early.cfg", `search.fs_uuid ${uuid} root\nset prefix=($root)${prefix}\nconfigfile $prefix/grub.cfg\n`);
  const modules = ["part_gpt", "btrfs", "search", "search_fs_uuid", "normal", "configfile"];
  run("grub-mkimage", ["-O", "x86_64-efi", "-p", prefix, "-c", `${root}/early.cfg`, "-o", `${root}/${GRUB_PROGRAM}`, ...modules]);
  rmSync(`${root}/early.cfg`);
}

/** Made by cpio and gzip of files of the root. */
export function putInitramfs(root: string, paths: readonly string[]): void {
  const script = `set -e; cd "$1"; shift; printf '%s\\n' "$@" | cpio --quiet -o -H newc | gzip > ${INITRD}`;
  run("sh", ["-c", script, "sh", root, ...paths]);
}

export function menuText({ uuid }: StartableMachine, change: (text: string) => string = (text) => text): string {
  return change(`set default="\${saved_entry}"
menuentry 'Debian' --id debian {
  search --no-floppy --fs-uuid --set=root ${uuid}
  linux /@/${KERNEL} root=UUID=${uuid} ro rootflags=subvol=@ quiet
  initrd /@/${INITRD}
}
`);
}

export function fstabText({ uuid }: Pick<StartableMachine, "uuid">): string {
  return `UUID=${uuid} / btrfs defaults,subvol=@ 0 0\nUUID=${uuid} /home btrfs subvol=/@home 0 0\n`;
}

/** Brings /boot onto an ext4 of its own, and GRUB's programs and menu with it. */
export function moveBoot(t: TestContext, { root, uuid }: StartableMachine): { mount(): void; umount(): void } {
  const folder = mountedFileSystem(t, "ext4", 48);
  const device = runText("findmnt", ["-n", "-o", "SOURCE", folder]);
  const bootUuid = runText("blkid", ["-c", "/dev/null", "-s", "UUID", "-o", "value", device]);
  const menu = readFileSync(`${root}/boot/grub/grub.cfg`, "utf8")
    .replace(`--set=root ${uuid}`, `--set=root ${bootUuid}`)
    .replaceAll("/@/boot/", "/");
  run("cp", ["-a", `${root}/boot/.`, folder]);
  run("find", [`${root}/boot`, "-mindepth", "1", "-delete"]);
  const mount = (): void => void run("mount", [device, `${root}/boot`]);
  mount();
  atEnd(t, () => void run("umount", ["--lazy", `${root}/boot`]));
  const custom = "if [ -f ${config_directory}/custom.cfg ]; then\n  source ${config_directory}/custom.cfg\nfi\n";
  put(root, "boot/grub/grub.cfg", `${menu}${custom}`);
  putGrubProgram(root, bootUuid, "/grub");
  put(root, "etc/fstab", `${readFileSync(`${root}/etc/fstab`, "utf8")}UUID=${bootUuid} /boot ext4 defaults 0 2\n`);
  return { mount, umount: () => void run("umount", [`${root}/boot`]) };
}

function fillRoot(machine: StartableMachine): void {
  const { root, top, uuid } = machine;
  for (const folder of ["home", "root", "srv", "var/lib/dpkg", "var/log", "proc"])
    mkdirSync(`${root}/${folder}`, { recursive: true });
  run("btrfs", ["-q", "subvolume", "create", `${top}/@home`]);
  put(root, "etc/os-release", 'ID=debian\nPRETTY_NAME="Startable"\n');
  put(root, "etc/fstab", fstabText(machine));
  put(root, "etc/default/grub", 'GRUB_DEFAULT=saved\nGRUB_CMDLINE_LINUX="rootflags=subvol=@ quiet"\n');
  put(root, "var/lib/dpkg/status");
  put(root, "usr/bin/tool", "tool");
  // The engine looks for these; which processor the machine has stands in the header.
  for (const path of [
    "usr/bin/dash",
    "usr/bin/btrfs",
    "usr/sbin/mkinitramfs",
    "usr/sbin/update-initramfs",
    "usr/sbin/grub-install",
  ]) {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true });
    copyFileSync(realpathSync("/bin/sh"), `${root}/${path}`);
  }
  mkdirSync(`${root}/usr/lib/systemd`, { recursive: true });
  copyFileSync(realpathSync("/bin/sh"), `${root}/usr/lib/systemd/systemd-shutdown`);
  put(root, KERNEL, fakeKernel(RELEASE));
  put(root, `usr/lib/modules/${RELEASE}/modules.dep`);
  put(root, "boot/grub/grub.cfg", menuText(machine));
  run("grub-editenv", [`${root}/boot/grub/grubenv`, "create"]);
  run("grub-editenv", [`${root}/boot/grub/grubenv`, "set", "saved_entry=debian"]);
  putGrubProgram(root, uuid);
  put(
    root,
    "boot/loader/entries/debian.conf",
    `title Debian\nlinux /vmlinuz-${RELEASE}\ninitrd /initrd.img-${RELEASE}\noptions root=UUID=${uuid} rootflags=subvol=@\n`,
  );
  put(root, "boot/loader/loader.conf", "default debian*\n");
}
