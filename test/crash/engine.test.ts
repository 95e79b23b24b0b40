/**
 * The engine is cut at every program that it runs, in two ways: the power goes (a copy of the disk at that moment has what btrfs has
 * written, and nothing that was still in memory), and the engine alone is killed. Each time the root is wholly the old or the new one,
 * and the next run ends the work.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { formatSwitchOrder } from "../../src/codec/switch-order.ts";
import {
  ARMED,
  ENGINE_NEEDS,
  SHELLS,
  SWITCHED,
  type Scene,
  type SceneState,
  arm,
  callsOf,
  makeScene,
  mountImage,
  runEngine,
  stateOf,
  wrapPrograms,
} from "../support/engine-scene.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";

/** Between the exchange and the end of the work. */
const EXCHANGED: SceneState = { name: "new", next: "old", history: "none", nested: "next", policy: ["switch"] };
const KEPT: SceneState = { ...SWITCHED, nested: "history", policy: ["switch"] };
const MOVED: SceneState = { ...SWITCHED, policy: ["switch"] };
const POSSIBLE = [ARMED, EXCHANGED, KEPT, MOVED, SWITCHED];
const FEWEST_CALLS = 12;

for (const bootClass of ["a", "b"] as const) {
  test(`class ${bootClass}: the power goes before any program that the engine runs, and after the last`, (t) => {
    if (!requires(t, ENGINE_NEEDS)) return;
    const scene = makeScene(t);
    arm(scene, formatSwitchOrder({ ...scene.order, bootClass }));
    const start = `rootflags=${bootClass === "b" ? `subvolid=${scene.order.nextId}` : "ssd"}`;
    run("btrfs", ["filesystem", "sync", scene.top]);
    const copy = `cp --sparse=always ${scene.image} ${scene.folder}/cut-$number`;
    const wrapped = wrapPrograms(scene, copy, "");
    const result = runEngine(scene, { ...wrapped, mode: bootClass === "b" ? "running" : "shutdown", cmdline: start });
    assert.equal(result.status, 0, result.stderr);
    const calls = callsOf(scene);
    assert(calls >= FEWEST_CALLS, `only ${calls} calls`);
    copyFileSync(scene.image, join(scene.folder, `cut-${calls + 1}`));
    scene.unmount();
    const seen = new Set<SceneState>();
    for (let number = 1; number <= calls + 1; number++) seen.add(afterPowerCut(t, scene, number, start));
    assert(seen.has(ARMED) && seen.has(SWITCHED) && seen.size >= 3, `the cuts showed ${seen.size} states only`);
    t.diagnostic(`${calls + 1} cuts, ${seen.size} states`);
  });
}

function afterPowerCut(t: TestContext, scene: Scene, number: number, cmdline: string): SceneState {
  const image = join(scene.folder, `cut-${number}`);
  const { device, top, unmount } = mountImage(t, scene.folder, image);
  const cut = knownState(top, scene, `cut ${number}`);
  const result = runEngine({ ...scene, device, top }, { mode: "initramfs", shell: SHELLS[number % SHELLS.length]!, cmdline });
  assert.equal(result.status, 0, `cut ${number}: ${result.stderr}`);
  assert.deepEqual(stateOf(top, scene.order), SWITCHED, `cut ${number}, run again`);
  unmount();
  // Prints what is wrong and fails where anything is.
  runText("btrfs", ["check", image]);
  run("rm", [image]);
  return cut;
}

for (const [when, before, after] of [
  ["before", true, false],
  ["after", false, true],
] as const) {
  test(`the engine is killed ${when} any program that it runs`, (t) => {
    if (!requires(t, ENGINE_NEEDS)) return;
    const seen = new Set<SceneState>();
    for (let number = 1; ; number++) {
      const scene = makeScene(t);
      const kill = `if [ $number = ${number} ]; then kill -9 "$(cat /run/engine.pid)"; exit 1; fi`;
      const wrapped = wrapPrograms(scene, before ? kill : "", after ? kill : "");
      const shell = SHELLS[number % SHELLS.length]!;
      const result = runEngine(scene, { ...wrapped, shell });
      const state = knownState(scene.top, scene, `killed ${when} ${number}`);
      seen.add(state);
      if (callsOf(scene) < number) {
        assert.equal(result.status, 0);
        assert.equal(state, SWITCHED);
        break;
      }
      assert.notEqual(result.status, 0, "it was killed");
      const again = runEngine(scene, { shell });
      assert.equal(again.status, 0, again.stderr);
      assert.deepEqual(stateOf(scene.top, scene.order), SWITCHED, `killed ${when} ${number}, run again`);
      assert(!existsSync("/run/regrow-engine/@regrow"), "its mount went with it");
    }
    assert.equal(seen.size, POSSIBLE.length, "the kills showed every state");
  });
}

function knownState(top: string, scene: Scene, what: string): SceneState {
  const state = stateOf(top, scene.order);
  const known = POSSIBLE.find((possible) => JSON.stringify(possible) === JSON.stringify(state));
  assert(known !== undefined, `${what}: ${JSON.stringify(state)}`);
  return known;
}
