/** A tree of a few files that passes for a system's, so that installs of it take a fraction of a second. It boots nothing. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fakeKernel } from "./fake-kernel.ts";

export function makeSmallTree(folder: string): void {
  const files: Readonly<Record<string, string | Buffer>> = {
    "boot/vmlinuz-6.1.0-test": fakeKernel("6.1.0-test"),
    "boot/initrd.img-6.1.0-test": "initramfs",
    "usr/lib/modules/6.1.0-test/modules.dep": "",
    "usr/lib/os-release": 'PRETTY_NAME="Small 1"\n',
    "usr/lib/systemd/boot/efi/systemd-bootx64.efi": "loader",
    "etc/fstab": "UUID=old / ext4 defaults 0 1\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "home/someone/notes": "kept\n",
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}
