/** merge and revert from the command line. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";

const bench = workbench();

before(() => {
  bench.ok("init", "-q", "--mode=bare-user");
  commit("main", { shared: "base\n", ours: "base\n", theirs: "base\n" });
  bench.ok("refs", "-q", "--create=other", "main");
  commit("main", { shared: "base\n", ours: "changed\n", theirs: "base\n" });
  commit("other", { shared: "base\n", ours: "base\n", theirs: "changed\n" });
});

test("a dry run tells the outcome and writes nothing", () => {
  const refs = bench.ok("refs", "-v");
  const { code, out, err } = bench.regrow("merge", "-n", "other");
  assert.deepEqual([code, out], [0, ""]);
  assert.match(err, /^would be merged: /);
  assert.equal(bench.ok("refs", "-v"), refs);
});

test("changes of both lines come together, and the log shows both", () => {
  const checksum = bench.ok("merge", "other", "-m", "Together").split("\n").at(-1)!;
  assert.match(checksum, /^[0-9a-f]{64}$/);
  assert.equal(bench.ok("cat", "main", "/ours", "/theirs", "/shared"), "changed\nchanged\nbase");
  const log = bench.ok("log");
  assert.match(log, new RegExp(`^commit ${checksum}  \\(main\\)\nParent:  [0-9a-f]{64}\nMerged:  [0-9a-f]{64}\n`));
  assert.equal(log.match(/^commit /gm)!.length, 4);
  assert.match(bench.regrow("merge", "other").err, /^up-to-date: /);
});

test("what both sides changed is a conflict: exit code 14 and nothing written, unless a side is favoured", () => {
  commit("main", { shared: "one\n" });
  commit("other", { shared: "two\n" });
  const refs = bench.ok("refs", "-v");
  const { code, out, err } = bench.regrow("merge", "other");
  assert.equal(code, 14);
  assert.match(out, /^C {4}\/shared {2}\(content: file here, file there\)\n$/m);
  assert.match(err, /both sides changed the same\.\nhint: Give --favour/);
  assert.equal(bench.ok("refs", "-v"), refs);
  const report = JSON.parse(bench.regrow("merge", "--json", "other").out) as { outcome: string; conflicts: { path: string }[] };
  assert.equal(report.outcome, "conflicts");
  assert.ok(report.conflicts.some(({ path }) => path === "/shared"));
  bench.ok("merge", "--favour=ours", "other");
  assert.equal(bench.ok("cat", "main", "/shared", "/shared.theirs"), "one\ntwo");
});

test("revert takes back one commit and leaves what came later", () => {
  commit("line", { a: "1\n", b: "1\n" });
  commit("line", { a: "2\n", b: "1\n" });
  commit("line", { a: "2\n", b: "2\n" });
  bench.ok("revert", "line^", "-b", "line");
  assert.equal(bench.ok("cat", "line", "/a", "/b"), "1\n2");
  assert.match(bench.ok("show", "line"), /Revert "line"/);
});

test("a branch that doesn't exist", () => {
  const { code, err } = bench.regrow("merge", "-b", "nowhere", "other");
  assert.equal(code, 1);
  assert.match(err, /^regrow: nowhere: no such branch\.\nhint: /);
  assert.equal(bench.regrow("merge", "--favour=mine", "other").code, 2);
});

function commit(branch: string, files: Record<string, string>): void {
  rmSync(bench.at("tree"), { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) bench.write(`tree/${name}`, content);
  bench.ok("commit", "-q", "-b", branch, "-s", branch, "tree");
}
