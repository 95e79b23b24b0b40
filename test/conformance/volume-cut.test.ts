/**
 * Verbs of volume drivers that are killed before any of their changes: under the final name stands all of a tree or nothing, and the
 * next verb in that folder takes away what was left.
 */
import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { tally } from "../support/tally.ts";
import { FILE_SYSTEMS, VOLUME_NEEDS, type Volume, assertSameTree, mountVolume, unfinishedOn } from "../support/volumes.ts";

const CHILD = new URL("../support/volume-child.ts", import.meta.url).pathname;
const MOST_POINTS = 9;

for (const kind of FILE_SYSTEMS) {
  test(`${kind}: what is cut shows no half tree, and the next verb cleans up`, { timeout: 300_000 }, async (t) => {
    if (!requires(t, VOLUME_NEEDS)) return;
    const volume = mountVolume(t, kind, 400);
    makeLive(volume);
    const counts: string[] = [];
    for (const verb of ["snapshot", "build", "remove", ...(volume.driver.capabilities.streams ? ["receive"] : [])]) {
      counts.push(`${verb} ${await cutAll(volume, verb)}`);
    }
    if (volume.driver.capabilities.streams) await cutInStream(volume);
    t.diagnostic(`changes cut: ${counts.join(", ")}`);
    checkBtrfs(volume);
  });
}

/** Each file of it has the same words. */
function makeLive(volume: Volume): void {
  const live = volume.makeTree("live");
  mkdirSync(`${live}/folder/deep`, { recursive: true });
  for (const name of ["file", "folder/a", "folder/deep/b"]) writeFileSync(`${live}/${name}`, "words ".repeat(2000));
  run("ln", [`${live}/file`, `${live}/folder/linked`]);
  run("setfattr", ["-n", "user.x", "-v", "y", `${live}/folder`]);
  run("chattr", ["+i", `${live}/folder/a`]);
}

async function cutAll(volume: Volume, verb: string): Promise<number> {
  const { driver, place } = volume;
  await prepare(volume, verb);
  const trace = volume.at("trace");
  const whole = runVerb(volume, verb, { REGROW_FAIL_TRACE: trace });
  assert.equal(whole.status, 0, whole.stderr);
  const changes = readFileSync(trace, "utf8").trim().split("\n");
  rmSync(trace);
  await driver.remove(place("new"));
  for (const at of choosePoints(changes)) {
    await prepare(volume, verb);
    const cut = runVerb(volume, verb, { REGROW_FAIL_AT: `${at}` });
    assert.equal(cut.signal, "SIGKILL", cut.stderr);
    assertWholeOrNothing(volume, verb, `${verb}, killed before change ${at} of ${changes.length}, ${changes[at - 1]}`);
    // Any verb in that folder.
    await driver.remove(place("new"));
    assert.equal(unfinishedOn(volume), "", `${verb} ${at}`);
  }
  tally("kill points", "volume drivers", choosePoints(changes).length);
  return changes.length;
}

async function cutInStream(volume: Volume): Promise<void> {
  const size = readFileSync(volume.at("stream")).length;
  for (const at of [0, 4096, size >> 1]) {
    const cut = runVerb(volume, "receive", { REGROW_CUT_STREAM: `${at}` });
    assert.equal(cut.signal, "SIGKILL", cut.stderr);
    assert.equal(existsSync(volume.at("new")), false);
    await volume.driver.snapshot(volume.place("live"), volume.place("another"));
    await volume.driver.remove(volume.place("another"));
    assert.equal(unfinishedOn(volume), "");
  }
}

async function prepare(volume: Volume, verb: string): Promise<void> {
  const { driver, place, at } = volume;
  if (verb === "receive" && !existsSync(at("stream"))) {
    await driver.snapshot(place("live"), place("sent"));
    run("btrfs", ["-q", "send", "-f", at("stream"), at("sent")]);
    await driver.remove(place("sent"));
  }
  if (verb !== "remove") return;
  await driver.clone(place("live"), place("new"));
  if (!driver.capabilities.nested) return;
  for (const nested of ["new/folder/nested", "new/folder/nested/inner"]) run("btrfs", ["-q", "subvolume", "create", at(nested)]);
  for (const nested of ["new/folder/nested", "new"]) run("btrfs", ["property", "set", "-ts", at(nested), "ro", "true"]);
}

function assertWholeOrNothing(volume: Volume, verb: string, what: string): void {
  const made = volume.at("new");
  if (!existsSync(made)) return;
  if (verb === "remove") {
    // Nothing has been taken out of it.
    if (volume.driver.capabilities.nested) {
      assert.ok(existsSync(`${made}/folder/nested/inner`), what);
      return;
    }
  }
  if (verb === "build") {
    const words = readFileSync(volume.at("live/file"), "utf8");
    assert.equal(readFileSync(`${made}/file`, "utf8"), `${words}more`, what);
    assert.ok(existsSync(`${made}/folder/deep/b`), what);
    return;
  }
  if (verb === "receive") {
    // Streams have no inode flags.
    assert.equal(runText("rsync", ["-aHAXnic", "--delete", "--modify-window=-1", `${volume.at("live")}/`, `${made}/`]), "", what);
    return;
  }
  assertSameTree(volume.at("live"), made, what);
}

function runVerb(volume: Volume, verb: string, env: Record<string, string>): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [CHILD, verb, volume.folder], { encoding: "utf8", env: { ...process.env, ...env } });
}

/** The last ones, which give and take names, and some between. */
function choosePoints(changes: readonly string[]): number[] {
  const points = new Set([1, changes.length - 2, changes.length - 1, changes.length].filter((at) => at > 0));
  const step = Math.ceil(changes.length / (MOST_POINTS - 4));
  for (let at = 1; at <= changes.length; at += step) points.add(at);
  return [...points].toSorted((a, b) => a - b);
}

function checkBtrfs(volume: Volume): void {
  if (volume.kind !== "btrfs") return;
  run("sync", ["-f", volume.folder]);
  run("btrfs", ["check", "--force", "--readonly", runText("findmnt", ["-n", "-o", "SOURCE", volume.folder])]);
}
