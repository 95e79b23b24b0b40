/**
 * Debian as its own tools have made it, with GRUB on an ESP: `doctor` has nothing to say of it, and finds what the tools of the distribution break.
 * The ESP's files are taken out of their FAT, which this kernel need not know.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { test } from "node:test";
import { workbench } from "../support/cli.ts";
import { GRUB_IMAGE_NEEDS, ROOT_NAME, grubImage, withTopLevel } from "../support/grub-image.ts";
import { run } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";

const CLASS_A = { bootClass: "a" } as const;
const ESP_OFFSET = 2 ** 20;
const bench = workbench();

test("a Debian that starts is found to be in order, and what keeps it from starting is found", async (t) => {
  if (!requires(t, GRUB_IMAGE_NEEDS)) return;
  const image = `${scratchFolder(t)}/disk.img`;
  await grubImage(image, CLASS_A);
  await withTopLevel(image, CLASS_A, (top) => {
    const root = `${top}/${ROOT_NAME}`;
    mkdirSync(`${root}/boot/efi`);
    run("mcopy", ["-s", "-i", `${image}@@${ESP_OFFSET}`, "::EFI", `${root}/boot/efi`]);
    const doctor = (): { readonly code: number | null; readonly out: string } => bench.regrow("--sysroot", root, "doctor");
    bench.ok("--sysroot", root, "setup", "-y", "-q", "--no-initramfs");
    bench.ok("--sysroot", root, "commit", "-q", "-m", "first");
    const healthy = doctor();
    assert.equal(healthy.code, 0, healthy.out);
    // The image has only what a start needs of GRUB.
    assert.deepEqual(healthy.out.match(/^(?:PROBLEM|warning|unseen).*$/gm), [
      "warning  programs          grub-install: this program is missing; it mends a GRUB that does not find its file system.",
    ]);
    assert.match(healthy.out, /^ok +grub +\/boot\/efi\/EFI\/BOOT\/BOOTX64\.EFI: each finds its file system/m);
    assert.match(healthy.out, /^ok +engine .*in 1 initramfs/m);

    // As after an upgrade that was cut: the package of the kernel is gone, its image and its initramfs are not.
    const [release] = readdirSync(`${root}/usr/lib/modules`);
    rmSync(`${root}/usr/lib/modules/${release}`, { recursive: true });
    // What makes an initramfs without the engine, and another file system's UUID.
    run("chroot", [
      root,
      "sh",
      "-c",
      "mkdir /tmp/none && cd /tmp/none && find . | cpio --quiet -o -H newc | gzip > /boot/initrd.img-*",
    ]);
    const broken = doctor();
    assert.equal(broken.code, 1);
    assert.match(broken.out, /^PROBLEM +kernels +\/boot\/vmlinuz-\S+: \/usr\/lib\/modules\/\S+ has no modules/m);
    assert.match(broken.out, /^PROBLEM +engine +\/boot\/initrd\.img-\S+: the engine is not in this initramfs/m);
  });
});
