/** Policies, `--to-free`, `--pins` and `forget` from the command line. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";

const bench = workbench();
const commits: string[] = [];

before(() => {
  bench.ok("init", "-q", "--mode=bare-user");
  for (const [number, day] of ["2026-01-01", "2026-01-02", "2026-01-02", "2026-02-01"].entries()) {
    bench.write("tree/file", `${number}\n`);
    if (number === 1) bench.write("tree/secret", "secret\n");
    const time = `--timestamp=${day}T0${number}:00:00Z`;
    commits.push(bench.ok("commit", "-q", "-b", "main", time, "tree").split("\n").at(-1)!);
  }
  bench.ok("tag", "-q", "v1", commits[1]!);
});

test("a policy says what keeps each commit, and does what it told", () => {
  const { code, out } = bench.regrow("prune", "--keep-daily=2", "-n");
  assert.equal(code, 0);
  assert.deepEqual(out.trimEnd().split("\n"), [
    `kept ${commits[3]!.slice(0, 10)} 2026-02-01 03:00 branch main, daily`,
    `kept ${commits[2]!.slice(0, 10)} 2026-01-02 02:00 daily`,
    `kept ${commits[1]!.slice(0, 10)} 2026-01-02 01:00 tag v1`,
    `thinned ${commits[0]}`,
  ]);
  const { decisions } = JSON.parse(bench.ok("prune", "--keep-daily=2", "-n", "--json")) as { decisions: { keptBy: string[] }[] };
  assert.deepEqual(
    decisions.map(({ keptBy }) => keptBy),
    [["branch main", "daily"], ["daily"], ["tag v1"], []],
  );
  assert.equal(bench.regrow("prune", "--keep-daily=2").code, 14, "no answer is a no");
});

test("what makes no sense together is refused", () => {
  for (const options of [["--keep-last=0"], ["--keep-last=1", "--depth=1"], ["--pins", "--keep-last=1"], ["--to-free=much"]]) {
    assert.equal(bench.regrow("prune", ...options).code, 2, options.join(" "));
  }
});

test("pins are told, and 13 where not enough may go", () => {
  assert.equal(bench.ok("prune", "--pins").split("\n").length, 5);
  assert.equal(bench.regrow("prune", "--to-free=1G", "-n").code, 13);
  assert.equal(bench.regrow("prune", "--to-free=1", "-n").code, 0);
});

test("forget prints what became what, asks, and leaves nothing of it", () => {
  const planned = bench.regrow("forget", "-n", "/secret");
  assert.equal(planned.code, 0, planned.err);
  assert.deepEqual(planned.out.match(/^[0-9a-f]{64}(?= )/gm), commits.slice(1));
  assert.equal(bench.regrow("forget", "/secret").code, 14, "no answer is a no");
  assert.equal(bench.regrow("forget", "/nothing").code, 1);
  assert.equal(bench.regrow("forget", "/").code, 2);
  assert.equal(bench.regrow("forget", "--yes", "/secret").out, planned.out);
  for (const revision of ["main", "main^", "v1"]) assert.doesNotMatch(bench.ok("ls", revision), /secret/);
  assert.equal(bench.ok("cat", "v1", "/file"), "1");
  assert.equal(bench.regrow("fsck").code, 0);
});
