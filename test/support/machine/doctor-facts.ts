/** Made-up facts of a running machine with which nothing is wrong, for the checks of `doctor`. */
import type { DoctorFacts } from "../../../src/machine/doctor/facts.ts";
import { parseGrubConfig } from "../../../src/codec/grub/config.ts";

export const ROOT_UUID = "11111111-2222-4333-8444-555555555555";
export const GONE = "0badcafe-0000-4000-8000-00000000dead";
export const NOW = Date.UTC(2026, 5, 1);

const LINUX = { path: "/@/boot/vmlinuz-6.1.0", state: "there" } as const;
const INITRD = { path: "/@/boot/initrd.img-6.1.0", state: "there" } as const;
const PARAMETERS = [`root=UUID=${ROOT_UUID}`, "rootflags=subvol=@", "quiet"];

export const HEALTHY: DoctorFacts = {
  sysroot: "/",
  isLive: true,
  isPrivileged: true,
  isSetUp: true,
  now: NOW,
  root: { type: "btrfs", device: "/dev/sda2", uuid: ROOT_UUID, subvolume: { path: "@", id: 256n }, available: 1e10 },
  obstacle: undefined,
  configuration: undefined,
  devices: {
    value: [
      { device: "/dev/sda1", uuid: "ABCD-1234", partUuid: "aaaa-01", label: "ESP" },
      { device: "/dev/sda2", uuid: ROOT_UUID, label: "Root Disk" },
    ],
  },
  subvolumes: {
    value: [
      { path: "@", id: 256n },
      { path: "@home", id: 257n },
    ],
  },
  bootClass: { value: { bootClass: "a" } },
  loader: { value: undefined },
  fstab: {
    value: [
      fstabLine(`UUID=${ROOT_UUID}`, "/", "btrfs", "defaults,subvol=@"),
      fstabLine("LABEL=Root Disk", "/home", "btrfs", "subvol=/@home"),
      fstabLine("UUID=abcd-1234", "/boot/efi", "vfat", "umask=0077"),
    ],
  },
  commandLines: {
    value: [
      { path: "/proc/cmdline", text: `BOOT_IMAGE=/@/boot/vmlinuz ${PARAMETERS.join(" ")}` },
      { path: "/etc/default/grub", text: "quiet" },
    ],
  },
  grub: {
    value: {
      searches: [
        {
          path: "/boot/efi/EFI/debian/grubx64.efi",
          uuids: [ROOT_UUID],
          config: { path: "/@/boot/grub/grub.cfg", state: "there" },
        },
      ],
      configs: [
        {
          path: "/boot/grub/grub.cfg",
          config: parseGrubConfig(
            "set default=\"${saved_entry}\"\nmenuentry 'Debian' --id debian {\nlinux /a\n}\nsubmenu 'More' --id more {\nmenuentry 'Old' --id old {\nlinux /b\n}\n}\n",
          ),
          entries: [{ title: "Debian", files: [LINUX, INITRD], parameters: PARAMETERS }],
        },
      ],
      environments: [
        { path: "/boot/grub/grubenv", values: new Map([["saved_entry", "more>old"]]), type: "btrfs", device: "/dev/sda2" },
      ],
      savesDefault: false,
    },
  },
  entries: {
    value: [
      {
        partition: "/boot/efi",
        entries: [
          {
            path: "/boot/efi/loader/entries/debian-6.1.0.conf",
            id: "debian-6.1.0",
            entry: { title: "Debian", linux: "/linux", initrds: ["/initrd"], options: PARAMETERS.join(" "), others: [] },
            files: [{ path: "/linux", state: "there" }],
          },
        ],
        images: ["arch.efi"],
        default: "debian-*",
      },
    ],
  },
  firmware: { value: { entryDefault: undefined, entryOneShot: undefined } },
  kernels: {
    value: {
      kernels: [{ release: "6.1.0", imagePath: "boot/vmlinuz-6.1.0", initrdPath: "boot/initrd.img-6.1.0", hasModules: true }],
      modules: ["6.1.0"],
      running: "6.1.0",
    },
  },
  bootSpace: { value: [{ path: "/boot", available: 500e6, needed: 80e6 }] },
  metadata: { value: { free: 300e6, growable: 5e9, used: 700e6, unallocated: 1e10 } },
  programs: { value: { needed: [{ program: "btrfs", why: "it does", isVital: true, isThere: true }], distribution: ["debian"] } },
  packages: { value: { database: "/var/lib/dpkg", isBesideUsr: true, volume: "/", carriedBy: undefined } },
  swap: { value: [{ path: "/dev/sda3", isActive: true, state: "swap", isInRoot: false }] },
  engine: {
    value: {
      files: [
        { path: "/usr/lib/regrow/regrow-exchange", state: "same" },
        { path: "/usr/lib/regrow/regrow-engine", state: "same" },
      ],
      images: [{ path: "/boot/initrd.img-6.1.0", engine: "current" }],
      remake: "update-initramfs -u -k all",
      hasSystemd: true,
      mountUnit: "current",
      mountUnitIsEnabled: true,
      isMounted: true,
    },
  },
  home: {
    value: {
      path: "@regrow",
      mode: 0o700,
      owner: 0,
      operations: [],
      pending: undefined,
      refused: undefined,
      leftOvers: [],
      writableSnapshots: [],
      alteredSnapshots: [],
    },
  },
  repository: {
    value: {
      branch: "main",
      last: { commit: "ab".repeat(32), timestamp: NOW / 1000 - 3 * 86_400 },
      refs: 2,
      bad: [],
      available: 1e10,
      reserve: 1e9,
    },
  },
  setup: { skipped: "The machine is set up." },
};

export function fstabLine(
  source: string,
  target: string,
  type: string,
  options: string,
): {
  line: { source: string; target: string; type: string; options: string[]; dump: number; pass: number };
  hasMountPoint: boolean;
  isAway: boolean;
} {
  return { line: { source, target, type, options: options.split(","), dump: 0, pass: 0 }, hasMountPoint: true, isAway: false };
}
