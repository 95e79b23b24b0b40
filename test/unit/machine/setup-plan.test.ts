/** When `setup` makes the initramfs anew, and what it says where it does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InitramfsFacts } from "../../../src/boot/engine/remake-initramfs.ts";
import type { SetupFacts } from "../../../src/machine/setup/setup-facts.ts";
import { planSetup } from "../../../src/machine/setup/setup-plan.ts";

const COMMAND = ["dracut", "--force", "--regenerate-all"];

function factsWith(images: InitramfsFacts["images"]): SetupFacts {
  return {
    fileSystem: "btrfs",
    device: "/dev/sda2",
    uuid: undefined,
    rootSubvolume: "@",
    nested: [],
    swapfiles: [],
    noCow: [],
    carry: [],
    packageManager: "rpm",
    beside: [],
    used: 1e9,
    available: 1e9,
    unallocated: 1e9,
    isSetUp: true,
    engine: { write: [], unchanged: [], remakeInitramfs: [], warnings: [] },
    initramfs: { command: COMMAND, images },
    lacksProgram: false,
    bootVolumes: [],
    files: new Map(),
  };
}

function isDone(facts: SetupFacts): boolean | undefined {
  return planSetup(facts).steps.find(({ kind }) => kind === "initramfs")?.isDone;
}

test("the images are made anew until each has the engine, also where its files are in place", () => {
  assert.equal(isDone(factsWith([{ path: "boot/initramfs-6.1.img", engine: "current" }])), true);
  for (const engine of ["other", "absent"] as const) {
    const images = [{ path: "boot/initramfs-6.1.img", engine: "current" } as const, { path: "boot/initramfs-6.2.img", engine }];
    assert.equal(isDone(factsWith(images)), false, engine);
  }
});

test("where the images are left alone, or are not to be found, the command is told", () => {
  const absent = factsWith([{ path: "boot/initramfs-6.1.img", engine: "absent" }]);
  const left = planSetup(absent, { initramfs: false });
  assert.ok(!left.steps.some(({ kind }) => kind === "initramfs"));
  assert.match(left.notes.join("\n"), /dracut --force --regenerate-all/);
  assert.equal(isDone(factsWith([])), undefined);
  assert.match(planSetup(factsWith([])).notes.join("\n"), /no initramfs image.*dracut --force --regenerate-all/);
  const current = planSetup(factsWith([{ path: "boot/initramfs-6.1.img", engine: "current" }]), { initramfs: false });
  assert.doesNotMatch(current.notes.join("\n"), /dracut/);
});
