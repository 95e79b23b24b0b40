/** A machine whose root is on ext4 or xfs: no snapshots, and the repository is in the root. The judges are ostree and copies made beforehand. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { EXIT } from "../../src/base/exit-codes.ts";
import { workbench } from "../support/cli.ts";
import { runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem } from "../support/scratch.ts";

const bench = workbench();

for (const type of ["ext4", "xfs"] as const) {
  test(`commits, differences and single paths on ${type}, and no rollback`, (t) => {
    if (!requires(t, { root: true, programs: ["mount", "ostree", `mkfs.${type}`], filesystems: [type] })) return;
    const root = mountedFileSystem(t, type, 600);
    const regrow = (...args: readonly string[]): string => bench.ok("--sysroot", root, ...args);
    for (const folder of ["etc", "usr/bin", "var/lib/app", "home"]) mkdirSync(`${root}/${folder}`, { recursive: true });
    for (const name of ["usr/bin/tool", "var/lib/app/state"]) writeFileSync(`${root}/${name}`, "old");
    assert.match(bench.regrow("--sysroot", root, "setup", "-n").out, /there are no snapshots/);
    regrow("setup", "-y", "-q");
    regrow("commit", "-q");
    for (const name of ["usr/bin/tool", "var/lib/app/state"]) writeFileSync(`${root}/${name}`, "new!");
    const told = regrow("diff", "--name-status").split("\n");
    assert.ok(
      ["M\tusr/bin/tool", "M\tvar/lib/app/state"].every((line) => told.includes(line)),
      told.join(),
    );
    regrow("restore", "-y", "-q", "main", "/usr/bin/tool", "/var/lib/app");
    for (const name of ["usr/bin/tool", "var/lib/app/state"]) assert.equal(readFileSync(`${root}/${name}`, "utf8"), "old");
    for (const path of ["/var", "/var/lib", "/var/lib/regrow", "/var/lib/regrow/format"]) {
      const result = bench.regrow("--sysroot", root, "restore", "-y", "main", path);
      assert.deepEqual([result.code, /own repository is there/.test(result.err)], [EXIT.refused, true], result.err);
    }
    assert.ok(existsSync(`${root}/var/lib/regrow/repo/objects`));
    const refused = bench.regrow("--sysroot", root, "rollback", "-y", "main");
    assert.notEqual(refused.code, 0);
    assert.match(refused.err, /can't be exchanged.*\n.*regrow restore/);
    assert.match(runText("ostree", ["fsck", "--repo", `${root}/var/lib/regrow/repo`, "-a"]), /no errors/);
  });
}
