import assert from "node:assert/strict";
import test from "node:test";
import type { ErrorCode } from "../../../src/base/errors.ts";
import type { ContentFile } from "../../../src/boot/boot-loader.ts";
import type { DiskIdentities } from "../../../src/disk/plan-disk.ts";
import { type InstallFacts, type InstallRequest, requireChecks } from "../../../src/machine/install-plan.ts";
import { planInstall } from "../../../src/machine/plan-install.ts";
import { imageRequest } from "../../support/install-fixture.ts";

const GiB = 2 ** 30;
const IDS: DiskIdentities = {
  disk: "d",
  partitions: { esp: { partition: "p1", fileSystem: "1234-ABCD" }, root: { partition: "p2", fileSystem: "u-2" } },
};
const REQUEST = imageRequest("/images/a.img");
const FACTS: InstallFacts = {
  isRoot: true,
  hasLoopDevices: true,
  missingPrograms: [],
  target: { folderExists: true, state: "absent", available: 10 * GiB },
  tree: { name: "/tree", entries: 12_000, bytes: 350e6 },
  title: "Debian 12",
  fstab: "",
  kernel: { release: "6.1.0", imagePath: "boot/vmlinuz-6.1.0", initrdPath: "boot/initrd.img-6.1.0", hasModules: true },
  kernelFile: content("boot/vmlinuz-6.1.0", 10e6),
  initrdFile: content("boot/initrd.img-6.1.0", 30e6),
  loaderProgram: content("usr/lib/systemd/boot/efi/systemd-bootx64.efi", 140e3),
};

test("a plan without a failed check says all that will be done, and the same facts give the same plan", () => {
  const plan = planInstall(REQUEST, FACTS, IDS);
  assert.deepEqual(
    plan.checks.filter((check) => check.problem !== undefined),
    [],
  );
  const work = requireChecks(plan);
  assert.equal(work.commandLine, "root=UUID=u-2 rootflags=subvol=@rootfs rw console=ttyS0");
  assert.deepEqual(work.edits.folders, ["boot/efi"]);
  assert.deepEqual(planInstall(REQUEST, FACTS, IDS), plan);
});

test("each reason not to begin is a check of its own, and the plan can't be carried out", () => {
  const { target, tree, kernel } = FACTS;
  assert(kernel !== undefined);
  const small: Partial<InstallRequest> = { target: { ...REQUEST.target, size: GiB } };
  const table: readonly [
    check: string,
    code: ErrorCode,
    words: RegExp,
    facts: Partial<InstallFacts>,
    request?: Partial<InstallRequest>,
  ][] = [
    ["privilege", "missing-privilege", /root/, { isRoot: false }],
    ["loop-devices", "unsupported", /loop/, { hasLoopDevices: false }],
    ["programs", "missing-program", /mkfs\.vfat.*sfdisk.*apt install dosfstools/s, { missingPrograms: ["mkfs.vfat", "sfdisk"] }],
    ["kernel", "not-found", /no kernel/, { kernel: undefined, kernelFile: undefined, initrdFile: undefined }],
    ["kernel", "not-found", /no modules in \/usr\/lib\/modules\/6\.1\.0/, { kernel: { ...kernel, hasModules: false } }],
    ["kernel", "not-found", /no initramfs.*update-initramfs/s, { initrdFile: undefined }],
    ["boot-loader", "missing-program", /apt install systemd-boot-efi/, { loaderProgram: undefined }],
    ["target", "not-found", /folder/, { target: { ...target, folderExists: false } }],
    ["target", "refused", /not blank.*--wipe/s, { target: { ...target, state: "not-blank" } }],
    ["target", "refused", /in use/, { target: { ...target, state: "in-use" } }, { wipe: true }],
    ["target", "refused", /no regular file/, { target: { ...target, state: "not-a-file" } }, { wipe: true }],
    ["disk-size", "no-space", /too small.*1026M/s, {}, small],
    ["root-space", "no-space", /root partition.*at least \d+M/s, { tree: { ...tree, bytes: 3 * GiB } }],
    ["root-space", "no-space", /root partition/, { tree: { ...tree, entries: 1e6 } }],
    ["boot-space", "no-space", /boot partition/, { initrdFile: content("boot/initrd.img-6.1.0", 520e6) }],
    ["host-space", "no-space", /\/images\/a\.img/, { target: { ...target, available: 100e6 } }],
  ];
  for (const [name, code, words, facts, request] of table) {
    const plan = planInstall({ ...REQUEST, ...request }, { ...FACTS, ...facts }, IDS);
    const failing = plan.checks.filter((check) => check.problem !== undefined);
    assert.deepEqual(
      failing.map((check) => check.name),
      [name],
    );
    assert.match(`${failing[0]!.problem!.message} ${failing[0]!.problem!.hint}`, words);
    assert.throws(() => requireChecks(plan), { code }, name);
  }
});

test("the size that the hint names is enough", () => {
  const facts = { ...FACTS, tree: { ...FACTS.tree, bytes: 3 * GiB } };
  const refusal = planInstall(REQUEST, facts, IDS).checks.find((check) => check.name === "root-space")?.problem?.hint;
  const mebibytes = Number(/(\d+)M/.exec(refusal ?? "")?.[1]);
  requireChecks(planInstall({ ...REQUEST, target: { ...REQUEST.target, size: mebibytes * 2 ** 20 } }, facts, IDS));
});

test("wipe permits what is not blank; a blank file needs none; either is replaced", () => {
  for (const [state, wipe] of [
    ["not-blank", true],
    ["blank", false],
  ] as const) {
    const plan = planInstall({ ...REQUEST, wipe }, { ...FACTS, target: { ...FACTS.target, state } }, IDS);
    requireChecks(plan);
    assert.equal(plan.replaces, true);
  }
  assert.equal(planInstall(REQUEST, FACTS, IDS).replaces, false);
});

test("parameters that would break the command line are refused", () => {
  assert.throws(() => planInstall({ ...REQUEST, kernelParameters: ["a\nlinux /evil"] }, FACTS, IDS), { code: "usage" });
});

function content(path: string, bytes: number): ContentFile {
  return { origin: "tree", path, bytes, sha256: "a".repeat(64) };
}
