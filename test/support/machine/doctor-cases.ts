/** What can be wrong with a machine, as facts that were made up, and which check of `doctor` must say it. */
import { parseGrubConfig } from "../../../src/codec/grub/config.ts";
import type { NextBoot } from "../../../src/machine/boot-files/loader-default.ts";
import type { DoctorFacts } from "../../../src/machine/doctor/facts.ts";
import type { Operation } from "../../../src/machine/switch/operation-log.ts";
import { GONE, HEALTHY, NOW, ROOT_UUID, fstabLine } from "./doctor-facts.ts";

type Group = {
  [Key in keyof DoctorFacts]: DoctorFacts[Key] extends { value: unknown } | { unseen: string } | { skipped: string }
    ? Key
    : never;
}[keyof DoctorFacts];
type Value<Key extends Group> = Extract<DoctorFacts[Key], { value: unknown }>["value"];

/** The healthy facts with some of one group changed. */
export function changed<Key extends Group>(key: Key, change: (value: Value<Key>) => Value<Key>): DoctorFacts {
  const { value } = HEALTHY[key] as { value: Value<Key> };
  return { ...HEALTHY, [key]: { value: change(value) } };
}

const OPERATION: Operation = {
  number: 7,
  kind: "rollback",
  time: "2026-05-31T00:00:00Z",
  state: "armed",
  from: "a",
  to: "b",
  bootClass: "a",
  name: "@",
  replaced: "@regrow/history/7/root",
  nested: [],
};

const BOOT: NextBoot = { loader: "grub", volume: "boot", defaultFile: "grub/custom.cfg", id: "regrow-switch-7" };

export const grub = (change: (value: Value<"grub">) => Partial<Value<"grub">>): DoctorFacts =>
  changed("grub", (value) => ({ ...value, ...change(value) }));
export const environment = (values: Value<"grub">["environments"][number]["values"], more: object = {}): DoctorFacts =>
  grub(({ environments, savesDefault }) => ({ savesDefault, environments: [{ ...environments[0]!, values, ...more }], ...more }));
const entry = (change: object): DoctorFacts =>
  changed("entries", ([folder]) => [{ ...folder!, entries: [{ ...folder!.entries[0]!, ...change }] }]);
export const kernels = (change: Partial<Value<"kernels">>): DoctorFacts =>
  changed("kernels", (value) => ({ ...value, ...change }));
const engine = (change: Partial<Value<"engine">>): DoctorFacts => changed("engine", (value) => ({ ...value, ...change }));
const home = (change: Partial<Value<"home">>): DoctorFacts => changed("home", (value) => ({ ...value, ...change }));
const repository = (change: Partial<Value<"repository">>): DoctorFacts =>
  changed("repository", (value) => ({ ...value, ...change }));
export const fstab = (...lines: Value<"fstab">): DoctorFacts => changed("fstab", (value) => [...value, ...lines]);
export const commandLine = (path: string, text: string): DoctorFacts =>
  changed("commandLines", (value) => [...value, { path, text }]);
export const kernel = {
  release: "6.1.0",
  imagePath: "boot/vmlinuz-6.1.0",
  initrdPath: "boot/initrd.img-6.1.0",
  hasModules: true,
};

