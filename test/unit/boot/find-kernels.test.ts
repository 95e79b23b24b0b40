import assert from "node:assert/strict";
import test from "node:test";
import { chooseKernel, findKernels } from "../../../src/boot/find-kernels.ts";
import { fakeKernel } from "../../support/fake-kernel.ts";
import { memoryTree } from "../../support/memory-tree.ts";

test("Debian: the newest complete kernel", async () => {
  const kernels = await findKernels(
    memoryTree({
      "boot/vmlinuz-6.1.0-9-amd64": fakeKernel("6.1.0-9-amd64"),
      "boot/initrd.img-6.1.0-9-amd64": "i",
      "usr/lib/modules/6.1.0-9-amd64/modules.dep": "",
      "boot/vmlinuz-6.1.0-37-amd64": fakeKernel("6.1.0-37-amd64"),
      "boot/initrd.img-6.1.0-37-amd64": "i",
      "usr/lib/modules/6.1.0-37-amd64/modules.dep": "",
      "boot/vmlinuz-6.10.0-amd64": fakeKernel("6.10.0-amd64"),
      "boot/initrd.img-6.10.0-amd64": "i",
      "usr/lib/modules/6.10.0-amd64/left-behind": "",
      "boot/config-6.1.0-37-amd64": "",
    }),
  );
  assert.deepEqual(
    kernels.map((kernel) => kernel.release),
    ["6.10.0-amd64", "6.1.0-37-amd64", "6.1.0-9-amd64"],
  );
  assert.deepEqual(chooseKernel(kernels), {
    release: "6.1.0-37-amd64",
    imagePath: "boot/vmlinuz-6.1.0-37-amd64",
    initrdPath: "boot/initrd.img-6.1.0-37-amd64",
    hasModules: true,
  });
});

test("Fedora: the kernel beside its modules, its initramfs in /boot", async () => {
  const kernels = await findKernels(
    memoryTree({
      "usr/lib/modules/6.9.5-200.fc40.x86_64/vmlinuz": fakeKernel("6.9.5-200.fc40.x86_64"),
      "usr/lib/modules/6.9.5-200.fc40.x86_64/modules.dep": "",
      "boot/initramfs-6.9.5-200.fc40.x86_64.img": "i",
    }),
  );
  assert.equal(chooseKernel(kernels)?.initrdPath, "boot/initramfs-6.9.5-200.fc40.x86_64.img");
  assert.equal(chooseKernel(kernels)?.hasModules, true);
});

test("Arch: an unversioned name; the image, else the package's name, tells the release", async () => {
  const files = {
    "boot/initramfs-linux.img": "i",
    "usr/lib/modules/6.9.7-arch1-1/modules.dep": "",
    "usr/lib/modules/6.9.7-arch1-1/pkgbase": "linux\n",
  };
  for (const image of [fakeKernel("6.9.7-arch1-1"), "compressed: tells nothing"]) {
    const [kernel] = await findKernels(memoryTree({ ...files, "boot/vmlinuz-linux": image }));
    assert.deepEqual(kernel, {
      release: "6.9.7-arch1-1",
      imagePath: "boot/vmlinuz-linux",
      initrdPath: "boot/initramfs-linux.img",
      hasModules: true,
    });
  }
});

test("a kernel that was overwritten by another has no modules, whatever its name says", async () => {
  const [kernel] = await findKernels(
    memoryTree({
      "boot/vmlinuz-6.1.0": fakeKernel("6.2.0"),
      "boot/initrd.img-6.1.0": "i",
      "usr/lib/modules/6.1.0/modules.dep": "",
    }),
  );
  assert.equal(kernel?.release, "6.2.0");
  assert.equal(kernel?.hasModules, false);
});

test("no kernel", async () => {
  assert.equal(chooseKernel(await findKernels(memoryTree({ "etc/fstab": "" }))), undefined);
});
