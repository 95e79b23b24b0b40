/** Every check on made-up facts: what is wrong is told by the check that is for it and by no other, and what is right is not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHECK_NAMES, judgeFacts } from "../../../../src/machine/doctor/doctor.ts";
import type { DoctorFacts } from "../../../../src/machine/doctor/facts.ts";
import type { Finding } from "../../../../src/machine/doctor/finding.ts";
import { CASES, changed, commandLine, environment, fstab, grub, kernel, kernels } from "../../../support/machine/doctor-cases.ts";
import { GONE, HEALTHY, ROOT_UUID, fstabLine } from "../../../support/machine/doctor-facts.ts";

function complaints(facts: DoctorFacts): Finding[] {
  return judgeFacts(facts).filter(({ severity }) => severity === "problem" || severity === "warning");
}

test("a healthy machine has nothing but what is in order", () => {
  const findings = judgeFacts(HEALTHY);
  assert.deepEqual(
    findings.filter(({ severity }) => severity !== "ok"),
    [],
  );
  assert.deepEqual([...new Set(findings.map(({ check }) => check))], CHECK_NAMES);
});

for (const [what, facts, check, severity, message] of CASES) {
  test(`${check}: ${what}`, () => {
    const found = complaints(facts);
    assert.deepEqual([...new Set(found.map((finding) => finding.check))], [check], JSON.stringify(found));
    assert.equal(found[0]!.severity, severity);
    assert.match(found[0]!.message, message);
    assert.ok(found.every(({ cure }) => (cure ?? "") !== ""));
  });
}

test("every check has a case", () => {
  const known = new Set(CASES.map(([, , check]) => check));
  assert.deepEqual(
    CHECK_NAMES.filter((name) => !known.has(name)),
    [],
  );
});

const FINE: readonly (readonly [string, DoctorFacts])[] = [
  [
    "a rescue image outlives its kernel's modules",
    kernels({ kernels: [kernel, { ...kernel, imagePath: "boot/vmlinuz-0-rescue-1", release: "5.9", hasModules: false }] }),
  ],
  [
    "the same kernel in two places, with the initramfs beside one",
    {
      ...kernels({ kernels: [kernel, { ...kernel, imagePath: "usr/lib/modules/6.1.0/vmlinuz", initrdPath: undefined }] }),
      entries: { value: [] },
    },
  ],
  ["kernels on the ESP only", kernels({ kernels: [], modules: [] })],
  ["saved_entry by its title, its place, its number", environment(new Map([["saved_entry", "More>Old"]]))],
  ["saved_entry by number", environment(new Map([["saved_entry", "1>0"]]))],
  ["next_entry where GRUB can write", environment(new Map([["next_entry", "debian"]]), { type: "ext4", device: "/dev/sda1" })],
  [
    "a file that nobody can look for",
    grub(({ configs }) => ({
      configs: [
        {
          ...configs[0]!,
          entries: [{ title: "T", files: [{ path: "/k", state: "unseen" }], parameters: ["root=/dev/mapper/x"] }],
        },
      ],
    })),
  ],
  [
    "subvolid of the root in class b",
    { ...fstab(fstabLine("/dev/sda2", "/", "btrfs", "subvolid=256")), bootClass: { value: { bootClass: "b" } } },
  ],
  [
    "the old kernel's command line names a subvolume that has gone since",
    commandLine("/proc/cmdline", `root=UUID=${ROOT_UUID} rootflags=subvol=@gone`),
  ],
];

for (const [what, facts] of FINE) test(`in order: ${what}`, () => assert.deepEqual(complaints(facts), []));

test("a GRUB may look for a disk that is elsewhere, of a machine at a folder whose fstab names it", () => {
  const searching = grub(({ searches }) => ({ searches: [{ ...searches[0]!, uuids: [GONE] }] }));
  const { fstab: lines } = fstab(fstabLine(`UUID=${GONE}`, "/boot", "ext4", "defaults"));
  const checksOf = (facts: DoctorFacts): string[] => complaints(facts).map(({ check, severity }) => `${check} ${severity}`);
  assert.deepEqual(checksOf({ ...searching, isLive: false, fstab: lines }), ["fstab warning"]);
  assert.deepEqual(checksOf({ ...searching, isLive: false }), ["grub problem"]);
  assert.deepEqual(checksOf({ ...searching, fstab: lines }), ["grub problem", "fstab problem"]);
});

test("what can't be seen is said, and is no problem", () => {
  const unseen = { unseen: "needs root" };
  const facts: DoctorFacts = {
    ...HEALTHY,
    isPrivileged: false,
    obstacle: { message: "A machine is root's.", hint: "Run it as root." },
    ...{ devices: unseen, subvolumes: unseen, grub: unseen, entries: unseen, metadata: unseen, bootClass: unseen },
    ...{ engine: { skipped: "no" }, home: { skipped: "no" }, repository: { skipped: "no" } },
  };
  assert.deepEqual(complaints(facts), []);
  const told = judgeFacts(facts)
    .filter(({ severity }) => severity === "unseen")
    .map(({ check }) => check);
  assert.deepEqual(told, ["machine", "grub", "grub-menu", "grub-environment", "boot-entries", "metadata"]);
  const away = {
    ...HEALTHY,
    fstab: { value: [{ ...fstabLine(`UUID=${ROOT_UUID}`, "/boot", "ext4", "defaults"), isAway: true }] },
  };
  const notMounted = judgeFacts(away).filter(({ severity }) => severity === "unseen");
  assert.deepEqual(
    notMounted.map(({ check }) => check),
    ["grub-menu", "grub-environment", "kernels"],
  );
});

test("cures name the distribution's own command", () => {
  const cureOn = (...distribution: string[]): string | undefined =>
    complaints(
      changed("programs", () => ({ needed: [{ program: "btrfs", why: "it", isVital: true, isThere: false }], distribution })),
    )[0]?.cure;
  assert.equal(cureOn("debian"), "`apt install btrfs-progs`");
  assert.equal(cureOn("fedora"), "`dnf install btrfs-progs`");
  assert.equal(cureOn("manjaro", "arch"), "`pacman -S btrfs-progs`");
});
