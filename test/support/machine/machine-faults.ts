/** Faults of a machine, each really made, with what `doctor` must say of it. */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { formatSwitchOrder } from "../../../src/codec/switch-order.ts";
import { run } from "../programs.ts";
import {
  GRUB_PROGRAM,
  INITRD,
  NOWHERE,
  RELEASE,
  type StartableMachine,
  fstabText,
  menuText,
  put,
  putGrubProgram,
  putInitramfs,
} from "./startable-machine.ts";

export interface Fault {
  readonly check: string;
  readonly severity: "problem" | "warning";
  readonly message: RegExp;
  make(machine: StartableMachine): void;
  /** Files of the root that are put back; more is done by `mend`. */
  readonly files?: readonly string[];
  mend?(machine: StartableMachine): void;
}

const UNIT = String.raw`etc/systemd/system/\x2eregrow.mount`;
const UNIT_LINK = String.raw`etc/systemd/system/local-fs.target.wants/\x2eregrow.mount`;
const ENTRY = "boot/loader/entries/debian.conf";
const GRUBENV = "boot/grub/grubenv";
const CONFIG = "etc/regrow.toml";

const ORDER = formatSwitchOrder({
  operation: "7",
  bootClass: "a",
  name: "@",
  next: "@regrow/next/7/root",
  nextId: 300,
  currentId: 256,
  history: "@regrow/history/7/root",
  kernels: [RELEASE],
  nested: [],
});

