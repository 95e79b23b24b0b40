/** The engine does what the order says or leaves all as it is and tells why, under each shell that an initramfs may have. */
import assert from "node:assert/strict";
import { chownSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { formatSwitchOrder, parseSwitchRefusal } from "../../src/codec/switch-order.ts";
import {
  ARMED,
  ENGINE_NEEDS,
  type EngineRun,
  SHELLS,
  SWITCHED,
  type Scene,
  arm,
  enginesFolder,
  makeScene,
  runEngine,
  stateOf,
} from "../support/engine-scene.ts";
import { run } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { atEnd } from "../support/scratch.ts";

for (const shell of SHELLS) {
  for (const mode of ["shutdown", "initramfs"] as const) {
    test(`under ${shell.join(" ")}, at ${mode}, the prepared root takes the name and the old one goes into history`, (t) => {
      if (!requires(t, ENGINE_NEEDS)) return;
      const scene = makeScene(t, mode === "shutdown" ? "@rootfs" : "@/root");
      const name = scene.order.name;
      const result = runEngine(scene, { shell, mode, cmdline: `root=${scene.device} rootflags=subvol=/${name},ssd ro` });
      assert.equal(result.status, 0, result.stderr);
      assert.match(result.said, /^<4>regrow: switched \S+ to subvolume \d+ \(operation 7\)$/m);
      assert.deepEqual(stateOf(scene.top, scene.order), SWITCHED);
      assert.match(logOf(scene), new RegExp(`^operation=7 mode=${mode} outcome=done boot=\\S+ uptime=\\S+ $`, "m"));
      const again = runEngine(scene, { shell, mode });
      assert.deepEqual([again.status, again.said, again.stderr], [0, "", ""]);
      assert.deepEqual(stateOf(scene.top, scene.order), SWITCHED);
    });
  }
}

for (const shell of SHELLS) {
  for (const mode of ["shutdown", "initramfs", "running"] as const) {
    test(`under ${shell.join(" ")}, class b at ${mode}: names follow a start by the prepared root's id, and no other start`, (t) => {
      if (!requires(t, ENGINE_NEEDS)) return;
      const scene = makeScene(t);
      const { currentId, nextId } = scene.order;
      // The kernel of such a start was put there for it: what else is in the prepared root says nothing of it.
      arm(scene, formatSwitchOrder({ ...scene.order, bootClass: "b", kernels: [] }));
      const others = ["", "subvol=@rootfs", `subvolid=${currentId}`, `subvolid=${nextId}0`, `subvolid=${nextId},subvol=@rootfs`];
      for (const flags of others) {
        const left = runEngine(scene, { shell, mode, cmdline: `quiet rootflags=subvolid=${nextId} rootflags=${flags}` });
        assert.deepEqual([left.status, left.said, left.stderr], [0, "", ""], flags);
        assert.deepEqual(stateOf(scene.top, scene.order), ARMED, flags);
      }
      const result = runEngine(scene, { shell, mode, cmdline: `rootflags=ssd,subvolid=${nextId} quiet` });
      assert.equal(result.status, 0, result.stderr);
      assert.deepEqual(stateOf(scene.top, scene.order), SWITCHED);
      assert.match(logOf(scene), new RegExp(`^operation=7 mode=${mode} outcome=done `, "m"));
    });
  }
}

test("class b: the prepared root runs, with its file system mounted for writing, while the names are exchanged", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  arm(scene, formatSwitchOrder({ ...scene.order, bootClass: "b" }));
  const running = join(scene.folder, "running");
  run("mkdir", [running]);
  run("mount", ["-o", `subvolid=${scene.order.nextId}`, scene.device, running]);
  atEnd(t, () => run("umount", [running]));
  const result = runEngine(scene, { mode: "running", cmdline: `rootflags=subvolid=${scene.order.nextId}` });
  assert.equal(result.status, 0, result.stderr);
  writeFileSync(join(running, "written"), "later");
  assert.equal(readFileSync(join(running, "marker"), "utf8"), "new");
  assert.equal(readFileSync(join(scene.top, scene.order.name, "written"), "utf8"), "later");
  run("umount", [running]);
  run("mount", ["-o", `subvol=${scene.order.name}`, scene.device, running]);
  assert.equal(readFileSync(join(running, "written"), "utf8"), "later");
});

