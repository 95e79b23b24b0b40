/**
 * Guests with /boot on ext4 and GRUB: the system is kept, loses programs, modules and what starts it, goes back and starts, by the files
 * that the entry of the switch has, then by those that are on /boot again. `b`: the root is named; `c`: it is the default subvolume.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import {
  GRUB_IMAGE_NEEDS,
  ROOT_NAME,
  checkRootFileSystem,
  grubImage,
  withMachineRoot,
  withTopLevel,
} from "../support/grub-image.ts";
import { folderSource } from "../support/folder-source.ts";
import { installImage } from "../../src/machine/install.ts";
import { type GuestWords, REBOOT, putGuestScript, putMarker, readGuestWords } from "../support/guest-script.ts";
import { imageRequest, planImage } from "../support/install-fixture.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { singleFile } from "../support/single-file.ts";
import { type Guest, VM_NEEDS, startGuest } from "../support/vm.ts";

const NEEDS = {
  ...GRUB_IMAGE_NEEDS,
  programs: [...GRUB_IMAGE_NEEDS.programs, ...VM_NEEDS.programs, "rsync"],
  files: [...GRUB_IMAGE_NEEDS.files, ...VM_NEEDS.files],
  filesystems: [...GRUB_IMAGE_NEEDS.filesystems, "ext4"],
};
const BOOT_SECONDS = 500;

/** `/home` is carried, and so tells the next start what was done. The unit that finishes the switch is waited for by what it leaves. */
const COMMANDS = `exec >/dev/ttyS0 2>&1
if [ -e /home/regrow-stage ]; then
  for second in $(seq 120); do if [ ! -e /mnt/@regrow/policy/settle ]; then break; fi; sleep 1; done
  systemctl --no-pager status regrow-settle.service || :
  systemctl poweroff --no-block
  exit 0
fi
echo done > /home/regrow-stage
regrow commit -m 'in the guest'
echo broken > /etc/regrow-marker
rm /usr/bin/perl
rm -r /usr/lib/modules/*/kernel/drivers /boot/initrd.img-*
regrow rollback -y
regrow status
if [ -e /home/regrow-takes-back ]; then regrow undo -y; fi
${REBOOT}`;

