/** The trees that are measured. Made anew on the file system under test; contents are the same each time. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { BOOTABLE, type DebianRecipe, debianTree } from "../support/debian-tree.ts";

/** A usual small server: about 460 MB. */
const SERVER: DebianRecipe = {
  ...BOOTABLE,
  packages: [
    ...BOOTABLE.packages,
    "grub-efi-amd64-bin",
    "grub-common",
    "lvm2",
    "openssh-server",
    "python3",
    "rsync",
    "vim",
    "locales",
  ],
};

/** A Debian system without its device nodes, which ostree can't take. */
export async function makeDebianTree(folder: string): Promise<void> {
  await (await debianTree(SERVER)).unpack(folder);
  rmSync(path.join(folder, "dev"), { recursive: true });
  mkdirSync(path.join(folder, "dev"));
}

/** Files of 100 to 4,000 bytes, a hundred in a folder. */
export function makeSmallFiles(folder: string, count: number): void {
  let state = 12345;
  const next = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0);
  for (let index = 0; index < count; index++) {
    const at = path.join(folder, `d${Math.floor(index / 100)}`);
    if (index % 100 === 0) mkdirSync(at, { recursive: true });
    const size = 100 + (next() % 3900);
    const data = Buffer.alloc(size);
    for (let offset = 0; offset + 4 <= size; offset += 4) data.writeUInt32LE(next(), offset);
    writeFileSync(path.join(at, `f${index}`), data);
  }
}

/** Entries and bytes of a tree, as find and du see them. */
export function sizeOf(folder: string): string {
  const entries = spawnSync("sh", ["-c", `find ${folder} | wc -l; du -sm --apparent-size ${folder} | cut -f1`], {
    encoding: "utf8",
  });
  const [count, megabytes] = entries.stdout.trim().split("\n");
  return `${Number(count).toLocaleString("en-US")} entries, ${megabytes} MB`;
}
