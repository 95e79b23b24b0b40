/**
 * A machine with /boot outside of its root is killed, or loses its power, while it goes back and while that is undone. Whatever is left: GRUB
 * starts a kernel that is there, of a root that has its modules; and after the next command it is wholly the old or the new one. The
 * short form kills at some points; with REGROW_LONG=1 at all.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fastFolder } from "../support/fast-folder.ts";
import { putKernel, whatGrubStarts } from "../support/machine/boot-volume.ts";
import { assertNothingLeft, judgeRepository } from "../support/machine/judge-machine.ts";
import { breakTinyRoot, makeTinyRoot, runMachine, startMachine } from "../support/machine/tiny-machine.ts";
import { type MountedDevice, leftInUse, withLoopDevice, withMounted } from "../support/power-cut/mounted-device.ts";
import { copyImage } from "../support/power-cut/replay-image.ts";
import { expectOldOrNew } from "../support/power-cut/report.ts";
import { cutStates, requiresPowerCutRig, withPowerCutRig } from "../support/power-cut/rig.ts";
import { run } from "../support/programs.ts";
import { seed } from "../support/property.ts";
import { requires } from "../support/requires.ts";
import { tally } from "../support/tally.ts";

const NEEDS = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mkfs.ext4", "mount", "losetup", "ostree", "grub-script-check"],
  filesystems: ["btrfs", "ext4"],
};
const isLong = process.env["REGROW_LONG"] === "1";
const NAME = "@";
const OLD_KERNEL = "6.1.0-1";
const NEW_KERNEL = "6.2.0-2";
/** The last of them are where boot loader and names change. */
const SHORT_LAST = 14;
const SHORT_SPREAD = 4;
const SHORT_STATES = 8;
const MOST_VARIATION = 15;

interface Scene {
  readonly top: string;
  readonly root: string;
  readonly boot: string;
  readonly prefix: string;
}

/** Kept with one kernel, then broken and upgraded to another. */
async function makeScene({ root, prefix }: Scene): Promise<void> {
  writeFileSync(`${root}/etc/fstab`, "/dev/root / btrfs defaults 0 0\n/dev/boot /boot auto defaults 0 2\n");
  putKernel(root, NAME, OLD_KERNEL, prefix);
  await runMachine(root, "setup", "-y");
  await runMachine(root, "commit", "-m", "good");
  breakTinyRoot(root);
  putKernel(root, NAME, NEW_KERNEL, prefix);
}

/** `rollback` goes to the old kernel, `undo` of it to the new one. */
const COMMANDS = [
  { of: "rollback", before: [], command: ["rollback", "-y"], from: NEW_KERNEL, to: OLD_KERNEL },
  { of: "undo", before: ["rollback", "-y"], command: ["undo", "-y"], from: OLD_KERNEL, to: NEW_KERNEL },
] as const;

/** Right after the cut: what starts is whole. Then the next command, and all is of one piece. */
async function judge(scene: Scene, remount: () => Scene, { from, to }: { from: string; to: string }): Promise<"old" | "new"> {
  const { release } = whatGrubStarts(scene.top, scene.boot, NAME, scene.prefix);
  assert.ok(release === from || release === to, release);
  // Whoever starts by number and finds the names unchanged lets the engine change them; here the next command does.
  await startMachine(scene.root, ["undo", "--list"]);
  const now = remount();
  await runMachine(now.root, "commit", "-m", "the next", "--verify");
  const after = whatGrubStarts(now.top, now.boot, NAME, now.prefix);
  assert.equal(after.root, NAME);
  const tool = readFileSync(`${now.root}/usr/bin/tool`, "latin1").slice(0, 3);
  assert.equal(tool, after.release === OLD_KERNEL ? "old" : "bro", "the root belongs to the kernel");
  assert.ok(existsSync(`${now.boot}/vmlinuz-${after.release}`), "the kernel has its own name again");
  assert.ok(!existsSync(`${now.boot}/regrow-switch`) && !existsSync(`${now.boot}/grub/custom.cfg`), "left on /boot");
  assertNothingLeft(now.top, now.root);
  judgeRepository(now.top, []);
  return after.release === from ? "old" : "new";
}

