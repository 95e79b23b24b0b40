/** pull and push from the command line. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";

const bench = workbench();

before(() => {
  bench.ok("init", "-q", "--mode=bare-user");
  for (const content of ["one\n", "two\n"]) {
    bench.write("tree/file", content);
    bench.ok("commit", "-q", "-b", "main", "--timestamp=@864000", "-s", content.trim(), "tree");
  }
  bench.ok("tag", "v1", "main^");
});

test("push brings branches and tags with their history into a repository of another mode", () => {
  bench.ok("init", "-q", "--mode=archive", "backup");
  const planned = bench.regrow("push", "-n", "backup");
  assert.match(planned.out, /^new {6}main {2}[0-9a-f]{10}\nnew {6}tag\/v1 {2}[0-9a-f]{10}\n$/);
  assert.match(planned.err, /^2 commits, \d+ objects, .* to come; /);
  assert.equal(bench.ok("refs", "--repo=backup"), "");
  assert.equal(bench.regrow("push", "backup").out, planned.out);
  assert.equal(bench.ok("log", "--repo=backup", "--oneline", "main"), bench.ok("log", "--oneline", "main"));
  assert.match(bench.ok("push", "backup", "main"), /^same {5}main/);
});

test("pull takes what it is asked for, under the name that it is given", () => {
  bench.ok("init", "-q", "--mode=bare-user", "clone");
  assert.match(bench.ok("pull", "--repo=clone", "repo", "main=copy", "--depth=0"), /^new {6}main -> copy {2}/);
  assert.equal(bench.ok("log", "--repo=clone", "--oneline", "copy").split("\n").length, 2);
  assert.match(bench.ok("log", "--repo=clone", "copy"), /<< What came before is not in this repository >>/);
  bench.ok("pull", "-q", "--repo=clone", "--remote=origin", "repo", "main");
  assert.equal(bench.ok("refs", "--repo=clone"), "copy\norigin:main");
  const report = JSON.parse(bench.ok("pull", "--json", "--repo=clone", "repo", "main=copy")) as { refs: { kind: string }[] };
  assert.deepEqual(
    report.refs.map(({ kind }) => kind),
    ["same"],
  );
});

test("a branch that would lose commits doesn't move", () => {
  bench.ok("init", "-q", "--mode=bare-user", "diverged");
  bench.ok("commit", "-q", "--repo=diverged", "-b", "main", "-s", "other", "tree");
  const { code, err } = bench.regrow("pull", "--repo=diverged", "repo", "main");
  assert.equal(code, 14);
  assert.match(err, /can't move to .*\nhint: Merge first/);
  assert.match(
    bench.ok("pull", "--force", "--repo=diverged", "repo", "main"),
    /^forced {3}main {2}[0-9a-f]{10}\.\.[0-9a-f]{10}$/,
  );
});

test("what is not there is said so", () => {
  assert.equal(bench.regrow("pull", "nowhere").code, 10);
  const { code, err } = bench.regrow("push", "backup", "nothing");
  assert.equal(code, 1);
  assert.match(err, /nothing: no such branch or tag there\.\nhint: It has main, tag\/v1\./);
});
