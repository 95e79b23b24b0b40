/** `fsck` and `prune` from the command line: exit codes, what --json has, and that -n changes nothing. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";
import { objectsOf } from "../support/histories.ts";

const bench = workbench();
let first: string;

before(() => {
  bench.ok("init", "--mode=bare-user");
  bench.write("tree/etc/hostname", "alder\n");
  first = bench.ok("commit", "-q", "-b", "main", "tree").split("\n").at(-1)!;
  bench.write("tree/etc/hostname", "birch\n");
  bench.ok("commit", "-q", "-b", "main", "tree");
  bench.ok("init", "--mode=archive", "backup");
  bench.ok("pull", "--repo=backup", "repo", "main");
});

function loseContent(): string {
  const objects = readdirSync(bench.at("repo/objects"), { recursive: true, encoding: "utf8" });
  const lost = objects.filter((name) => name.endsWith(".file")).sort()[0]!;
  rmSync(path.join(bench.at("repo/objects"), lost));
  return lost.replace("/", "");
}

test("fsck ends with 12 where something is wrong, and with 0 once it is repaired", () => {
  assert.equal(bench.regrow("fsck").code, 0);
  const lost = loseContent();
  const found = bench.regrow("fsck");
  assert.equal(found.code, 12, found.err);
  assert.match(found.out, new RegExp(`^${lost}: it is missing\n`));
  const { code, out } = bench.regrow("fsck", "--json");
  assert.equal(code, 12);
  const report = JSON.parse(out) as { bad: { problem: string; refs: string[]; commits: string[] }[] };
  assert.deepEqual([report.bad.length, report.bad[0]!.problem], [1, "missing"]);
  assert.ok(report.bad[0]!.refs.length > 0 && report.bad[0]!.commits.length > 0);
  assert.equal(bench.regrow("fsck", "--repair-from", "backup").code, 0);
  assert.equal(bench.regrow("fsck").code, 0);
});

test("fsck tells of detached metadata, links and refs that lead nowhere, and removes or leaves what it says", () => {
  const detached = bench.at(`repo/objects/${first.slice(0, 2)}/${first.slice(2)}.commitmeta`);
  writeFileSync(detached, "garbage");
  symlinkSync("nothing", bench.at("repo/refs/heads/alias"));
  const { code, out, err } = bench.regrow("fsck");
  assert.equal(code, 12, err);
  assert.match(out, new RegExp(`^${first}\\.commitmeta: .+\n  in ${first.slice(0, 10)}\n  of main\nref alias: .+ not there\n$`));
  assert.match(err, /2 things wrong/);
  assert.equal(bench.regrow("fsck", "--delete").code, 14, "no answer is a no");
  assert.ok(existsSync(detached));
  const removed = bench.regrow("fsck", "--delete", "--yes");
  assert.equal(removed.code, 12);
  assert.match(removed.out, /commitmeta: .+ \(deleted\)/);
  rmSync(bench.at("repo/refs/heads/alias"));
  assert.ok(!existsSync(detached));
  assert.equal(bench.regrow("fsck").code, 0);
});

test("prune -n changes nothing, and prune does what it told", () => {
  const before = objectsOf(bench.at("repo"));
  const planned = JSON.parse(bench.ok("prune", "-n", "--json", "--depth=0")) as Record<string, unknown>;
  assert.equal(planned["dryRun"], true);
  assert.ok((planned["thinnedCommits"] as string[]).includes(first));
  assert.deepEqual(objectsOf(bench.at("repo")), before);
  assert.equal(bench.regrow("prune", "--depth=0").code, 14, "no answer is a no");
  assert.deepEqual(objectsOf(bench.at("repo")), before);
  const done = JSON.parse(bench.ok("prune", "--yes", "--json", "--depth=0")) as Record<string, unknown>;
  assert.deepEqual(done, { ...planned, dryRun: false });
  assert.ok(objectsOf(bench.at("repo")).length < before.length);
  assert.equal(bench.regrow("fsck").code, 0);
});
