/**
 * The power is cut while a machine is committed, taken back and that is undone: the root is wholly the old or the new one, nothing that
 * was in the history is lost, and the next command finishes or clears away. The states are those that lie between flushes; see rig.ts.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { assertNothingLeft, commitsOf, judgeRepository, oldOrNew } from "../support/machine/judge-machine.ts";
import {
  LAYOUTS,
  type Layout,
  type RootFacts,
  breakTinyRoot,
  carriedInto,
  differingPaths,
  makeTinyRoot,
  mountRoot,
  rootFacts,
  runMachine,
} from "../support/machine/tiny-machine.ts";
import type { MountedDevice } from "../support/power-cut/mounted-device.ts";
import { expectOldOrNew } from "../support/power-cut/report.ts";
import { type CutState, cutStates, requiresPowerCutRig, withPowerCutRig } from "../support/power-cut/rig.ts";
import { seed } from "../support/property.ts";

const SHORT_STATES = 7;
const [byName] = LAYOUTS as [Layout, Layout];

interface Expected {
  good: RootFacts;
  broken: RootFacts;
  known: readonly string[];
}

/** The state before: committed, broken, and after that what `more` does. */
async function prepareMachine(mounted: MountedDevice, layout: Layout, more: readonly string[] = []): Promise<Expected> {
  makeTinyRoot(mounted.path, layout);
  const root = mountRoot(mounted, layout);
  await runMachine(root, "setup", "-y");
  await runMachine(root, "commit", "-m", "good");
  const good = rootFacts(root);
  breakTinyRoot(root);
  const broken = rootFacts(root);
  if (more.length > 0) await runMachine(root, ...more);
  return { good, broken, known: commitsOf(mounted.path) };
}

/** The next command settles; `known` and what it adds is the history, and all of it can be read. */
async function judgeAfterNext({ path: top, mount }: CutState, layout: Layout, known: readonly string[]): Promise<void> {
  judgeRepository(top, known);
  const root = mountRoot({ mount }, layout);
  await runMachine(root, "commit", "-m", "the next", "--verify");
  assert.equal(readFileSync(`${mountRoot({ mount }, layout)}/var/lib/machines/one`, "utf8"), "nested");
  judgeRepository(top, known);
  assertNothingLeft(top, root);
}

for (const layout of LAYOUTS) {
  const { name, isDefault } = layout;
  for (const [of, before, command] of [
    ["rollback", [], ["rollback", "-y"]],
    ["undo", ["rollback", "-y"], ["undo", "-y"]],
  ] as const) {
    test(`a ${of} of ${name} is whole after a power cut`, async (t) => {
      if (!requiresPowerCutRig(t, "btrfs", ["ostree"])) return;
      let expected: Expected;
      const report = await withPowerCutRig({
        fileSystem: "btrfs",
        megabytes: 256,
        mountOptions: "subvolid=5",
        states: cutStates(SHORT_STATES),
        seed,
        prepare: async (mounted) => {
          expected = await prepareMachine(mounted, layout, before);
        },
        operation: async (mounted) => void (await runMachine(mountRoot(mounted, layout), ...command)),
        judge: async (state) => {
          const { good, broken, known } = expected;
          const back = carriedInto(good, broken);
          const [old, moved] = of === "rollback" ? [broken, back] : [back, broken];
          const which = oldOrNew(mountRoot(state, layout), old, moved);
          await judgeAfterNext(state, layout, known);
          if (which === "new") judgeReplaced(state.path, { isDefault, name, number: before.length === 0 ? 1 : 2 }, old);
          assert.equal(oldOrNew(mountRoot(state, layout), old, moved), which, "the next command changes nothing of the root");
          return which;
        },
      });
      expectOldOrNew(t, `${of} of ${name}`, report);
    });
  }
}

test("a commit of a machine is whole after a power cut", async (t) => {
  if (!requiresPowerCutRig(t, "btrfs", ["ostree"])) return;
  let expected: Expected;
  const report = await withPowerCutRig({
    fileSystem: "btrfs",
    megabytes: 256,
    mountOptions: "subvolid=5",
    states: cutStates(SHORT_STATES),
    seed,
    prepare: async (mounted) => {
      expected = await prepareMachine(mounted, byName);
    },
    operation: async (mounted) => void (await runMachine(mountRoot(mounted, byName), "commit", "-m", "cut")),
    judge: async (state) => {
      const { broken, known } = expected;
      assert.deepEqual(differingPaths(rootFacts(mountRoot(state, byName)), broken), [], "a commit changes nothing of the root");
      const which = commitsOf(state.path).length > known.length ? "new" : "old";
      await judgeAfterNext(state, byName, known);
      writeFileSync(`${mountRoot(state, byName)}/usr/bin/tool`, "changed again");
      await runMachine(mountRoot(state, byName), "commit", "-m", "upon it", "--verify");
      return which;
    },
  });
  expectOldOrNew(t, "commit of a machine", report);
});

interface Replaced {
  readonly isDefault: boolean;
  readonly name: string;
  /** Of the operation. */
  readonly number: number;
}

/** The root that was replaced is kept to the byte. */
function judgeReplaced(top: string, { isDefault, name, number }: Replaced, old: RootFacts): void {
  const place = isDefault ? (number === 1 ? name : `@regrow/deploy/${number - 1}/root`) : `@regrow/history/${number}/root`;
  assert.ok(existsSync(`${top}/${place}`), `${place} is missing`);
  assert.deepEqual(differingPaths(rootFacts(`${top}/${place}`), old), [], `${place} is not as it was`);
}
