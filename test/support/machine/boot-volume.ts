/** A tiny machine whose /boot is an ext4 of its own with GRUB's configuration, and what GRUB would start of it. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fakeKernel } from "../fake-kernel.ts";
import { run, runText } from "../programs.ts";

/** The kernel with all that a system has of it. What is there of another goes. */
export function putKernel(root: string, rootName: string, release: string, prefix = ""): void {
  const boot = `${root}/boot`;
  for (const name of readdirSync(boot)) if (/^(vmlinuz|initrd)/.test(name)) rmSync(`${boot}/${name}`);
  rmSync(`${root}/usr/lib/modules`, { recursive: true, force: true });
  mkdirSync(`${root}/usr/lib/modules/${release}`, { recursive: true });
  writeFileSync(`${root}/usr/lib/modules/${release}/modules.dep`, "");
  writeFileSync(`${boot}/vmlinuz-${release}`, fakeKernel(release));
  writeFileSync(`${boot}/initrd.img-${release}`, `an initramfs for ${release}`);
  mkdirSync(`${boot}/grub`, { recursive: true });
  const flags = rootName === "" ? "" : ` rootflags=compress=zstd,subvol=${rootName}`;
  writeFileSync(
    `${boot}/grub/grub.cfg`,
    `set default=0
menuentry "Tiny ${release}" --id tiny {
  linux ${prefix}/vmlinuz-${release} root=UUID=0-0${flags} ro quiet
  initrd ${prefix}/initrd.img-${release}
}
if [ -f \${config_directory}/custom.cfg ]; then
  source \${config_directory}/custom.cfg
fi
`,
  );
}

/**
 * What GRUB would start: the subvolume, by its number or its name, and the kernel's release. Asserts that the kernel and the initramfs are
 * there and belong together, and that the root has the kernel's modules. `top`: the mounted top level; `boot`: the folder with /boot's files, whose
 * path from the top of its file system is `prefix`; `defaultName`: the root where none is named.
 */
export function whatGrubStarts(top: string, boot: string, defaultName: string, prefix = ""): { root: string; release: string } {
  const config = readFileSync(`${boot}/grub/grub.cfg`, "latin1");
  const custom = existsSync(`${boot}/grub/custom.cfg`) ? readFileSync(`${boot}/grub/custom.cfg`, "latin1") : "";
  // A script that GRUB can't read starts nothing.
  if (custom !== "") run("grub-script-check", [`${boot}/grub/custom.cfg`]);
  const wanted = [...(config + custom).matchAll(/^set default=(\S+)$/gm)].at(-1)![1]!;
  const entries = [...(config + custom).matchAll(/^menuentry (?:"[^"]*"|'[^']*') --id (\S+) \{\n([^}]*)\}/gm)];
  const entry = entries.find((match, index) => match[1] === wanted || String(index) === wanted);
  assert.ok(entry, `the default ${wanted} is no entry`);
  const [, kernel, parameters] = /^\s*linux (\S+) (.*)$/m.exec(entry[2]!)!;
  const [, initrd] = /^\s*initrd (\S+)/m.exec(entry[2]!)!;
  const plain = (word: string): string => word.replaceAll(/['"]/g, "").replace(prefix, "");
  const image = readFileSync(`${boot}${plain(kernel!)}`);
  const release = image.subarray(0x500).toString("latin1").split(" ")[0]!;
  assert.equal(readFileSync(`${boot}${plain(initrd!)}`, "latin1"), `an initramfs for ${release}`);
  assert.match(parameters!, /\bro\b.*\bquiet\b|\bquiet\b/);
  const id = /subvolid=(\d+)/.exec(parameters!)?.[1];
  const root = id === undefined ? (/[=,]subvol=([^\s,']+)/.exec(parameters!)?.[1] ?? defaultName) : pathOfSubvolume(top, id);
  assert.ok(existsSync(`${top}/${root}/usr/lib/modules/${release}/modules.dep`), `${root} has no modules for ${release}`);
  return { root, release };
}

function pathOfSubvolume(top: string, id: string): string {
  const line = runText("btrfs", ["subvolume", "list", top])
    .split("\n")
    .find((each) => each.startsWith(`ID ${id} `));
  assert.ok(line, `subvolume ${id} is gone`);
  return line.replace(/^.* path (<FS_TREE>\/)?/, "");
}