test("class a is left alone in a running system", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  const result = runEngine(scene, { mode: "running", cmdline: `rootflags=subvolid=${scene.order.nextId}` });
  assert.deepEqual([result.status, result.said], [0, ""]);
  assert.deepEqual(stateOf(scene.top, scene.order), ARMED);
});

test("the device is found on the kernel command line", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  const result = runEngine(scene, { mode: "initramfs", device: "", cmdline: `root=/dev/nothing quiet root=${scene.device}` });
  assert.equal(result.status, 0, result.stderr);
  assert.deepEqual(stateOf(scene.top, scene.order), SWITCHED);
});

test("it switches where everything else has the file system read-only, as at the end of a shutdown", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  run("mount", ["-o", "remount,ro", scene.top]);
  assert.throws(() => writeFileSync(join(scene.top, "file"), ""), { code: "EROFS" });
  const result = runEngine(scene);
  assert.equal(result.status, 0, result.stderr);
  assert.deepEqual(stateOf(scene.top, scene.order), SWITCHED);
});

/** What is done to the scene, how the engine runs, and the code of its refusal. */
type Refusal = readonly [what: string, change: (scene: Scene) => EngineRun | void, code: string];

const REFUSALS: readonly Refusal[] = [
  ["a key that it doesn't know", edit((text) => `${text}try=3\n`), "order"],
  ["a line without a value", edit((text) => `${text}reboot\n`), "order"],
  ["an empty line", edit((text) => `\n${text}`), "order"],
  ["a version that it doesn't know", edit((text) => text.replace("version=1", "version=2")), "order"],
  ["a boot class that it doesn't know", edit((text) => text.replace("class=a", "class=d")), "order"],
  ["a key twice", edit((text) => `${text}name=@rootfs\n`), "order"],
  ["a key that is missing", edit((text) => text.replace(/kernels=.*\n/, "")), "order"],
  ["an empty order", edit(() => ""), "order"],
  ["what a shell would run", edit((text) => text.replace("name=@rootfs", "name=@$(touch${IFS}/tmp/x)")), "order"],
  ["a path out of the file system", edit((text) => text.replace("name=@rootfs", "name=../@rootfs")), "order"],
  ["a path of regrow's own as the root", edit((text) => text.replace("name=@rootfs", "name=@regrow")), "order"],
  ["a prepared root outside of its place", edit((text) => text.replace(/next=.*/, "next=@home")), "order"],
  ["ids that are none", edit((text) => text.replace(/next_id=.*/, "next_id=$x")), "order"],
  ["an order that is a link", asLink, "order"],
  ["an order of somebody else", (scene) => chownSync(join(scene.top, "@regrow/policy/switch"), 1000, 1000), "order"],
  ["another subvolume under the root's name", edit((text) => text.replace(/current_id=.*/, "current_id=999")), "state"],
  ["another subvolume where the prepared one should be", edit((text) => text.replace(/next_id=.*/, "next_id=999")), "state"],
  ["a history that exists", (scene) => void run("mkdir", [join(scene.top, scene.order.history)]), "state"],
  ["a kernel without modules in the next root", edit((text) => text.replace(/kernels=.*/, "kernels=6.1.0-1-amd64")), "kernel"],
  ["a start of another subvolume", () => ({ cmdline: "rootflags=ssd,subvol=@snapshot" }), "root"],
  ["a start by the current root's id", (scene) => ({ cmdline: `rootflags=subvolid=${scene.order.currentId}` }), "root"],
  ["an exchange program that fails", withoutExchange, "write"],
];

test("it refuses, leaves all as it is and writes down why", async (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  for (const [index, [what, change, code]] of REFUSALS.entries()) {
    await t.test(what, (t) => {
      const scene = makeScene(t);
      const options = change(scene) ?? {};
      const order = readFileSync(join(scene.top, "@regrow/policy/switch"));
      const before = stateOf(scene.top, scene.order);
      const result = runEngine(scene, { shell: SHELLS[index % SHELLS.length]!, mode: "initramfs", ...options });
      assert.equal(result.status, 1, result.stderr);
      const after = stateOf(scene.top, scene.order);
      assert.deepEqual(after, { ...before, policy: [...before.policy, "switch.refused"].toSorted() });
      assert.deepEqual(readFileSync(join(scene.top, "@regrow/policy/switch")), order);
      const refusal = parseSwitchRefusal(readFileSync(join(scene.top, "@regrow/policy/switch.refused"), "utf8"));
      assert.equal(refusal.code, code);
      assert.equal(result.said, `<4>regrow: the root is not switched: ${refusal.reason}\n`);
      assert.match(result.stderr, /^regrow: the root is not switched: /m);
      assert.match(logOf(scene), new RegExp(`mode=initramfs outcome=refused-${code} .* reason=`));
    });
  }
});

