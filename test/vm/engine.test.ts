/**
 * Guests with /boot inside the root and GRUB: an armed switch happens at the end of a shutdown, or else in the initramfs, and the next
 * start has the other root, its kernel and modules. A wrong order changes nothing, and the guest says so.
 */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { engineState } from "../../src/boot/engine/engine-state.ts";
import { readSwitchPolicy } from "../../src/boot/engine/switch-policy.ts";
import { type SwitchOrder, formatSwitchOrder, parseSwitchRefusal } from "../../src/codec/switch-order.ts";
import { CWD, O, closeFd, openAt } from "../../src/sys/open.ts";
import { GRUB_IMAGE_NEEDS, ROOT_NAME, checkRootFileSystem, grubImage, kernelsOf, withTopLevel } from "../support/grub-image.ts";
import { type GuestWords, POWER_OFF, REBOOT, putGuestScript, putMarker, readGuestWords } from "../support/guest-script.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { type Guest, VM_NEEDS, startGuest } from "../support/vm.ts";

const NEEDS = {
  ...GRUB_IMAGE_NEEDS,
  programs: [...GRUB_IMAGE_NEEDS.programs, ...VM_NEEDS.programs],
  files: [...GRUB_IMAGE_NEEDS.files, ...VM_NEEDS.files],
};
const CLASS_A = { bootClass: "a" } as const;
const BOOT_SECONDS = 400;
const NEXT = "@regrow/next/1/root";
const HISTORY = "@regrow/history/1/root";

test("in a guest", { concurrency: 2 }, async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = mkdtempSync(join(tmpdir(), "regrow-engine-vm-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await Promise.all([
    t.test("a wrong order is refused and the old root starts; armed again, it switches at the end of the shutdown", async (t) => {
      const image = join(folder, "shutdown.img");
      const policy = "/mnt/@regrow/policy";
      const commands = `cp ${policy}/switch.refused ${policy}/seen\nmv ${policy}/later ${policy}/switch\n${REBOOT}`;
      const order = await prepare(image, { commands });
      await withTopLevel(image, CLASS_A, (top) => {
        writeFileSync(join(top, "@regrow/policy/switch"), formatSwitchOrder({ ...order, currentId: 999 }));
        writeFileSync(join(top, "@regrow/policy/later"), formatSwitchOrder(order));
      });
      const first = await boot(t, image);
      assert.equal(first.words.marker, "old");
      const console = first.guest.output();
      const reason = `@rootfs is subvolume ${order.currentId} and ${NEXT} is ${order.nextId}; expected were 999 and ${order.nextId}`;
      assert(console.includes(`regrow: the root is not switched: ${reason}`), console);
      assert(console.includes(`regrow: switched @rootfs to subvolume ${order.nextId} (operation 1)`), console);
      await assertSwitched(image, ["initramfs refused-state", "shutdown done"]);
      await withTopLevel(image, CLASS_A, (top) => {
        const refusal = parseSwitchRefusal(readFileSync(join(top, "@regrow/policy/seen"), "utf8"));
        assert.deepEqual(refusal, { operation: "1", mode: "initramfs", code: "state", reason });
      });
      const { words } = await boot(t, image);
      assert.deepEqual({ ...words, kernel: "" }, { marker: "new", rootFolder: `/${ROOT_NAME}`, kernel: "" });
    }),
    t.test("a switch that no shutdown has made happens in the initramfs", async (t) => {
      const image = join(folder, "initramfs.img");
      const order = await prepare(image, { withoutShutdown: true });
      await withTopLevel(image, CLASS_A, (top) => writeFileSync(join(top, "@regrow/policy/switch"), formatSwitchOrder(order)));
      const { words, guest } = await boot(t, image);
      assert.deepEqual({ ...words, kernel: "" }, { marker: "new", rootFolder: `/${ROOT_NAME}`, kernel: "" });
      assert.match(guest.output(), /regrow: switched @rootfs to subvolume \d+ \(operation 1\)/);
      await assertSwitched(image, ["initramfs done"]);
    }),
  ]);
});

interface Preparation {
  /** Takes away what runs the engine at a shutdown. */
  readonly withoutShutdown?: boolean;
  /** What the old root does after it has said its words. */
  readonly commands?: string;
}

/** Makes an image with a root that says "old" and a prepared one that says "new". Returns the order that would switch to it. */
async function prepare(image: string, preparation: Preparation): Promise<SwitchOrder> {
  await grubImage(image, CLASS_A);
  return withTopLevel(image, CLASS_A, async (top) => {
    const [root, next] = [join(top, ROOT_NAME), join(top, NEXT)];
    await assertEngineInImage(root);
    run("btrfs", ["-q", "subvolume", "create", join(top, "@regrow")]);
    chmodSync(join(top, "@regrow"), 0o700);
    for (const path of ["next/1", "history/1", "policy", "log"]) mkdirSync(join(top, "@regrow", path), { recursive: true });
    if (preparation.withoutShutdown === true) rmSync(join(root, "usr/lib/systemd/system-shutdown/regrow"));
    putMarker(root, "old");
    putGuestScript(root, preparation.commands ?? POWER_OFF);
    run("btrfs", ["-q", "subvolume", "snapshot", root, next]);
    putMarker(next, "new");
    putGuestScript(next, POWER_OFF);
    return {
      ...{ operation: "1", bootClass: "a", name: ROOT_NAME, next: NEXT, history: HISTORY },
      nextId: idOf(next),
      currentId: idOf(root),
      kernels: kernelsOf(next),
      nested: [],
    };
  });
}

async function boot(t: TestContext, image: string): Promise<{ readonly words: GuestWords; readonly guest: Guest }> {
  const guest = await startGuest(t, image, { writable: true });
  const words = await readGuestWords(guest, { seconds: BOOT_SECONDS });
  await guest.ended({ seconds: BOOT_SECONDS });
  assert.match(words.kernel, /^\d+\.\d+\./);
  return { words, guest };
}

async function assertSwitched(image: string, tries: readonly string[]): Promise<void> {
  await checkRootFileSystem(image, CLASS_A);
  await withTopLevel(image, CLASS_A, (top) => {
    assert.deepEqual([markerOf(top, ROOT_NAME), markerOf(top, NEXT), markerOf(top, HISTORY)], ["new", "none", "old"]);
    const { armed, done } = policyOf(top);
    assert.deepEqual([armed, done?.operation], [undefined, "1"]);
    const lines = readFileSync(join(top, "@regrow/log/engine"), "utf8").matchAll(/^operation=1 mode=(\S+) outcome=(\S+) /gm);
    assert.deepEqual(
      [...lines].map(([, mode, outcome]) => `${mode} ${outcome}`),
      tries,
    );
  });
}

async function assertEngineInImage(root: string): Promise<void> {
  const fd = openAt(CWD, root, O.RDONLY | O.DIRECTORY);
  try {
    const { installed, images } = await engineState(fd);
    assert.deepEqual([installed, images.map(({ engine }) => engine)], ["current", ["current"]]);
  } finally {
    closeFd(fd);
  }
}

function policyOf(top: string): ReturnType<typeof readSwitchPolicy> {
  const fd = openAt(CWD, join(top, "@regrow"), O.RDONLY | O.DIRECTORY);
  try {
    return readSwitchPolicy(fd);
  } finally {
    closeFd(fd);
  }
}

function markerOf(top: string, path: string): string {
  const file = join(top, path, "etc/regrow-marker");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "none";
}

function idOf(path: string): number {
  return Number(runText("btrfs", ["inspect-internal", "rootid", path]));
}
