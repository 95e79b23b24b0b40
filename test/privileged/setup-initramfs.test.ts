/**
 * `setup` on a Debian at --sysroot: the image loses the engine and gets it again, as Debian's own lsinitramfs says, and a tool that fails
 * leaves the image as it was.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { EXIT } from "../../src/base/exit-codes.ts";
import { workbench } from "../support/cli.ts";
import { GRUB_IMAGE_NEEDS, ROOT_NAME, grubImage, withTopLevel } from "../support/grub-image.ts";
import { runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";

const CLASS_A = { bootClass: "a" } as const;
const bench = workbench();

test("the images are made anew, by the distribution's own tool", async (t) => {
  if (!requires(t, GRUB_IMAGE_NEEDS)) return;
  const image = `${scratchFolder(t)}/disk.img`;
  await grubImage(image, CLASS_A);
  await withTopLevel(image, CLASS_A, (top) => {
    const root = `${top}/${ROOT_NAME}`;
    const name = readdirSync(`${root}/boot`).find((each) => each.startsWith("initrd.img-"))!;
    const hasEngine = (): boolean => /regrow-engine$/m.test(runText("chroot", [root, "lsinitramfs", `/boot/${name}`]));
    const setup = (...args: readonly string[]): string => bench.ok("--sysroot", root, "setup", ...args);
    assert.ok(hasEngine());
    assert.match(setup("-n"), /done .*`update-initramfs -u -k all`/);
    assert.match(setup("--undo", "-n"), /update-initramfs/);
    setup("--undo", "-y", "-q");
    assert.ok(!hasEngine(), "undone");

    assert.doesNotMatch(setup("-n", "--no-initramfs"), /to do .*update-initramfs/);
    setup("-y", "-q", "--no-initramfs");
    assert.ok(!hasEngine(), "left alone");

    const before = readFileSync(`${root}/boot/${name}`);
    const hook = `${root}/etc/initramfs-tools/hooks/broken`;
    writeFileSync(hook, '#!/bin/sh\n[ "$1" != prereqs ] || exit 0\necho no luck today >&2\nexit 3\n', { mode: 0o755 });
    const failed = bench.regrow("--sysroot", root, "setup", "-y");
    assert.equal(failed.code, EXIT.failure);
    assert.match(failed.err, /no luck today[^]*update-initramfs -u -k all[^]*--no-initramfs/);
    assert.ok(readFileSync(`${root}/boot/${name}`).equals(before), "the image is as it was");
    rmSync(hook);

    assert.match(setup("-n"), /to do .*`update-initramfs -u -k all`/);
    setup("-y", "-q");
    assert.ok(hasEngine(), "made anew");
    assert.match(bench.regrow("--sysroot", root, "setup", "-y").err, /nothing to do/);
    assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(`${ROOT_NAME}/(?:proc|dev|sys|run)`));
  });
});
