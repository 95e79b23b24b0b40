/**
 * A guest with /boot inside its root and GRUB, typed as a user would inside it: commit, break, roll back, reboot. What it says of itself
 * after the next start is the judge, and a copy made beforehand. Then the broken state is brought back, and starts as broken as it was.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { GRUB_IMAGE_NEEDS, ROOT_NAME, checkRootFileSystem, grubImage, withTopLevel } from "../support/grub-image.ts";
import { type GuestWords, REBOOT, putGuestScript, putMarker, readGuestWords } from "../support/guest-script.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { singleFile } from "../support/single-file.ts";
import { type Guest, VM_NEEDS, startGuest } from "../support/vm.ts";

const NEEDS = {
  ...GRUB_IMAGE_NEEDS,
  programs: [...GRUB_IMAGE_NEEDS.programs, ...VM_NEEDS.programs, "rsync"],
  files: [...GRUB_IMAGE_NEEDS.files, ...VM_NEEDS.files],
};
const CLASS_A = { bootClass: "a" } as const;
const BOOT_SECONDS = 400;

/**
 * The first start keeps the system, breaks it and goes back; `/home` is carried, and so tells the next start that this was done. A guest
 * that takes its order back before it reboots must come up broken.
 */
const COMMANDS = `exec >/dev/ttyS0 2>&1
if [ -e /home/regrow-takes-back ]; then last='regrow undo -y'; else last=true; fi
if [ -e /home/regrow-stage ]; then systemctl poweroff --no-block; exit 0; fi
echo done > /home/regrow-stage
if [ -e /home/regrow-takes-back ]; then regrow doctor -v; echo "doctor ended with $?"; fi
regrow commit -m 'in the guest'
echo broken > /etc/regrow-marker
rm -r /usr/lib/python3 /usr/share/doc 2>/dev/null || :
rm /usr/bin/perl
regrow status
regrow rollback -y
regrow status
$last
${REBOOT}`;

test("there and back in a guest", { concurrency: 2 }, async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = mkdtempSync(join(tmpdir(), "regrow-rollback-vm-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await Promise.all([
    t.test("it comes back with its kernel, and undone it is as broken as before", async (t) => {
      const image = join(folder, "back.img");
      const good = join(folder, "good");
      await prepare(image, good, false);
      const first = await boot(t, image);
      assert.equal(first.words.marker, "good");
      const said = first.guest.output();
      assert.match(said, /Operation 1 is armed/);
      assert.match(said, /pending {5}operation 1, a rollback/);
      assert.match(said, /regrow: switched @rootfs to subvolume \d+ \(operation 1\)/);
      const second = await boot(t, image);
      assert.deepEqual([second.words.marker, second.words.rootFolder], ["good", `/${ROOT_NAME}`]);
      await checkRootFileSystem(image, CLASS_A);
      await withTopLevel(image, CLASS_A, (top) => {
        const root = join(top, ROOT_NAME);
        assert.equal(readFileSync(join(root, "home/regrow-stage"), "utf8"), "done\n");
        for (const path of ["usr", "boot"]) assert.equal(differences(join(good, path), join(root, path)), "", path);
        const history = join(top, "@regrow/history/1/root");
        assert.ok(!existsSync(join(history, "usr/bin/perl")), "the broken root is kept");
        regrow(root, "undo", "-y", "-q");
        assert.ok(!existsSync(join(root, "usr/bin/perl")));
        assert.equal(differences(join(history, "usr"), join(root, "usr")), "");
      });
      const third = await boot(t, image);
      assert.equal(third.words.marker, "broken");
    }),
    t.test("its twin, which takes the order back, stays broken", async (t) => {
      const image = join(folder, "twin.img");
      await prepare(image, join(folder, "twin"), true);
      const first = await boot(t, image);
      assert.equal(first.words.marker, "good");
      assert.match(first.guest.output(), /Taken back/);
      // Of a running machine that is as it should be; only the image has no grub-install in it.
      assert.match(first.guest.output(), /0 problems, 1 warning\.[^]*doctor ended with 0/);
      assert.doesNotMatch(first.guest.output(), /regrow: switched/);
      assert.equal((await boot(t, image)).words.marker, "broken");
    }),
  ]);
});

async function prepare(image: string, copy: string, takesBack: boolean): Promise<void> {
  await grubImage(image, CLASS_A);
  const program = singleFile();
  await withTopLevel(image, CLASS_A, (top) => {
    const root = join(top, ROOT_NAME);
    mkdirSync(join(root, "usr/local/bin"), { recursive: true });
    copyFileSync(program, join(root, "usr/local/bin/regrow"));
    run("chmod", ["755", join(root, "usr/local/bin/regrow")]);
    putMarker(root, "good");
    putGuestScript(root, COMMANDS);
    if (takesBack) writeFileSync(join(root, "home/regrow-takes-back"), "");
    regrow(root, "setup", "-y", "-q");
    regrow(root, "commit", "-q", "-m", "before it starts");
    run("cp", ["-a", root, copy]);
  });
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