/** [what, facts, check, severity, message]; several findings of one check are all of that severity. */
export const CASES: readonly (readonly [string, DoctorFacts, string, "problem" | "warning", RegExp])[] = [
  [
    "all UUIDs gone",
    grub(({ searches }) => ({ searches: [{ ...searches[0]!, uuids: [GONE] }] })),
    "grub",
    "problem",
    /rescue shell/,
  ],
  [
    "one of two UUIDs gone",
    grub(({ searches }) => ({ searches: [{ ...searches[0]!, uuids: [ROOT_UUID, GONE] }] })),
    "grub",
    "warning",
    /also looks for/,
  ],
  [
    "no grub.cfg at the prefix",
    grub(({ searches }) => ({ searches: [{ ...searches[0]!, config: { path: "/x/grub.cfg", state: "missing" } }] })),
    "grub",
    "problem",
    /\/x\/grub\.cfg/,
  ],
  [
    "an empty kernel",
    grub(({ configs }) => ({
      configs: [{ ...configs[0]!, entries: [{ title: "T", files: [{ path: "/k", state: "empty" }], parameters: [] }] }],
    })),
    "grub-menu",
    "problem",
    /"T": \/k is empty/,
  ],
  [
    "a menu that can't be read",
    grub(({ configs }) => ({
      configs: [...configs, { path: "/boot/grub/custom.cfg", config: { reason: "quote" }, entries: [] }],
    })),
    "grub-menu",
    "problem",
    /custom\.cfg: can't be read: quote/,
  ],
  [
    "a subvolid that is gone",
    grub(({ configs }) => ({
      configs: [
        {
          ...configs[0]!,
          entries: [{ title: "T", files: [], parameters: [`root=UUID=${ROOT_UUID}`, "rootflags=subvolid=999"] }],
        },
      ],
    })),
    "grub-menu",
    "problem",
    /subvolid=999 is no subvolume/,
  ],
  ["a number beyond the menu", environment(new Map([["saved_entry", "2"]])), "grub-menu", "warning", /saved_entry is "2"/],
  [
    "a fixed default that is none",
    grub(({ configs }) => ({ configs: [{ ...configs[0]!, config: parseGrubConfig("set default=nix\n") }], environments: [] })),
    "grub-menu",
    "warning",
    /default is "nix"/,
  ],
  ["a damaged environment", environment({ reason: "short" }), "grub-environment", "problem", /damaged.*short/],
  [
    "next_entry on LVM",
    environment(new Map([["next_entry", "debian"]]), { type: "ext4", device: "/dev/mapper/vg-boot" }),
    "grub-environment",
    "problem",
    /every start takes that entry/,
  ],
  [
    "a default to save on btrfs",
    environment(new Map(), { savesDefault: true }),
    "grub-environment",
    "warning",
    /GRUB_SAVEDEFAULT/,
  ],
  [
    "an entry without its kernel",
    entry({ files: [{ path: "/linux", state: "missing" }] }),
    "boot-entries",
    "problem",
    /\/linux does not exist/,
  ],
  ["an entry that is none", entry({ entry: { reason: "no linux" } }), "boot-entries", "problem", /no linux/],
  [
    "an entry whose root is gone",
    entry({ entry: { title: "", linux: "/linux", initrds: ["/initrd"], options: `root=UUID=${GONE}`, others: [] } }),
    "boot-entries",
    "problem",
    /finds no root/,
  ],
  [
    "a default without entry",
    changed("entries", ([folder]) => [{ ...folder!, default: "fedora*" }]),
    "boot-entries",
    "warning",
    /fedora\* matches no entry/,
  ],
  [
    "a default of the firmware",
    changed("firmware", () => ({ entryDefault: "arch.efi", entryOneShot: undefined })),
    "boot-entries",
    "warning",
    /overrides the default of loader\.conf/,
  ],
  [
    "a default of the firmware that is gone",
    changed("firmware", () => ({ entryDefault: "nix.conf", entryOneShot: undefined })),
    "boot-entries",
    "warning",
    /matches no entry/,
  ],
  [
    "one start of the firmware",
    changed("firmware", () => ({ entryDefault: undefined, entryOneShot: "arch.efi" })),
    "boot-entries",
    "warning",
    /LoaderEntryOneShot/,
  ],
  [
    "no modules",
    kernels({ kernels: [kernel, { ...kernel, release: "6.2.0", hasModules: false }] }),
    "kernels",
    "problem",
    /6\.2\.0 has no modules/,
  ],
  ["modules only", kernels({ modules: ["5.10.0", "6.1.0"] }), "kernels", "warning", /5\.10\.0: there is no kernel/],
  [
    "the running kernel's modules gone",
    kernels({ running: "6.0.9" }),
    "kernels",
    "problem",
    /6\.0\.9: the modules of the running kernel/,
  ],
  [
    "no initramfs",
    { ...kernels({ kernels: [{ ...kernel, initrdPath: undefined }] }), entries: { value: [] } },
    "kernels",
    "problem",
    /no initramfs/,
  ],
  ["no kernel at all", { ...kernels({ kernels: [] }), entries: { value: [] } }, "kernels", "problem", /there is no kernel/],
  [
    "a device that is gone",
    fstab(fstabLine(`PARTUUID=${GONE}`, "/data", "ext4", "defaults")),
    "fstab",
    "problem",
    /PARTUUID=.* The start waits/,
  ],
  ["one that may be gone", fstab(fstabLine("LABEL=stick", "/data", "ext4", "nofail")), "fstab", "warning", /LABEL=stick/],
  ["the root by its id", fstab(fstabLine("/dev/sda2", "/", "btrfs", "subvolid=256")), "fstab", "problem", /a rollback changes/],
  [
    "a subvolume that is gone",
    fstab(fstabLine(`UUID=${ROOT_UUID.toUpperCase()}`, "/srv", "btrfs", "subvol=@srv")),
    "fstab",
    "problem",
    /subvol=@srv/,
  ],
  [
    "regrow's folder",
    fstab(fstabLine(`UUID=${ROOT_UUID}`, "/.regrow/", "btrfs", "subvol=@home")),
    "fstab",
    "warning",
    /goes back with a rollback/,
  ],
  [
    "no folder",
    fstab({ ...fstabLine("tmpfs", "/scratch", "tmpfs", "size=1m"), hasMountPoint: false }),
    "fstab",
    "warning",
    /folder is missing/,
  ],
  [
    "the running root by its id",
    commandLine("/proc/cmdline", "rootflags=noatime,subvolid=256"),
    "command-line",
    "problem",
    /the engine refuses/,
  ],
  ["a quote left open", commandLine("/etc/kernel/cmdline", 'a="b'), "command-line", "warning", /quote/],
  [
    "switches are skipped",
    commandLine("/etc/kernel/cmdline", "regrow.switch=skip"),
    "command-line",
    "warning",
    /regrow\.switch=skip/,
  ],
  [
    "a program",
    changed("programs", () => ({
      needed: [{ program: "dracut", why: "it makes", isVital: true, isThere: false }],
      distribution: ["nobara", "fedora"],
    })),
    "programs",
    "problem",
    /dracut: this program is missing/,
  ],
  [
    "a program to mend with",
    changed("programs", () => ({
      needed: [{ program: "grub2-install", why: "it mends", isVital: false, isThere: false }],
      distribution: ["fedora"],
    })),
    "programs",
    "warning",
    /grub2-install/,
  ],
  [
    "a switch whose /boot is not put back",
    home({ operations: [{ ...OPERATION, state: "done", bootClass: "b", boot: BOOT }] }),
    "operations",
    "warning",
    /what is on \/boot has not been put back/,
  ],
  [
    "no engine",
    engine({ files: [{ path: "/usr/lib/regrow/regrow-engine", state: "absent" }] }),
    "engine",
    "problem",
    /not installed/,
  ],
  [
    "an old engine",
    engine({ files: [{ path: "/usr/lib/regrow/regrow-engine", state: "other" }] }),
    "engine",
    "warning",
    /another version's/,
  ],
  [
    "no engine in the initramfs",
    engine({ images: [{ path: "/boot/initrd", engine: "absent" }] }),
    "engine",
    "problem",
    /not in this initramfs/,
  ],
  [
    "an old engine in the initramfs",
    engine({ images: [{ path: "/boot/initrd", engine: "other" }] }),
    "engine",
    "warning",
    /another version/,
  ],
  ["no tool for images", engine({ images: [], remake: undefined }), "engine", "warning", /initramfs-tools, dracut or mkinitcpio/],
  ["no systemd", engine({ hasSystemd: false }), "engine", "warning", /no systemd/],
  ["no unit", engine({ mountUnit: "absent" }), "mount-unit", "warning", /is missing/],
  ["not mounted", engine({ isMounted: false }), "mount-unit", "warning", /is not mounted now/],
  ["an open home", home({ mode: 0o755 }), "operations", "problem", /setuid/],
  ["somebody's home", home({ owner: 1000 }), "operations", "problem", /setuid/],
  [
    "a pending switch",
    home({ pending: { operation: "7" }, operations: [OPERATION] }),
    "operations",
    "warning",
    /waits for the end of the next shutdown/,
  ],
  [
    "a refused switch",
    home({ pending: { operation: "7" }, operations: [OPERATION], refused: "no kernel" }),
    "operations",
    "problem",
    /was not carried out: no kernel/,
  ],
  [
    "an operation half done",
    home({ operations: [{ ...OPERATION, state: "prepared" }] }),
    "operations",
    "warning",
    /7\.json: this rollback was cut/,
  ],
  [
    "a damaged log",
    home({ operations: { reason: "@regrow/log/operations/7.json: is damaged." } }),
    "operations",
    "problem",
    /is damaged/,
  ],
  ["left over", home({ leftOvers: ["@regrow/next/3", "@regrow/next/4"] }), "operations", "warning", /next\/3 and 1 more/],
  ["a writable snapshot", home({ writableSnapshots: ["@regrow/base/a/root"] }), "snapshots", "warning", /can be written to/],
  ["an altered snapshot", home({ alteredSnapshots: ["@regrow/base/a/root"] }), "snapshots", "warning", /was changed/],
  ["a bad ref", repository({ bad: [{ ref: "main", reason: "gone" }] }), "repository", "problem", /main: gone/],
  ["no commit", repository({ last: undefined }), "repository", "warning", /no commit yet/],
  ["a repository that is none", { ...HEALTHY, repository: { unseen: "config" } }, "repository", "problem", /can't be opened/],
  ["no room for a commit", repository({ available: 1e9 }), "repository-space", "problem", /the next commit fails/],
  ["little room for commits", repository({ available: 1.1e9 }), "repository-space", "warning", /min-free-space/],
  [
    "a clock that goes wrong",
    { ...HEALTHY, now: NOW - 4 * 86_400_000 },
    "clock",
    "warning",
    /earlier than the last commit \(2026-05-29/,
  ],
  [
    "no room for a kernel",
    changed("bootSpace", () => [{ path: "/boot", available: 70e6, needed: 80e6 }]),
    "boot-space",
    "problem",
    /only 70.* MB are free; one more kernel with its initramfs takes 80/,
  ],
  [
    "room for one kernel",
    changed("bootSpace", () => [{ path: "/boot", available: 90e6, needed: 80e6 }]),
    "boot-space",
    "warning",
    /90/,
  ],
  ["a full root", { ...HEALTHY, root: { ...HEALTHY.root, available: 1e6 } }, "root-space", "problem", /only 1\.0 MB/],
  [
    "no metadata",
    changed("metadata", (value) => ({ ...value, free: 20e6, growable: 0, unallocated: 0 })),
    "metadata",
    "problem",
    /20\.0 MB free for metadata/,
  ],
  [
    "little metadata",
    changed("metadata", (value) => ({ ...value, free: 120e6, growable: 0, unallocated: 1e6 })),
    "metadata",
    "warning",
    /120 MB/,
  ],
  [
    "packages elsewhere",
    changed("packages", (value) => ({ ...value, isBesideUsr: false, volume: "/var" })),
    "packages",
    "problem",
    /another volume \(\/var\)/,
  ],
  [
    "packages carried",
    changed("packages", (value) => ({ ...value, carriedBy: "/var" })),
    "packages",
    "problem",
    /\[\[carry\]\] "\/var"/,
  ],
  [
    "a swapfile in the root",
    changed("swap", () => [{ path: "/swap", isActive: true, state: "swap", isInRoot: true }]),
    "swap",
    "problem",
    /stops every snapshot/,
  ],
  [
    "hibernated",
    changed("swap", () => [{ path: "/dev/sda3", isActive: false, state: "hibernated", isInRoot: false }]),
    "swap",
    "problem",
    /a hibernated system waits/,
  ],
  [
    "a key",
    { ...HEALTHY, configuration: { message: "/etc/regrow.toml: x: no such key.", hint: "Look." } },
    "configuration",
    "problem",
    /no such key/,
  ],
  [
    "not set up",
    {
      ...HEALTHY,
      isSetUp: false,
      setup: { value: [{ name: "space", finding: "", problem: { code: "no-space", message: "full", hint: "Free." } }] },
    },
    "machine",
    "warning",
    /not set up/,
  ],
  [
    "the top level",
    changed("bootClass", () => ({ refusal: "It is the top level.", hint: "Move it." })),
    "machine",
    "warning",
    /no rollback/,
  ],
  [
    "a loader that can't be told",
    { ...HEALTHY, loader: { value: { message: "grub.cfg does not read custom.cfg.", hint: "Mend it." } } },
    "machine",
    "problem",
    /custom\.cfg.*a rollback is refused/,
  ],
  [
    "a newer regrow's",
    { ...HEALTHY, obstacle: { message: "made by a newer regrow.", hint: "Use it." } },
    "machine",
    "problem",
    /newer regrow/,
  ],
];
