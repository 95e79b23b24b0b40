/** `restore --to`: paths of a commit in a folder apart, judged by diff and by the times that files had. */
import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";
import { runText } from "../support/programs.ts";

const bench = workbench();
const REPO = ["--repo", "repo"] as const;

before(() => {
  bench.ok("init", "-q", "--mode=bare-user");
  bench.write("tree/etc/ssh/config", "one\n");
  bench.write("tree/etc/hosts", "two\n");
  bench.write("tree/usr/lib/deep", "three\n");
  linkSync(bench.at("tree/etc/ssh/config"), bench.at("tree/etc/ssh/again"));
  symlinkSync("../hosts", bench.at("tree/etc/ssh/link"));
  chmodSync(bench.at("tree/etc/ssh"), 0o700);
  for (const name of ["etc/ssh/config", "etc/hosts", "etc/ssh"]) utimesSync(bench.at("tree", name), 1e9, 1e9);
  bench.ok("commit", "-q", "-b", "main", "tree");
});

test("they stand under their own paths, with times and hard links", () => {
  const planned = bench.ok(...REPO, "restore", "main", "/etc/ssh", "/etc/hosts", "/etc/ssh/config", "--to", "out", "-n");
  assert.equal(planned, "out/etc/ssh\nout/etc/hosts");
  assert.ok(!readdirSync(bench.folder).includes("out"), "a dry run makes nothing");
  assert.equal(bench.ok(...REPO, "restore", "main", "/etc/ssh", "/etc/hosts", "--to", "out/"), planned);
  assert.equal(runText("diff", ["-r", "--no-dereference", bench.at("tree/etc"), bench.at("out/etc")]), "");
  for (const name of ["etc/ssh/config", "etc/hosts", "etc/ssh"]) {
    const [was, is] = [statSync(bench.at("tree", name)), statSync(bench.at("out", name))];
    assert.deepEqual([is.mtimeMs, is.mode, is.nlink], [was.mtimeMs, was.mode, was.nlink], name);
  }
  assert.deepEqual(readdirSync(bench.at("out")), ["etc"]);
  const told = bench.ok(...REPO, "restore", "main", "/usr/lib/deep", "--to", "out", "--json");
  const { commit, paths, dryRun } = JSON.parse(told) as Record<string, unknown>;
  assert.deepEqual([typeof commit, paths, dryRun], ["string", ["/usr/lib/deep"], false]);
});

test("nothing there is replaced, and no link leads out of it", () => {
  mkdirSync(bench.at("full/etc"), { recursive: true });
  writeFileSync(bench.at("full/etc/hosts"), "mine\n");
  mkdirSync(bench.at("outside"));
  symlinkSync("../outside", bench.at("full/usr"));
  const code = (...paths: readonly string[]): number | null =>
    bench.regrow(...REPO, "restore", "main", ...paths, "--to", "full").code;
  assert.equal(code("/etc/ssh", "/etc/hosts"), 14);
  assert.deepEqual(readdirSync(bench.at("full/etc")), ["hosts"], "all is checked before the first is written");
  assert.notEqual(code("/usr/lib/deep"), 0);
  assert.deepEqual(readdirSync(bench.at("outside")), []);
  assert.deepEqual([code("/nowhere"), code("/etc/../usr"), code("/")], [1, 2, 2]);
  symlinkSync("/nowhere", bench.at("full/etc/ssh"));
  assert.notEqual(code("/etc/ssh"), 0);
});
