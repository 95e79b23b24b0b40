/**
 * An install that is cut at any of its changes, or whose change fails: the target's name never shows a half image, no loop device
 * and no mount is left, and the next run works. Every change is tried, as the install itself enumerates them.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openTree } from "../../src/disk/file-systems.ts";
import { partitionOf } from "../../src/disk/plan-disk.ts";
import { regionOf } from "../../src/disk/region.ts";
import type { InstallPlan } from "../../src/machine/install-plan.ts";
import { installImage } from "../../src/machine/install.ts";
import type { TreeSource } from "../../src/machine/tree-source.ts";
import { runProgram } from "../../src/sys/run-program.ts";
import { folderSource } from "../support/folder-source.ts";
import { imageRequest, planImage } from "../support/install-fixture.ts";
import { type Requirements, requires } from "../support/requires.ts";
import { makeSmallTree } from "../support/small-tree.ts";
import { tally } from "../support/tally.ts";

const NEEDS: Requirements = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mkfs.vfat", "mmd", "mcopy", "sfdisk", "tar"],
  filesystems: ["btrfs"],
};
const CHILD = join(import.meta.dirname, "../support/install-child.ts");

test("killed before any of its changes, the old image or the new one has the name, and nothing else is left", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { tree, image, folder } = workplace(t);
  writeFileSync(image, "the old image");
  const changes = traceOf(tree, image, folder);
  const published = changes.lastIndexOf("renameat") + 1;
  assert.deepEqual(changes.slice(published - 2), ["fsync", "renameat", "fsync"]);
  assert(published > 30, changes.join(", "));
  writeFileSync(image, "the old image");
  for (let number = 1; number <= changes.length; number++) {
    const cut = run(tree, image, { REGROW_FAIL_AT: String(number) });
    assert.equal(cut.signal, "SIGKILL", `change ${number}: ${cut.stderr}`);
    await assertNothingInUse(folder, `killed before change ${number}, ${changes[number - 1]}`);
    if (number <= published) assert.equal(readFileSync(image, "utf8"), "the old image", `change ${number}`);
    else await assertInstalled(image, tree);
  }
  await assertInstalled(image, tree);
  const next = run(tree, image);
  assert.equal(next.status, 0, next.stderr);
  await assertInstalled(image, tree);
  assert.deepEqual(readdirSync(folder).sort(), ["disk.img", "trace", "tree"]);
  t.diagnostic(`${changes.length} changes, each cut once`);
  tally("kill points", "install", changes.length);
});

test("a change that fails leaves nothing behind", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { tree, image, folder } = workplace(t);
  const changes = traceOf(tree, image, folder);
  rmSync(image);
  const reported: string[] = [];
  for (let number = 1; number <= changes.length; number++) {
    const failed = run(tree, image, { REGROW_FAIL_AT: `${number}:EIO` });
    const what = `change ${number}, ${changes[number - 1]}`;
    await assertNothingInUse(folder, what);
    assert.equal(failed.status, 3, `${what}: ${failed.stderr}`);
    reported.push(failed.stderr);
    // After its rename the image is complete; only that its name is durable could not be confirmed.
    if (!existsSync(`${image}.part`) && number === changes.length) continue;
    assert.deepEqual(readdirSync(folder).sort(), ["trace", "tree"], what);
  }
  assert(
    reported.every((line) => line.startsWith("system: ")),
    reported.join(""),
  );
  tally("failing changes", "install", changes.length);
});

test("cancelled while the tree is written, it stops what runs and cleans up", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { tree, image, folder } = workplace(t);
  const controller = new AbortController();
  const { signal } = controller;
  const slow: TreeSource = {
    ...folderSource(tree),
    writeTo: async (rootFd) => {
      setTimeout(() => controller.abort(), 100);
      await runProgram({ program: "sleep", args: ["60"], effect: "change", folderFd: rootFd, signal });
    },
  };
  await assert.rejects(installImage(await planImage(imageRequest(image), slow), slow, { signal }), { code: "cancelled" });
  await assertNothingInUse(folder, "cancelled");
  assert.deepEqual(readdirSync(folder), ["tree"]);
});

test("what is not blank is overwritten only where that was permitted", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { tree, image, folder } = workplace(t);
  const source = folderSource(tree);
  writeFileSync(image, "precious");
  await assert.rejects(installImage(await planImage(imageRequest(image), source), source, {}), { code: "refused" });
  assert.equal(readFileSync(image, "utf8"), "precious");
  rmSync(image);
  const plan = await planImage(imageRequest(image), source);
  writeFileSync(image, "appeared after the plan");
  await assert.rejects(installImage(plan, source, {}), { code: "exists" });
  assert.equal(readFileSync(image, "utf8"), "appeared after the plan");
  assert.deepEqual(readdirSync(folder).sort(), ["disk.img", "tree"]);
  writeFileSync(image, Buffer.alloc(1 << 20));
  await installImage(await planImage(imageRequest(image), source), source, {});
  await assertInstalled(image, tree);
});

test("a tree whose links lead out of it changes nothing outside", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { tree, image, folder } = workplace(t);
  const outside = join(folder, "outside");
  await runProgram({ program: "mkdir", args: [outside], effect: "change" });
  for (const [name, plant] of [
    ["etc", ["-s", outside, join(tree, "etc")]],
    ["boot/efi", ["-s", outside, join(tree, "boot/efi")]],
  ] as const) {
    rmSync(join(tree, name), { recursive: true, force: true });
    await runProgram({ program: "ln", args: plant, effect: "change" });
    const source = folderSource(tree);
    const result = await installImage(await planImage(imageRequest(image, { wipe: true }), source), source, {}).catch(
      (error: unknown) => error,
    );
    if (name === "etc") assert.equal((result as { code?: string }).code, "hostile");
    assert.deepEqual(readdirSync(outside), [], name);
    rmSync(join(tree, name));
    makeSmallTree(tree);
  }
});

interface Workplace {
  readonly folder: string;
  readonly tree: string;
  readonly image: string;
}

function workplace(t: TestContext): Workplace {
  const folder = mkdtempSync(join(tmpdir(), "regrow-cut-"));
  t.after(() => rmSync(folder, { recursive: true }));
  makeSmallTree(join(folder, "tree"));
  return { folder, tree: join(folder, "tree"), image: join(folder, "disk.img") };
}

function traceOf(tree: string, image: string, folder: string): string[] {
  const trace = join(folder, "trace");
  const { status, stderr } = run(tree, image, { REGROW_FAIL_TRACE: trace });
  assert.equal(status, 0, stderr);
  return readFileSync(trace, "utf8").trim().split("\n");
}

function run(tree: string, image: string, environment: Readonly<Record<string, string>> = {}) {
  return spawnSync(process.execPath, [CHILD, tree, image], { env: { ...process.env, ...environment }, encoding: "utf8" });
}

// The kernel lets go of a killed process's devices a moment after its end was told.
async function assertNothingInUse(folder: string, when: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (loopFiles().some((file) => file.startsWith(folder))) {
    assert(Date.now() < deadline, `${when}: a loop device is left: ${loopFiles().join(", ")}`);
    await sleep(10);
  }
  assert(!readFileSync("/proc/self/mountinfo", "utf8").includes(folder), `${when}: a mount is left`);
}

function loopFiles(): string[] {
  return readdirSync("/sys/block").flatMap((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    try {
      return [readFileSync(file, "utf8").trim()];
    } catch {
      return [];
    }
  });
}

async function assertInstalled(image: string, tree: string): Promise<void> {
  const { work } = (await planImage(imageRequest(image, { wipe: true }), folderSource(tree))) satisfies InstallPlan;
  const root = partitionOf(work!.disk, "root");
  const opened = await openTree(regionOf(image, work!.disk, root), root.fileSystem, {});
  try {
    const read = (path: string): string => readFileSync(`/proc/self/fd/${opened.fd}/${path}`, "utf8");
    assert.equal(read("home/someone/notes"), "kept\n");
    assert.equal(read("etc/machine-id"), "");
    assert.match(read("etc/fstab"), /^UUID=\S+ \/ btrfs defaults,subvol=@rootfs 0 0\nUUID=\S+ \/boot\/efi vfat/);
    assert.deepEqual(readdirSync(`/proc/self/fd/${opened.fd}/boot/efi`), []);
  } finally {
    await opened.close();
  }
}
