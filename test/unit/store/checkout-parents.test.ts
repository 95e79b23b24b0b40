/** A checkout by hard links from a repository that has its objects from a parent. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { checkoutCommit } from "../../../src/store/checkout/checkout.ts";
import { commitTree } from "../../../src/store/commit.ts";
import { initRepository, withRepository } from "../../../src/store/repository.ts";
import { scratchFolder } from "../../support/scratch.ts";

for (const mode of ["bare-user-only", "archive", "bare-user"] as const) {
  const isSame = mode === "bare-user-only";
  test(`a parent of mode ${mode} ${isSame ? "is linked to" : "is copied from"}`, async (t) => {
    const home = scratchFolder(t);
    mkdirSync(`${home}/tree`);
    writeFileSync(`${home}/tree/program`, "#!/bin/sh\n", { mode: 0o755 });
    initRepository(`${home}/parent`, { mode });
    initRepository(`${home}/child`, { mode: "bare-user-only" });
    appendFileSync(`${home}/child/config`, `parent=${home}/parent\n`);
    const commit = await withRepository(`${home}/parent`, async (parent) => {
      const sources = [{ kind: "dir", path: `${home}/tree` }] as const;
      return (await commitTree(parent, { branch: "main", sources, canonicalPermissions: true })).commit;
    });
    await withRepository(`${home}/child`, (child) => checkoutCommit(child, commit, `${home}/out`, { hardlink: true }));
    assert.equal(readFileSync(`${home}/out/program`, "utf8"), "#!/bin/sh\n");
    const { mode: permissions, nlink } = statSync(`${home}/out/program`);
    assert.equal(permissions & 0o777, 0o755);
    assert.equal(nlink, isSame ? 2 : 1);
  });
}
