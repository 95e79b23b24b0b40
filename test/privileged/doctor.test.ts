/**
 * Each fault is really made on a machine on a loop device and found, by the check that is for it and no other; before it and after it was mended
 * `doctor` has nothing to say.
 */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { examineMachine } from "../../src/machine/doctor/doctor.ts";
import type { Finding } from "../../src/machine/doctor/finding.ts";
import { workbench } from "../support/cli.ts";
import { FAULTS, snapshotOf, swapfile } from "../support/machine/machine-faults.ts";
import {
  KERNEL,
  STARTABLE_NEEDS,
  type StartableMachine,
  moveBoot,
  putInitramfs,
  startableMachine,
} from "../support/machine/startable-machine.ts";
import { run, tryRun } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem, scratchFolder } from "../support/scratch.ts";

const bench = workbench();
const ENGINE = "usr/lib/regrow/regrow-engine";

test("each fault is found, and what has none is silent", async (t) => {
  if (!requires(t, STARTABLE_NEEDS)) return;
  const machine = keptMachine(t);
  const { root, top } = machine;
  const kept = scratchFolder(t);
  await assertSilent(root);
  for (const [name, { check, severity, message, files = [], make, mend }] of Object.entries(FAULTS)) {
    await t.test(name, async () => {
      for (const [index, file] of files.entries()) run("cp", ["-a", `${root}/${file}`, `${kept}/${index}`]);
      make(machine);
      const found = (await examineMachine(root)).filter(isComplaint);
      for (const [index, file] of files.entries()) run("cp", ["-a", "-T", `${kept}/${index}`, `${root}/${file}`]);
      mend?.(machine);
      assert.deepEqual(
        [...new Set(found.map((finding) => [finding.check, finding.severity].join()))],
        [`${check},${severity}`],
        shown(found),
      );
      assert.match(found[0]!.message, message);
      assert.ok((found[0]!.cure ?? "").length > 10);
      await assertSilent(root);
    });
  }
  await t.test("a snapshot that was written to", async () => {
    run("btrfs", ["property", "set", "-ts", snapshotOf(top), "ro", "false"]);
    writeFileSync(`${snapshotOf(top)}/usr/bin/tool`, "other");
    run("btrfs", ["property", "set", "-ts", snapshotOf(top), "ro", "true"]);
    run("sync", ["-f", top]);
    const found = (await examineMachine(root)).filter(isComplaint);
    assert.deepEqual(
      found.map((finding) => finding.check),
      ["snapshots"],
      shown(found),
    );
    assert.match(found[0]!.message, /was changed after its commit/);
    // The cure as it is told, for a machine whose /.regrow is mounted.
    run("btrfs", ["-q", "subvolume", "delete", /delete (\S+)`/.exec(found[0]!.cure!)![1]!.replace("/.regrow", `${top}/@regrow`)]);
    await assertSilent(root);
  });
});

test("the command says it, changes nothing, and ends with 1 where there is a problem", (t) => {
  if (!requires(t, STARTABLE_NEEDS)) return;
  const { root, top } = keptMachine(t);
  const facts = (): string => run("find", [top, "-printf", "%p %i %s %m %T@ %C@\n"]).toString();
  const before = facts();
  const healthy = bench.regrow("--sysroot", root, "doctor");
  assert.deepEqual([healthy.code, healthy.err], [0, ""]);
  assert.match(healthy.out, /^0 problems, 0 warnings\.$/m);
  assert.equal(bench.ok("--sysroot", root, "doctor", "-q"), "");
  assert.equal(facts(), before);

  rmSync(`${root}/${KERNEL}`);
  const broken = bench.regrow("--sysroot", root, "doctor", "-q");
  assert.equal(broken.code, 1);
  assert.match(broken.out, /^PROBLEM  grub-menu .*vmlinuz-6\.1\.0-37-amd64 does not exist/m);
  const json = bench.regrow("--sysroot", root, "doctor", "--json");
  const objects = json.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Finding);
  assert.equal(json.code, 1);
  assert.ok(
    objects.some(({ check, severity, cure }) => check === "boot-entries" && severity === "problem" && cure !== undefined),
  );

  const program = `${scratchFolder(t)}/regrow`;
  copyFileSync(bench.program, program);
  chmodSync(`${root}/..`, 0o755);
  const asNobody = tryRun(program, ["--sysroot", root, "doctor"], {
    uid: 65534,
    gid: 65534,
    env: { PATH: "/usr/bin:/bin", HOME: "/" },
  });
  const said = asNobody.stdout.toString();
  assert.equal(asNobody.status, 1, asNobody.stderr);
  assert.match(said, /^unseen   machine .*needs root/m);
  assert.match(said, /^PROBLEM  boot-entries /m);
  assert.match(said, /could not be seen/);
});

test("a machine that is not set up is told what setup would say", async (t) => {
  if (!requires(t, STARTABLE_NEEDS)) return;
  const machine = startableMachine(t);
  putInitramfs(machine.root, ["usr/bin/dash"]);
  swapfile(machine.root, "swapfile");
  const found = (await examineMachine(machine.root)).filter(({ check }) => check === "machine");
  assert.deepEqual(
    found.map(({ severity }) => severity),
    ["warning", "problem"],
    shown(found),
  );
  assert.match(found[1]!.message, /swapfile.*stops every snapshot/);
});

test("a /boot of its own: nothing is wrong, it is not mounted, it is full, its GRUB can't be told", async (t) => {
  if (!requires(t, { ...STARTABLE_NEEDS, filesystems: ["btrfs", "ext4"] })) return;
  const machine = startableMachine(t);
  const { root } = machine;
  const { mount, umount } = moveBoot(t, machine);
  bench.ok("--sysroot", root, "setup", "-y", "-q", "--no-initramfs");
  putInitramfs(root, ["usr/bin/dash", ENGINE]);
  bench.ok("--sysroot", root, "commit", "-q", "-m", "first");
  const found = await assertSilent(root);
  assert.match(found.find(({ check }) => check === "machine")!.message, /boot class b/);

  umount();
  const away = (await examineMachine(root)).filter(({ severity }) => severity === "unseen");
  assert.deepEqual(
    away.map(({ check }) => check),
    ["grub-menu", "grub-environment", "boot-entries", "kernels"],
    shown(away),
  );
  mount();

  run("fallocate", ["-l", "34MiB", `${root}/boot/full`]);
  const full = (await examineMachine(root)).filter(isComplaint);
  assert.deepEqual(
    full.map(({ check, severity }) => `${check} ${severity}`),
    ["boot-space problem"],
    shown(full),
  );
  rmSync(`${root}/boot/full`);

  const menu = readFileSync(`${root}/boot/grub/grub.cfg`, "utf8");
  writeFileSync(`${root}/boot/grub/grub.cfg`, menu.replaceAll("custom.cfg", "other.cfg"));
  const deaf = (await examineMachine(root)).filter(isComplaint);
  assert.deepEqual(
    deaf.map(({ check, severity }) => `${check} ${severity}`),
    ["machine problem"],
    shown(deaf),
  );
  writeFileSync(`${root}/boot/grub/grub.cfg`, menu);
  await assertSilent(root);
});

test("metadata that can't grow any more", async (t) => {
  if (!requires(t, { ...STARTABLE_NEEDS, programs: ["btrfs", "mkfs.btrfs", "mount", "fallocate"] })) return;
  const top = mountedFileSystem(t, "btrfs", 400);
  run("btrfs", ["-q", "subvolume", "create", `${top}/@`]);
  const state = async (): Promise<string> =>
    (await examineMachine(`${top}/@`)).find(({ check }) => check === "metadata")!.severity;
  assert.equal(await state(), "ok");
  // All that was unallocated becomes data.
  let number = 0;
  while (tryRun("fallocate", ["-o", `${number * 8}MiB`, "-l", "8MiB", `${top}/data`]).status === 0) number++;
  assert.equal(await state(), "problem");
});

function keptMachine(t: Parameters<typeof startableMachine>[0]): StartableMachine {
  const machine = startableMachine(t);
  const { root } = machine;
  bench.ok("--sysroot", root, "setup", "-y", "-q", "--no-initramfs");
  putInitramfs(root, ["usr/bin/dash", ENGINE]);
  bench.ok("--sysroot", root, "commit", "-q", "-m", "first");
  return machine;
}

function isComplaint({ severity }: Finding): boolean {
  return severity === "problem" || severity === "warning";
}

async function assertSilent(root: string): Promise<Finding[]> {
  const all = await examineMachine(root);
  const found = all.filter(({ severity }) => severity !== "ok" && severity !== "skipped");
  assert.deepEqual(found, [], shown(found));
  return all;
}

function shown(findings: readonly Finding[]): string {
  return findings.map(({ check, severity, message }) => `${severity} ${check}: ${message}`).join("\n");
}
