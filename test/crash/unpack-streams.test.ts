/** Unpacking that is killed, or runs out of space, before any of its changes: what has a final name is whole. */
import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";
import { madeStreams } from "../support/send-streams.ts";

const PROGRAM = new URL("../support/unpack-program.ts", import.meta.url).pathname;
const POINTS_BETWEEN = 20;
const LAST = 8;

test("unpacking that is cut at any change", { timeout: 300_000 }, (t) => {
  if (!requires(t, { root: true, programs: ["rsync"] })) return;
  const folder = scratchFolder(t);
  const stream = `${folder}/stream`;
  const made = new Map(madeStreams().map(({ name, data }) => [name, data]));
  writeFileSync(stream, Buffer.concat([made.get("full")!, made.get("incremental")!]));
  mkdirSync(`${folder}/whole`);
  const { status, stderr } = unpack(`${folder}/whole`, stream, { REGROW_FAIL_TRACE: `${folder}/trace` });
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(`${folder}/whole`), ["a", "b"]);
  const changes = readFileSync(`${folder}/trace`, "utf8").trim().split("\n");
  const outcomes = new Map<string, number>();
  const count = (name: string): unknown => outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
  for (const [index, at] of choosePoints(changes).entries()) {
    // The last changes are those that give names.
    const failures = at > changes.length - LAST ? ["killed", "full"] : [["killed", "full"][index % 2]!];
    for (const failure of failures) {
      const target = `${folder}/${failure}-${at}`;
      mkdirSync(target);
      const run = unpack(target, stream, { REGROW_FAIL_AT: failure === "killed" ? `${at}` : `${at}:ENOSPC` });
      if (failure === "killed") assert.equal(run.signal, "SIGKILL");
      else assert.ok(run.status === 13 || run.status === 0, run.stderr);
      const names = readdirSync(target).filter((name) => !name.startsWith(".regrow-unpack-"));
      for (const name of names)
        assert.equal(differences(`${folder}/whole/${name}`, `${target}/${name}`), "", `${failure} at ${at}`);
      if (failure === "killed" && names.length === 0) assertNextCleansUp(target, stream);
      count(`${failure}: ${names.join("+") || "nothing"}`);
      // Only who was killed could not clean up.
      if (failure === "full" && run.status === 13 && changes[at - 1] !== "unlinkat" && changes[at - 1] !== "rmdir") {
        assert.deepEqual(readdirSync(target), names);
      }
    }
  }
  t.diagnostic(`${changes.length} changes; ${[...outcomes].map(([name, times]) => `${name} ${times}`).join(", ")}`);
  assert.ok(Math.min(outcomes.get("killed: nothing") ?? 0, outcomes.get("full: nothing") ?? 0) > 5);
  assert.ok((outcomes.get("killed: a") ?? 0) > 0 && (outcomes.get("killed: a+b") ?? 0) > 0);
});

/** What a process left that was killed, the next one takes away. */
function assertNextCleansUp(target: string, stream: string): void {
  const { status, stderr } = unpack(target, stream, {});
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(target).toSorted(), ["a", "b"]);
}

/** The first change of each kind, the last ones, and some between. */
function choosePoints(changes: readonly string[]): number[] {
  const points = new Set([...new Set(changes)].map((name) => changes.indexOf(name) + 1));
  for (let at = Math.max(changes.length - LAST, 1); at <= changes.length; at++) points.add(at);
  const step = Math.ceil(changes.length / POINTS_BETWEEN);
  for (let at = 1; at <= changes.length; at += step) points.add(at);
  return [...points].toSorted((a, b) => a - b);
}

function unpack(target: string, stream: string, env: Record<string, string>): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [PROGRAM, target, stream], { encoding: "utf8", env: { ...process.env, ...env } });
}

function differences(expected: string, found: string): string {
  return runText("rsync", ["-aHAXn", "--delete", "--checksum", "--modify-window=-1", "-i", `${expected}/`, `${found}/`]);
}