export const FAULTS: Record<string, Fault> = {
  "a GRUB program whose file system is gone": {
    check: "grub",
    severity: "problem",
    message: /grubx64\.efi: looks for the file system 0badcafe/,
    files: [GRUB_PROGRAM],
    make: ({ root }) => putGrubProgram(root, NOWHERE),
  },
  "a GRUB program that goes on in a subvolume that is gone": {
    check: "grub",
    severity: "problem",
    message: /grubx64\.efi: goes on with \/@old\/boot\/grub\/grub\.cfg/,
    files: [GRUB_PROGRAM],
    make: ({ root, uuid }) => putGrubProgram(root, uuid, "/@old/boot/grub"),
  },
  "a small grub.cfg whose file system is gone": {
    check: "grub",
    severity: "problem",
    message: /EFI\/debian\/grub\.cfg: looks for the file system 0badcafe/,
    make: ({ root }) =>
      put(root, "boot/efi/EFI/debian/grub.cfg", `search.fs_uuid ${NOWHERE} root hd0,gpt2\nset prefix=($root)'/boot/grub'\n`),
    mend: ({ root }) => rmSync(`${root}/boot/efi/EFI/debian/grub.cfg`),
  },
  "a menu whose kernel has another name": {
    check: "grub-menu",
    severity: "problem",
    message: /grub\.cfg, "Debian": \/@\/boot\/vmlinuz-6\.2 does not exist/,
    files: ["boot/grub/grub.cfg"],
    make: (machine) =>
      put(
        machine.root,
        "boot/grub/grub.cfg",
        menuText(machine, (text) => text.replace(`vmlinuz-${RELEASE}`, "vmlinuz-6.2")),
      ),
  },
  "a menu whose root is gone": {
    check: "grub-menu",
    severity: "problem",
    message: /root=UUID=0badcafe.* no device/,
    files: ["boot/grub/grub.cfg"],
    make: (machine) =>
      put(
        machine.root,
        "boot/grub/grub.cfg",
        menuText(machine, (text) => text.replace(/root=UUID=\S+/, `root=UUID=${NOWHERE}`)),
      ),
  },
  "a menu whose subvolume is gone": {
    check: "grub-menu",
    severity: "problem",
    message: /rootflags=subvol=@old is no subvolume/,
    files: ["boot/grub/grub.cfg"],
    make: (machine) =>
      put(
        machine.root,
        "boot/grub/grub.cfg",
        menuText(machine, (text) => text.replace("subvol=@", "subvol=@old")),
      ),
  },
  "a default that is no entry": {
    check: "grub-menu",
    severity: "warning",
    message: /saved_entry is "gone"/,
    files: [GRUBENV],
    make: ({ root }) => void run("grub-editenv", [`${root}/${GRUBENV}`, "set", "saved_entry=gone"]),
  },
  "a next entry that GRUB can't take back": {
    check: "grub-environment",
    severity: "problem",
    message: /next_entry is "debian".*btrfs/,
    files: [GRUBENV],
    make: ({ root }) => void run("grub-editenv", [`${root}/${GRUBENV}`, "set", "next_entry=debian"]),
  },
  "a damaged environment": {
    check: "grub-environment",
    severity: "problem",
    message: /grubenv: is damaged/,
    files: [GRUBENV],
    make: ({ root }) => appendFileSync(`${root}/${GRUBENV}`, "#"),
  },
  "a boot entry without its kernel": {
    check: "boot-entries",
    severity: "problem",
    message: /debian\.conf: \/vmlinuz-6\.2 does not exist/,
    files: [ENTRY],
    make: ({ root }) => put(root, ENTRY, readFileSync(`${root}/${ENTRY}`, "utf8").replace(/linux .*/, "linux /vmlinuz-6.2")),
  },
  "a default that matches no boot entry": {
    check: "boot-entries",
    severity: "warning",
    message: /loader\.conf: the default arch\* matches no entry/,
    files: ["boot/loader/loader.conf"],
    make: ({ root }) => put(root, "boot/loader/loader.conf", "default arch*\n"),
  },
  "modules without a kernel": {
    check: "kernels",
    severity: "warning",
    message: /modules\/5\.10\.0-1: there is no kernel/,
    make: ({ root }) => put(root, "usr/lib/modules/5.10.0-1/modules.dep"),
    mend: ({ root }) => rmSync(`${root}/usr/lib/modules/5.10.0-1`, { recursive: true }),
  },
  "a kernel without modules": {
    check: "kernels",
    severity: "problem",
    message: /vmlinuz-6\.1\.0-37-amd64: \/usr\/lib\/modules\/6\.1\.0-37-amd64 has no modules/,
    make: ({ root }) => renameSync(`${root}/usr/lib/modules`, `${root}/usr/lib/gone`),
    mend: ({ root }) => renameSync(`${root}/usr/lib/gone`, `${root}/usr/lib/modules`),
  },
  "fstab names a device that is gone": {
    check: "fstab",
    severity: "warning",
    message: /\/srv: UUID=0badcafe.* no device/,
    files: ["etc/fstab"],
    make: ({ root }) => appendFileSync(`${root}/etc/fstab`, `UUID=${NOWHERE} /srv ext4 defaults 0 2\n`),
  },
  "fstab names a subvolume that is gone": {
    check: "fstab",
    severity: "problem",
    message: /\/home: subvol=@homes is no subvolume/,
    files: ["etc/fstab"],
    make: (machine) => put(machine.root, "etc/fstab", fstabText(machine).replace("@home", "@homes")),
  },
  "fstab names the root by its id": {
    check: "fstab",
    severity: "problem",
    message: /\/: subvolid=\d+ names the root by its id/,
    files: ["etc/fstab"],
    make: (machine) =>
      put(machine.root, "etc/fstab", fstabText(machine).replace("subvol=@ ", `subvolid=${machine.id},subvol=@ `)),
  },
  "fstab mounts regrow's folder": {
    check: "fstab",
    severity: "warning",
    message: /\/\.regrow: regrow's folder is mounted by fstab/,
    files: ["etc/fstab"],
    make: ({ root, uuid }) => {
      appendFileSync(`${root}/etc/fstab`, `UUID=${uuid} /.regrow btrfs subvol=@regrow 0 0\n`);
      mkdirSync(`${root}/.regrow`);
    },
    mend: ({ root }) => rmSync(`${root}/.regrow`, { recursive: true }),
  },
  "fstab mounts on a folder that is missing": {
    check: "fstab",
    severity: "warning",
    message: /\/mnt\/data: the folder is missing/,
    files: ["etc/fstab"],
    make: ({ root }) => appendFileSync(`${root}/etc/fstab`, "tmpfs /mnt/data tmpfs defaults 0 0\n"),
  },
  "a command line with the root by its id": {
    check: "command-line",
    severity: "problem",
    message: /default\/grub: rootflags=subvolid=\d+ names the root by its id/,
    files: ["etc/default/grub"],
    make: ({ root, id }) => put(root, "etc/default/grub", `GRUB_CMDLINE_LINUX="rootflags=subvolid=${id} quiet"\n`),
  },
  "btrfs-progs are not installed": {
    check: "programs",
    severity: "problem",
    message: /btrfs: this program is missing/,
    files: ["usr/bin/btrfs"],
    make: ({ root }) => rmSync(`${root}/usr/bin/btrfs`),
  },
  "the engine is gone": {
    check: "engine",
    severity: "problem",
    message: /usr\/lib\/regrow\/regrow-exchange: this file of the engine is missing/,
    files: ["usr/lib/regrow/regrow-exchange"],
    make: ({ root }) => rmSync(`${root}/usr/lib/regrow/regrow-exchange`),
  },
  "another version's engine": {
    check: "engine",
    severity: "warning",
    message: /system-shutdown\/regrow: is another version's/,
    files: ["usr/lib/systemd/system-shutdown/regrow"],
    make: ({ root }) => appendFileSync(`${root}/usr/lib/systemd/system-shutdown/regrow`, "#\n"),
  },
  "an initramfs without the engine": {
    check: "engine",
    severity: "problem",
    message: /initrd\.img-6\.1\.0-37-amd64: the engine is not in this initramfs/,
    files: [INITRD],
    make: ({ root }) => putInitramfs(root, ["usr/bin/dash"]),
  },
  "the mount unit is not enabled": {
    check: "mount-unit",
    severity: "warning",
    message: /is not enabled/,
    make: ({ root }) => renameSync(`${root}/${UNIT_LINK}`, `${root}/link`),
    mend: ({ root }) => renameSync(`${root}/link`, `${root}/${UNIT_LINK}`),
  },
  "the mount unit is of another file system": {
    check: "mount-unit",
    severity: "warning",
    message: /is not the one for this file system/,
    files: [UNIT],
    make: ({ root, uuid }) => put(root, UNIT, readFileSync(`${root}/${UNIT}`, "utf8").replace(uuid, NOWHERE)),
  },
  "a key that nobody knows": {
    check: "configuration",
    severity: "problem",
    message: /regrow\.toml: line \d+: brunch: no such key/,
    files: [CONFIG],
    make: ({ root }) => put(root, CONFIG, `brunch = "late"\n`),
  },
  "a rule that carries the package database": {
    check: "packages",
    severity: "problem",
    message: /var\/lib\/dpkg: the rule \[\[carry\]\] "\/var\/lib" leaves it/,
    files: [CONFIG],
    make: ({ root }) => appendFileSync(`${root}/${CONFIG}`, '[[carry]]\npath = "/var/lib"\n'),
  },
  "a package database in a subvolume of its own": {
    check: "packages",
    severity: "problem",
    message: /var\/lib\/dpkg: is on another volume \(\/var\/lib\/dpkg\)/,
    make: ({ root }) => {
      renameSync(`${root}/var/lib/dpkg`, `${root}/var/lib/kept`);
      run("btrfs", ["-q", "subvolume", "create", `${root}/var/lib/dpkg`]);
    },
    mend: ({ root }) => {
      run("btrfs", ["-q", "subvolume", "delete", `${root}/var/lib/dpkg`]);
      renameSync(`${root}/var/lib/kept`, `${root}/var/lib/dpkg`);
    },
  },
  "a swapfile in the root": {
    check: "swap",
    severity: "problem",
    message: /\/swapfile: a swapfile in the root subvolume/,
    files: ["etc/fstab"],
    make: ({ root }) => swapfile(root, "swapfile"),
    mend: ({ root }) => rmSync(`${root}/swapfile`),
  },
  "a hibernated system": {
    check: "swap",
    severity: "problem",
    message: /\/swap\/file: a hibernated system waits/,
    files: ["etc/fstab"],
    make: ({ root }) => {
      run("btrfs", ["-q", "subvolume", "create", `${root}/swap`]);
      swapfile(root, "swap/file", "S1SUSPEND\0");
    },
    mend: ({ root }) => void run("btrfs", ["-q", "subvolume", "delete", `${root}/swap`]),
  },
  "no room for the next kernel": {
    check: "boot-space",
    severity: "problem",
    message: /\/boot\/efi: only .* are free/,
    make: ({ root }) => {
      run("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", `${root}/boot/efi`]);
    },
    mend: ({ root }) => void run("umount", [`${root}/boot/efi`]),
  },
  "others may enter regrow's folder": {
    check: "operations",
    severity: "problem",
    message: /@regrow: others than root may enter it/,
    make: ({ top }) => chmodSync(`${top}/@regrow`, 0o755),
    mend: ({ top }) => chmodSync(`${top}/@regrow`, 0o700),
  },
  "a snapshot that a killed run has left": {
    check: "operations",
    severity: "warning",
    message: /@regrow\/base\/\.new-left: a run that was cut/,
    make: ({ top }) => mkdirSync(`${top}/@regrow/base/.new-left`),
    mend: ({ top }) => rmSync(`${top}/@regrow/base/.new-left`, { recursive: true }),
  },
  "an order that can't be read": {
    check: "operations",
    severity: "problem",
    message: /@regrow\/policy\/switch: /,
    make: ({ top }) => writeFileSync(`${top}/@regrow/policy/switch`, "version=1\n"),
    mend: ({ top }) => rmSync(`${top}/@regrow/policy/switch`),
  },
  "a switch that waits for a shutdown": {
    check: "operations",
    severity: "warning",
    message: /@regrow\/policy\/switch: operation 7 waits/,
    make: ({ top }) => writeFileSync(`${top}/@regrow/policy/switch`, ORDER),
    mend: ({ top }) => rmSync(`${top}/@regrow/policy/switch`),
  },
  "a switch that the engine has refused": {
    check: "operations",
    severity: "problem",
    message: /operation 7 was not carried out: no such kernel/,
    make: ({ top }) => {
      writeFileSync(`${top}/@regrow/policy/switch`, ORDER);
      writeFileSync(`${top}/@regrow/policy/switch.refused`, "operation=7\nmode=initramfs\ncode=kernel\nreason=no such kernel\n");
    },
    mend: ({ top }) => {
      for (const name of ["switch", "switch.refused"]) rmSync(`${top}/@regrow/policy/${name}`);
    },
  },
  "a ref to a commit that is gone": {
    check: "repository",
    severity: "problem",
    message: /^stray: /,
    make: ({ top }) => writeFileSync(`${top}/@regrow/repo/refs/heads/stray`, `${"ab".repeat(32)}\n`),
    mend: ({ top }) => rmSync(`${top}/@regrow/repo/refs/heads/stray`),
  },
  "a repository that has no room": {
    check: "repository-space",
    severity: "problem",
    message: /the next commit fails/,
    make: ({ top }) => appendFileSync(`${top}/@regrow/repo/config`, "min-free-space-percent=99\n"),
    mend: ({ top }) =>
      writeFileSync(`${top}/@regrow/repo/config`, readFileSync(`${top}/@regrow/repo/config`, "utf8").replace(/min-free.*\n/, "")),
  },
  "a snapshot that can be written to": {
    check: "snapshots",
    severity: "warning",
    message: /root: can be written to/,
    make: ({ top }) => void run("btrfs", ["property", "set", "-ts", snapshotOf(top), "ro", "false"]),
    mend: ({ top }) => void run("btrfs", ["property", "set", "-ts", snapshotOf(top), "ro", "true"]),
  },
};

export function snapshotOf(top: string): string {
  const [commit] = readdirSync(`${top}/@regrow/base`);
  return `${top}/@regrow/base/${commit}/root`;
}

/** With a signature of hibernation where one is given. */
export function swapfile(root: string, path: string, signature?: string): void {
  put(root, path, Buffer.alloc(1024 * 1024));
  chmodSync(`${root}/${path}`, 0o600);
  run("mkswap", [`${root}/${path}`]);
  if (signature !== undefined) {
    const content = readFileSync(`${root}/${path}`);
    content.write(signature, 4096 - 10, "latin1");
    writeFileSync(`${root}/${path}`, content);
  }
  appendFileSync(`${root}/etc/fstab`, `/${path} none swap sw 0 0\n`);
}
