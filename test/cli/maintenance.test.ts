/** fsck and prune from the command line. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";

const bench = workbench();

before(() => {
  bench.ok("init", "-q", "--mode=bare-user");
  for (const content of ["one\n", "two\n", "three\n"]) {
    bench.write("tree/file", content);
    bench.ok("commit", "-q", "-b", "main", "-s", content.trim(), "tree");
  }
  bench.ok("init", "-q", "--mode=archive", "backup");
  bench.ok("push", "-q", "backup");
});

test("fsck of a sound repository", () => {
  const { code, out, err } = bench.regrow("fsck");
  assert.deepEqual([code, out], [0, ""]);
  assert.match(err, /^\d+ objects \(.*\), \d+ commits: nothing is wrong; /);
});

test("fsck names a damaged file with the commits and refs that it touches, and mends it from another repository", () => {
  const entry = JSON.parse(bench.ok("ls", "-d", "--json", "main", "/file")) as { checksum: string };
  const file = objectOf(entry.checksum);
  chmodSync(file, 0o644);
  writeFileSync(file, readFileSync(file, "utf8").replace("three", "THREE"));
  const { code, out } = bench.regrow("fsck");
  assert.equal(code, 12);
  assert.match(out, new RegExp(`^${entry.checksum}\\.file: .*\n  is /file\n  in [0-9a-f]{10}\n  of main\n$`));
  assert.equal(bench.regrow("fsck", "--repair-from", "backup").code, 0);
  assert.equal(bench.ok("cat", "main", "/file"), "three");
  assert.equal(bench.regrow("fsck").code, 0);
});

test("fsck --delete asks first", () => {
  const entry = JSON.parse(bench.ok("ls", "-d", "--json", "main", "/file")) as { checksum: string };
  rmSync(objectOf(entry.checksum));
  const asked = bench.regrow("fsck", "--delete");
  assert.equal(asked.code, 14);
  assert.match(asked.err, /Nobody is there to answer/);
  bench.ok("fsck", "--repair-from", "backup");
});

test("prune shows what would go, asks, and thins the history without cutting it", () => {
  const log = bench.ok("log", "--oneline");
  const planned = bench.regrow("prune", "--depth=0", "-n");
  assert.equal(planned.code, 0);
  assert.equal(planned.out.match(/^thinned [0-9a-f]{64}$/gm)!.length, 2);
  assert.match(planned.err, /Nothing was changed\.\n$/);
  assert.equal(bench.regrow("prune", "--depth=0").code, 14);
  assert.equal(bench.ok("cat", "main^", "/file"), "two");
  assert.equal(bench.regrow("prune", "--depth=0", "--yes").out, planned.out);
  assert.equal(bench.ok("log", "--oneline"), log);
  assert.equal(bench.regrow("cat", "main^", "/file").code, 1);
  assert.equal(bench.ok("cat", "main", "/file"), "three");
  assert.equal(bench.regrow("fsck").code, 0);
});

function objectOf(checksum: string): string {
  return path.join(bench.at("repo/objects"), checksum.slice(0, 2), `${checksum.slice(2)}.file`);
}

test("a new repository is its owner's alone; with --public others can read what is in it, where that is safe", () => {
  bench.ok("init", "-q", "--mode=archive", "private");
  bench.ok("init", "-q", "--mode=archive", "--public", "public");
  assert.deepEqual(
    ["private", "public"].map((name) => statSync(bench.at(name)).mode & 0o7777),
    [0o700, 0o755],
  );
  chmodSync(bench.folder, 0o755);
  for (const name of ["private", "public"]) {
    bench.ok("commit", "-q", "--repo", name, "-b", "main", "tree");
    if (process.geteuid!() !== 0) continue;
    const { status, stdout } = spawnSync("find", [bench.at(name, "objects"), "-type", "f", "-readable"], {
      uid: 65534,
      encoding: "utf8",
    });
    assert.equal(status === 0 && stdout.includes(".filez"), name === "public", name);
  }
  assert.equal(bench.regrow("init", "--mode=bare", "--public", "setuid").code, 2);
  assert.equal(existsSync(bench.at("setuid")), false);
  assert.match(bench.regrow("init", "--mode=archive", "--public", "private").err, /stays as it is/);
  assert.equal(statSync(bench.at("private")).mode & 0o7777, 0o700);
});