test("a prepared root that is missing is told", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  run("btrfs", ["-q", "subvolume", "delete", join(scene.top, scene.order.next)]);
  assert.equal(runEngine(scene).status, 1);
  assert.match(refusalOf(scene), /^reason=@regrow\/next\/7\/root is missing$/m);
  assert.equal(stateOf(scene.top, scene.order).name, "old");
});

test("at a shutdown the kernel that runs doesn't matter: the next one comes from the next root", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  arm(scene, formatSwitchOrder({ ...scene.order, kernels: ["6.1.0-1-amd64"] }));
  assert.equal(runEngine(scene).status, 0);
  assert.deepEqual(stateOf(scene.top, scene.order), SWITCHED);
});

test("regrow.switch=skip and a hibernated system keep it from even mounting the file system", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  const swap = join(scene.folder, "swap");
  const runs: readonly (readonly [EngineRun, page: number, at?: number])[] = [
    [{ cmdline: "quiet regrow.switch=skip" }, 0],
    [{ cmdline: "regrow.switch=skip", mode: "shutdown" }, 0],
    [{ cmdline: `resume=${swap}` }, 4096],
    [{ cmdline: `resume=${swap}` }, 16384],
    [{ more: [swap] }, 4096],
    [{ more: [swap, "8"] }, 4096, 8 * 4096],
    [{ cmdline: `resume=${swap} resume_offset=8` }, 4096, 8 * 4096],
  ];
  for (const [options, page, at = 0] of runs) {
    writeSwap(swap, page === 0 ? "SWAPSPACE2" : "S1SUSPEND\0", at + (page || 4096) - 10);
    const result = runEngine(scene, { mode: "initramfs", ...options });
    assert.equal(result.status, 1, JSON.stringify(options));
    assert.match(result.said, page === 0 ? /regrow\.switch=skip/ : /a hibernated system is waiting to be resumed from/);
    assert.deepEqual(stateOf(scene.top, scene.order), ARMED);
  }
  writeSwap(swap, "SWAPSPACE2", 4086);
  assert.equal(runEngine(scene, { mode: "initramfs", cmdline: `resume=${swap}` }).status, 0);
  assert.deepEqual(stateOf(scene.top, scene.order), SWITCHED);
});

test("what is no btrfs, or not there, is told and left", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  for (const device of ["/dev/nothing", "/dev/null"]) {
    const result = runEngine(scene, { device });
    assert.equal(result.status, 2);
    assert.match(result.said, /^<4>regrow: no switch of the root: /);
  }
});

test("the log is kept in two files of bounded length", (t) => {
  if (!requires(t, ENGINE_NEEDS)) return;
  const scene = makeScene(t);
  writeFileSync(join(scene.top, "@regrow/log/engine"), "line\n".repeat(200));
  assert.equal(runEngine(scene).status, 0);
  assert.equal(logOf(scene).trimEnd().split("\n").length, 1);
  assert.equal(readFileSync(join(scene.top, "@regrow/log/engine.old"), "utf8"), "line\n".repeat(200));
});

function edit(change: (text: string) => string): (scene: Scene) => void {
  return (scene) => arm(scene, change(formatSwitchOrder(scene.order)));
}

function asLink(scene: Scene): void {
  const order = join(scene.top, "@regrow/policy/switch");
  renameSync(order, join(scene.top, "@regrow/elsewhere"));
  symlinkSync("../elsewhere", order);
}

function withoutExchange(scene: Scene): void {
  rmSync(join(enginesFolder(scene), "regrow-exchange"));
}

function writeSwap(path: string, signature: string, at: number): void {
  const content = Buffer.alloc(20 * 4096);
  content.write(signature, at, "latin1");
  writeFileSync(path, content);
}

function logOf(scene: Scene): string {
  return readFileSync(join(scene.top, "@regrow/log/engine"), "utf8");
}

function refusalOf(scene: Scene): string {
  return readFileSync(join(scene.top, "@regrow/policy/switch.refused"), "utf8");
}