for (const { of, before, command, from, to } of COMMANDS) {
  test(`${of} of a machine with /boot on ext4, killed before its changes`, async (t) => {
    if (!requires(t, NEEDS)) return;
    const images = mkdtempSync(path.join(fastFolder(), "regrow-boot-cut-"));
    const mounts = mkdtempSync(path.join(os.tmpdir(), "regrow-boot-cut-"));
    t.after(() => {
      assert.deepEqual(leftInUse([images, mounts]), []);
      for (const folder of [images, mounts]) rmSync(folder, { recursive: true });
    });
    const inImages = <T>(image: string, use: (scene: Scene, remount: () => Scene) => Promise<T>): Promise<T> =>
      withLoopDevice(`${image}.root`, (rootDevice) =>
        withLoopDevice(`${image}.boot`, (bootDevice) =>
          withMounted(rootDevice, mounts, { fileSystem: "btrfs", options: "subvolid=5" }, async ({ path: top, mount }) => {
            const scene = (): Scene => {
              const root = mount(`subvol=${NAME}`);
              run("mount", [bootDevice, `${root}/boot`]);
              return { top, root, boot: `${root}/boot`, prefix: "" };
            };
            const roots: string[] = [];
            const mounted = (): Scene => {
              for (const root of roots.splice(0)) run("umount", [`${root}/boot`]);
              const one = scene();
              roots.push(one.root);
              return one;
            };
            try {
              return await use(mounted(), mounted);
            } finally {
              for (const root of roots) run("umount", [`${root}/boot`]);
            }
          }),
        ),
      );
    const base = `${images}/base`;
    for (const [name, megabytes, ...make] of [
      ["root", 256, "mkfs.btrfs", "-q", "-f"],
      ["boot", 24, "mkfs.ext4", "-q", "-F"],
    ] as const) {
      writeFileSync(`${base}.${name}`, "");
      truncateSync(`${base}.${name}`, megabytes * 2 ** 20);
      run(make[0], [...make.slice(1), `${base}.${name}`]);
    }
    await withLoopDevice(`${base}.root`, (device) =>
      withMounted(device, mounts, { fileSystem: "btrfs", options: "subvolid=5" }, async ({ path: top }) =>
        makeTinyRoot(top, { name: NAME, isDefault: false }),
      ),
    );
    await inImages(base, async (scene) => {
      await makeScene(scene);
      if (before.length > 0) await runMachine(scene.root, ...before);
    });
    const image = `${images}/cut`;
    const copy = (): void => ["root", "boot"].forEach((name) => copyImage(`${base}.${name}`, `${image}.${name}`));
    copy();
    const trace = `${images}/trace`;
    await inImages(image, async ({ root }) => {
      const { code, stderr } = await startMachine(root, command, { REGROW_FAIL_TRACE: trace });
      assert.equal(code, 0, stderr);
    });
    const changes = readFileSync(trace, "utf8").trimEnd().split("\n");
    const found = { old: 0, new: 0 };
    let killed = 0;
    for (const point of pointsOf(changes)) {
      copy();
      try {
        await inImages(image, async ({ root }) => {
          const { code, signal, stderr } = await startMachine(root, command, { REGROW_FAIL_AT: `${point}` });
          if (signal === "SIGKILL") killed++;
          else assert.ok(code === 0 && point > changes.length - MOST_VARIATION, `ended with ${code}: ${stderr}`);
        });
        found[await inImages(image, (scene, remount) => judge(scene, remount, { from, to }))]++;
      } catch (error) {
        const what = `${of}, killed before change ${point} of ${changes.length} (${changes[point - 1]})`;
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      }
    }
    t.diagnostic(`${changes.length} changes, killed at ${killed} of them: old ${found.old}, new ${found.new}`);
    assert.ok(found.old > 0 && found.new > 0, "both the old and the new state must be seen");
    tally("kill points", `machine with /boot of its own: ${of}`, killed);
  });

  test(`${of} of a machine with /boot in a subvolume is whole after a power cut`, async (t) => {
    if (!requiresPowerCutRig(t, "btrfs", ["ostree", "grub-script-check"])) return;
    // One disk holds both, so that what reaches it in which order is seen.
    const prefix = "/@boot";
    const sceneOf = ({ path: top, mount }: MountedDevice): Scene => {
      const root = mount(`subvol=${NAME}`);
      run("mount", ["-o", `subvol=${prefix}`, deviceOf(top), `${root}/boot`]);
      return { top, root, boot: `${top}${prefix}`, prefix };
    };
    const unmountBoot = ({ root }: Scene): void => void run("umount", [`${root}/boot`]);
    const report = await withPowerCutRig({
      fileSystem: "btrfs",
      megabytes: 256,
      mountOptions: "subvolid=5",
      states: cutStates(SHORT_STATES),
      seed,
      prepare: async (mounted) => {
        makeTinyRoot(mounted.path, { name: NAME, isDefault: false });
        run("btrfs", ["-q", "subvolume", "create", `${mounted.path}${prefix}`]);
        const scene = sceneOf(mounted);
        await makeScene(scene);
        if (before.length > 0) await runMachine(scene.root, ...before);
        unmountBoot(scene);
      },
      operation: async (mounted) => {
        const scene = sceneOf(mounted);
        await runMachine(scene.root, ...command);
        unmountBoot(scene);
      },
      judge: async (state) => {
        let scene = sceneOf(state);
        const which = await judge(
          scene,
          () => {
            unmountBoot(scene);
            scene = sceneOf(state);
            return scene;
          },
          { from, to },
        );
        unmountBoot(scene);
        return which;
      },
    });
    expectOldOrNew(t, `${of} of a machine with /boot in a subvolume`, report);
  });
}

function deviceOf(folder: string): string {
  return run("findmnt", ["-n", "-o", "SOURCE", folder]).toString().trim().replace(/\[.*/, "");
}

/** All, or the last and some of those before. */
function pointsOf(changes: readonly string[]): number[] {
  const { length } = changes;
  if (isLong) return Array.from({ length }, (_, index) => index + 1);
  const spread = Array.from({ length: SHORT_SPREAD }, (_, index) => 1 + Math.floor((index * length) / SHORT_SPREAD));
  const last = Array.from({ length: SHORT_LAST }, (_, index) => length - 4 * index);
  return [...new Set([...spread, ...last.filter((point) => point > 0)])].toSorted((a, b) => a - b);
}
