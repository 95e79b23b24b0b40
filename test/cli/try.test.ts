/** `regrow try` works for who has nothing but the program, and leaves nothing behind. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, constants, copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { workbench } from "../support/cli.ts";
import { requires } from "../support/requires.ts";

const bench = workbench();
const NAMES = ["copy", "commit", "break", "diff", "keep", "rollback", "verify"];
const NOBODY = 65_534;

test("it tells its steps with their times, as text and as JSON", () => {
  mkdirSync(bench.at("tmp"));
  bench.environment["TMPDIR"] = bench.at("tmp");
  const lines = bench.ok("try").split("\n");
  const steps = lines.filter((line) => /^\w+ +[\d.]+ m?s {2}/.test(line)).map((line) => line.split(" ")[0]);
  assert.deepEqual(steps, NAMES);
  assert.match(lines.at(-2)!, /^It works here: /);
  const objects = bench
    .ok("try", "--json")
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    objects.map(({ name }) => name),
    NAMES,
  );
  const [copy, , , diff, , , verify] = objects as [
    { sample: { files: number } },
    unknown,
    unknown,
    { changes: { kind: string }[] },
    unknown,
    unknown,
    { entries: number; broken: number },
  ];
  assert.ok(verify.entries >= copy.sample.files);
  assert.ok(verify.broken > 0);
  assert.ok(diff.changes.some(({ kind }) => kind === "removed"));
  assert.deepEqual(readdirSync(bench.at("tmp")), []);
});

test("it needs no root", (t) => {
  if (!requires(t, { root: true })) return;
  const program = bench.at("regrow");
  copyFileSync(bench.program, program, constants.COPYFILE_FICLONE);
  mkdirSync(bench.at("public"));
  for (const file of [program, bench.folder]) chmodSync(file, 0o755);
  chmodSync(bench.at("public"), 0o777);
  const env = { TMPDIR: bench.at("public") };
  const { status, stderr } = spawnSync(program, ["try"], { uid: NOBODY, gid: NOBODY, cwd: "/", env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(bench.at("public")), []);
});

test("cancelled in the middle, it leaves nothing behind", async () => {
  const child = spawn(bench.program, ["try"], { cwd: bench.folder, env: bench.environment, stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.once("data", () => child.kill("SIGINT"));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 130);
  assert.deepEqual(readdirSync(bench.at("tmp")), []);
});