for (const bootClass of ["b", "c"] as const) {
  test(`a kernel on a /boot of its own comes back, class ${bootClass}`, { concurrency: 2 }, async (t) => {
    if (!requires(t, NEEDS)) return;
    const folder = mkdtempSync(join(tmpdir(), "regrow-boot-vm-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const kind = { bootClass } as const;
    const image = join(folder, "back.img");
    const good = join(folder, "good");
    await prepare(image, kind, good, false);
    const first = await boot(t, image);
    assert.equal(first.words.marker, "good");
    assert.match(first.guest.output(), /pending {5}operation 1, a rollback/);
    const second = await boot(t, image);
    assert.deepEqual([second.words.marker, second.words.rootFolder], ["good", `/${ROOT_NAME}`]);
    assert.match(second.guest.output(), /regrow: switched @rootfs to subvolume \d+ \(operation 1\)/);
    await checkRootFileSystem(image, kind);
    await withMachineRoot(image, kind, (root) => {
      assert.deepEqual(differences(join(good, "boot"), join(root, "boot")), "", "/boot is as it was");
      assert.equal(differences(join(good, "usr"), join(root, "usr")), "");
      assert.equal(readFileSync(join(root, "home/regrow-stage"), "utf8"), "done\n");
    });
    // By the loader's own entry.
    if (bootClass === "b") assert.equal((await boot(t, image)).words.marker, "good");
    await withMachineRoot(image, kind, (root) => void regrow(root, "undo", "-y", "-q"));
    await withMachineRoot(image, kind, (root) => {
      assert.ok(!existsSync(join(root, "usr/bin/perl")), "the broken root is back");
      assert.equal(readFileSync(join(root, "etc/regrow-marker"), "utf8"), "broken\n");
      assert.equal(runText("sh", ["-c", 'ls "$0" | grep -c initrd || :', join(root, "boot")]), "0");
    });
  });
}

/** The host has no vfat: all is typed in the guest. */
const ESP_COMMANDS = `exec >/dev/ttyS0 2>&1
if [ -e /home/regrow-stage ]; then
  for second in $(seq 120); do if [ ! -e /mnt/@regrow/policy/settle ]; then break; fi; sleep 1; done
  echo "ESP $(cd /boot/efi && find . -type f ! -name random-seed | sort | xargs sha256sum | sha256sum) END"
  echo "SWITCH $(ls -d /boot/efi/regrow-switch /boot/efi/loader/entries/regrow-switch-* /mnt/@regrow/policy/settle 2>/dev/null | wc -l) END"
  systemctl poweroff --no-block
  exit 0
fi
echo done > /home/regrow-stage
echo "BEFORE $(cd /boot/efi && find . -type f ! -name random-seed | sort | xargs sha256sum | sha256sum) END"
regrow setup -y
regrow commit -m 'in the guest'
echo broken > /etc/regrow-marker
rm /usr/bin/perl
rm -r /usr/lib/modules/*/kernel/drivers /boot/efi/regrow
regrow rollback -y
regrow status
${REBOOT}`;

test("a kernel on the ESP comes back, with systemd-boot", async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = mkdtempSync(join(tmpdir(), "regrow-boot-vm-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [base, image] = [join(folder, "base.img"), join(folder, "esp.img")];
  await grubImage(base, { bootClass: "a" });
  await withMachineRoot(base, { bootClass: "a" }, async (root) => {
    putProgram(root);
    putMarker(root, "good");
    putGuestScript(root, ESP_COMMANDS);
    const source = folderSource(root);
    const plan = await planImage(imageRequest(image, { target: { kind: "image", path: image, size: 3 * 2 ** 30 } }), source);
    await installImage(plan, source, {});
  });
  const first = await boot(t, image);
  assert.equal(first.words.marker, "good");
  const said = first.guest.output();
  const before = /BEFORE (\S+)/.exec(said)![1]!;
  assert.match(said, /systemd-boot on \/boot\/efi \(vfat\)/);
  assert.match(said, /pending {5}operation 1, a rollback/);
  for (const way of ["by the entry of the switch", "by its own"]) {
    const next = await boot(t, image);
    assert.deepEqual([next.words.marker, next.words.rootFolder], ["good", `/${ROOT_NAME}`], way);
    assert.equal(/ESP (\S+)/.exec(next.guest.output())![1], before, "the ESP is as it was");
    assert.match(next.guest.output(), /SWITCH 0 END/);
  }
});

test("its twin, which takes the order back, does not start", async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = mkdtempSync(join(tmpdir(), "regrow-boot-vm-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const image = join(folder, "twin.img");
  const kind = { bootClass: "b" } as const;
  await prepare(image, kind, join(folder, "twin"), true);
  const first = await boot(t, image);
  assert.match(first.guest.output(), /Taken back/);
  await withTopLevel(image, kind, (top) => assert.ok(!existsSync(join(top, "@regrow/next/1"))));
  const guest = await startGuest(t, image, { writable: true });
  await guest.waitFor(/error: file .*initrd.img-.* not found/, { seconds: BOOT_SECONDS });
  await guest.stop();
});

async function prepare(image: string, kind: { readonly bootClass: "b" | "c" }, copy: string, takesBack: boolean): Promise<void> {
  await grubImage(image, kind);
  await withMachineRoot(image, kind, (root) => {
    putProgram(root);
    putMarker(root, "good");
    putGuestScript(root, COMMANDS);
    if (takesBack) writeFileSync(join(root, "home/regrow-takes-back"), "");
    regrow(root, "setup", "-y", "-q");
    regrow(root, "commit", "-q", "-m", "before it starts");
    run("cp", ["-a", root, copy]);
  });
}

function putProgram(root: string): void {
  mkdirSync(join(root, "usr/local/bin"), { recursive: true });
  copyFileSync(singleFile(), join(root, "usr/local/bin/regrow"));
  run("chmod", ["755", join(root, "usr/local/bin/regrow")]);
}

function regrow(root: string, ...args: readonly string[]): string {
  return runText(singleFile(), ["--sysroot", root, ...args]);
}

function differences(before: string, after: string): string {
  return runText("rsync", ["-aHAXnic", "--delete", "--modify-window=-1", `${before}/`, `${after}/`]);
}

async function boot(t: TestContext, image: string): Promise<{ readonly words: GuestWords; readonly guest: Guest }> {
  const guest = await startGuest(t, image, { writable: true });
  const words = await readGuestWords(guest, { seconds: BOOT_SECONDS });
  await guest.ended({ seconds: BOOT_SECONDS });
  return { words, guest };
}
