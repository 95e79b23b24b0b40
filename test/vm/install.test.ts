/** A tree becomes a disk image, and the image boots as exactly that tree; images that are broken on purpose are told from it. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { parseBootEntry, formatBootEntry } from "../../src/codec/bls-entry.ts";
import { openTree, putFile } from "../../src/disk/file-systems.ts";
import { partitionOf } from "../../src/disk/plan-disk.ts";
import { regionOf } from "../../src/disk/region.ts";
import { installImage } from "../../src/machine/install.ts";
import type { InstallWork } from "../../src/machine/install-plan.ts";
import { runProgram } from "../../src/sys/run-program.ts";
import { DEBIAN_TREE_NEEDS, debianTree } from "../support/debian-tree.ts";
import { folderSource } from "../support/folder-source.ts";
import { imageRequest, planImage } from "../support/install-fixture.ts";
import { requires } from "../support/requires.ts";
import { VM_NEEDS, startGuest } from "../support/vm.ts";
import { injectMarker, readMarker, treeChecksum } from "../support/vm-marker.ts";

const PROGRAMS = [...DEBIAN_TREE_NEEDS.programs, ...VM_NEEDS.programs, "mkfs.btrfs", "mkfs.vfat", "mcopy", "sfdisk"];
const BOOT_SECONDS = 240;

interface Installed {
  readonly image: string;
  readonly work: InstallWork;
  readonly nonce: string;
  readonly tree: string;
}

test("a tree installed into an image boots as that tree", async (t) => {
  if (!requires(t, { root: true, programs: PROGRAMS, files: VM_NEEDS.files, filesystems: ["btrfs"] })) return;
  const folder = mkdtempSync(join(tmpdir(), "regrow-install-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const installed = await install(folder);
  const { image, work, nonce, tree } = installed;

  await t.test("the guest names the nonce, the root's UUID, the subvolume and the tree's checksum", async (t) => {
    const before = statSync(image).mtimeMs;
    const guest = await startGuest(t, image);
    const marker = await readMarker(guest, { seconds: BOOT_SECONDS });
    assert.deepEqual(marker, { nonce, rootUuid: rootOf(work).id, rootFolder: "/@rootfs", tree });
    await guest.ended({ seconds: 60 });
    assert.equal(statSync(image).mtimeMs, before, "the guest wrote to its overlay only");
  });

  await t.test("broken twins fail in their own way", { concurrency: 2 }, async (t) => {
    await Promise.all([
      t.test("an entry that names another root stops in the initramfs", async (t) => {
        const twin = await twinOf(t, installed, "other-root", async (path) => {
          const entry = work.bootFiles.at(-1)!;
          assert("text" in entry.content);
          const parsed = parseBootEntry(entry.content.text);
          const options = parsed.options.replace(rootOf(work).id, randomUUID());
          await putOnEsp(path, work, entry.path, formatBootEntry({ ...parsed, options }));
        });
        const guest = await startGuest(t, twin);
        await assert.rejects(readMarker(guest, { seconds: BOOT_SECONDS }), /said "(Gave up waiting for root|\(initramfs\))/);
      }),
      t.test("an initrd that is garbage ends in a panic", async (t) => {
        const twin = await twinOf(t, installed, "bad-initrd", async (path) => {
          const initrd = work.bootFiles.find((file) => file.path.endsWith("-initrd"))!;
          await putOnEsp(path, work, initrd.path, "not an initramfs\n".repeat(1000));
        });
        const guest = await startGuest(t, twin);
        await assert.rejects(readMarker(guest, { seconds: BOOT_SECONDS }), /said "Kernel panic/);
      }),
      t.test("one changed byte in the tree changes the guest's checksum", async (t) => {
        const twin = await twinOf(t, installed, "changed-file", (path) => changeOneByte(path, work, "etc/issue"));
        const guest = await startGuest(t, twin);
        const marker = await readMarker(guest, { seconds: BOOT_SECONDS });
        assert.equal(marker.nonce, nonce);
        assert.notEqual(marker.tree, tree);
      }),
    ]);
  });
});

async function install(folder: string): Promise<Installed> {
  const debian = await debianTree();
  const nonce = randomUUID();
  const [sourceFolder, copy] = [join(folder, "source"), join(folder, "copy")];
  for (const unpacked of [sourceFolder, copy]) {
    await debian.unpack(unpacked);
    injectMarker(unpacked, nonce);
  }
  const image = join(folder, "disk.img");
  const source = folderSource(sourceFolder);
  const plan = await planImage(imageRequest(image), source);
  await installImage(plan, source, {});
  rmSync(sourceFolder, { recursive: true });
  const work = plan.work!;
  // The copy gets by hand what an install is to change in a tree, and nothing else.
  const uuid = { root: rootOf(work).id, esp: partitionOf(work.disk, "esp").fileSystem.id };
  const lines = [`UUID=${uuid.root} / btrfs defaults,subvol=@rootfs 0 0`, `UUID=${uuid.esp} /boot/efi vfat umask=0077 0 2`];
  writeFileSync(join(copy, "etc/fstab"), `${readFileSync(join(copy, "etc/fstab"), "utf8")}${lines.join("\n")}\n`);
  mkdirSync(join(copy, "boot/efi"));
  const tree = await treeChecksum(copy);
  rmSync(copy, { recursive: true });
  return { image, work, nonce, tree };
}

async function twinOf(
  t: TestContext,
  installed: Installed,
  name: string,
  spoil: (path: string) => Promise<void>,
): Promise<string> {
  const path = `${installed.image}.${name}`;
  t.after(() => rmSync(path, { force: true }));
  await runProgram({ program: "cp", args: ["--sparse=always", "--reflink=auto", installed.image, path], effect: "change" });
  await spoil(path);
  return path;
}

async function putOnEsp(image: string, work: InstallWork, path: string, text: string): Promise<void> {
  const esp = partitionOf(work.disk, "esp");
  await putFile(regionOf(image, work.disk, esp), esp.fileSystem, { path, content: Buffer.from(text) }, {});
}

async function changeOneByte(image: string, work: InstallWork, path: string): Promise<void> {
  const root = partitionOf(work.disk, "root");
  const tree = await openTree(regionOf(image, work.disk, root), root.fileSystem, {});
  try {
    const file = `/proc/self/fd/${tree.fd}/${path}`;
    const content = readFileSync(file);
    content[0]! ^= 1;
    writeFileSync(file, content);
  } finally {
    await tree.close();
  }
}

function rootOf(work: InstallWork): { readonly id: string } {
  return partitionOf(work.disk, "root").fileSystem;
}
