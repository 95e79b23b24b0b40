/**
 * Machines whose /boot is a file system of its own: commits have what is on it, and going back takes it back. Judged by rsync against
 * copies, by ostree, and by what GRUB would start.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { startRegrow } from "../support/run-child.ts";
import { putKernel, whatGrubStarts } from "../support/machine/boot-volume.ts";
import { LAYOUTS, type Layout, breakTinyRoot, makeTinyRoot, runMachine } from "../support/machine/tiny-machine.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { atEnd, mountedFileSystem, scratchFolder } from "../support/scratch.ts";

const NEEDS = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mkfs.ext4", "mount", "ostree", "rsync", "grub-script-check"],
  filesystems: ["btrfs", "ext4"],
};

interface Scene {
  readonly top: string;
  readonly root: string;
  readonly boot: string;
  /** As a boot would. */
  start(): void;
  copy(): string;
}

function machineWithBoot(t: TestContext, layout: Layout): Scene {
  const top = mountedFileSystem(t, "btrfs", 900);
  const bootDevice = mountedFileSystem(t, "ext4", 60);
  makeTinyRoot(top, layout);
  const device = (path: string): string => runText("findmnt", ["-n", "-o", "SOURCE", path]).replace(/\[.*/, "");
  const root = `${scratchFolder(t)}/root`;
  mkdirSync(root);
  const [rootSource, bootSource] = [device(top), device(bootDevice)];
  const mount = (): void => {
    run("mount", [...(layout.isDefault ? [] : ["-o", `subvol=${layout.name}`]), rootSource, root]);
    run("mount", [bootSource, `${root}/boot`]);
  };
  mount();
  atEnd(t, () => void run("umount", ["--recursive", "--lazy", root]));
  writeFileSync(`${root}/etc/fstab`, "/dev/root / btrfs defaults 0 0\n/dev/boot /boot ext4 defaults 0 2\n");
  putKernel(root, layout.isDefault ? "" : layout.name, "6.1.0-1");
  const copies = scratchFolder(t);
  let count = 0;
  return {
    top,
    root,
    boot: `${root}/boot`,
    start: () => {
      run("umount", ["--recursive", root]);
      mount();
    },
    copy: () => {
      const path = `${copies}/${count++}`;
      run("cp", ["-a", root, path]);
      return path;
    },
  };
}

function differences(before: string, after: string, ...excluded: readonly string[]): string[] {
  const exclude = excluded.map((path) => `--exclude=${path}`);
  const text = runText("rsync", ["-aHAXnic", "--delete", "--modify-window=-1", ...exclude, `${before}/`, `${after}/`]);
  return text.split("\n").filter((line) => line !== "");
}

for (const layout of LAYOUTS) {
  test(`/boot goes back with the root, and undone it comes again: ${layout.name}`, async (t) => {
    if (!requires(t, NEEDS)) return;
    const { top, root, boot, start, copy } = machineWithBoot(t, layout);
    const starts = (): { root: string; release: string } => whatGrubStarts(top, boot, layout.name);
    await runMachine(root, "setup", "-y");
    const first = await runMachine(root, "commit", "-m", "first");
    const repository = `--repo=${top}/@regrow/repo`;
    assert.equal(
      run("ostree", ["cat", repository, first, "/boot/vmlinuz-6.1.0-1"]).compare(readFileSync(`${boot}/vmlinuz-6.1.0-1`)),
      0,
    );
    assert.equal(await runMachine(root, "commit", "--verify"), first, "nothing has changed");
    assert.equal(await runMachine(root, "diff", "--name-status"), "");
    const good = copy();
    breakTinyRoot(root);
    putKernel(root, layout.isDefault ? "" : layout.name, "6.2.0-2");
    writeFileSync(`${boot}/grub/custom.cfg`, "# somebody's own\nset color_normal=white/black\n");
    writeFileSync(`${boot}/grub/grubenv`, "state");
    const changed = await runMachine(root, "diff", "--name-status");
    for (const line of ["A\tboot/vmlinuz-6.2.0-2", "D\tboot/vmlinuz-6.1.0-1", "M\tboot/grub/grub.cfg"])
      assert.ok(changed.includes(line), changed);
    await runMachine(root, "restore", "-y", first, "/boot/vmlinuz-6.1.0-1");
    assert.equal(differences(`${good}/boot`, boot, "vmlinuz-6.2*", "initrd*", "grub").join(), ".d..t...... ./");
    run("rm", [`${boot}/vmlinuz-6.1.0-1`]);
    const broken = copy();

    const { stdout } = await startRegrow(["--sysroot", root, "rollback", "-n", first]).ended;
    assert.match(stdout, /class b/);
    assert.deepEqual(differences(broken, root), [], "a dry run changes nothing");
    await runMachine(root, "rollback", "-y", first);
    start();
    assert.deepEqual(starts(), { root: layout.name, release: "6.1.0-1" });
    const carried = ["/home", "/var/lib/machines", "/boot/grub/grubenv", "/boot/grub/"];
    assert.deepEqual(differences(good, root, ...carried), []);
    assert.deepEqual(differences(`${good}/boot`, boot, "grubenv", "grub/"), []);
    assert.equal(readFileSync(`${boot}/grub/grubenv`, "utf8"), "state", "the loader's own state stays");
    assert.ok(!existsSync(`${boot}/grub/custom.cfg`) && !existsSync(`${boot}/regrow-switch`));
    assert.equal(await runMachine(root, "diff", "--name-status"), "A\tboot/grub/grubenv");
    await runMachine(root, "commit", "--verify");

    await runMachine(root, "undo", "-y");
    start();
    assert.deepEqual(starts(), { root: layout.name, release: "6.2.0-2" });
    assert.deepEqual(differences(broken, root), [], "undone to the byte");
    assert.ok(!existsSync(`${boot}/regrow-switch`));
    await runMachine(root, "commit", "--verify");
    run("ostree", ["fsck", "-q", "-a", repository]);
    if (layout.isDefault) {
      const id = runText("btrfs", ["inspect-internal", "rootid", root]);
      assert.match(runText("btrfs", ["subvolume", "get-default", top]), new RegExp(`^ID ${id} `));
    }
  });
}
