import assert from "node:assert/strict";
import { appendFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { repositorySource } from "../../src/store/pull/object-source.ts";
import { pull } from "../../src/store/pull/pull.ts";
import { closeRepository, initRepository, openRepository } from "../../src/store/repository.ts";
import { commitFiles, refsOf } from "../support/histories.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem, scratchFolder } from "../support/scratch.ts";

test("a pull onto a disk that runs full leaves what was there as it was", async (t) => {
  if (!requires(t, { root: true, programs: ["ostree", "mkfs.ext4", "mount"] })) return;
  const scratch = scratchFolder(t);
  const source = newRepository(t, `${scratch}/source`, "bare-user");
  const small = await commitFiles(source, scratch, { "etc/first": "first" });
  // Each takes a block of 4 KiB and more than its bytes: the disk is full long before the sum of sizes says so.
  const many = Object.fromEntries(Array.from({ length: 6000 }, (_, index) => [`d${index % 50}/f${index}`, `content ${index}`]));
  await commitFiles(source, scratch, many, { branch: "large" });
  const mounted = mountedFileSystem(t, "ext4", 16);
  initRepository(`${mounted}/repo`, { mode: "archive" });
  appendFileSync(`${mounted}/repo/config`, "min-free-space-percent=0\n");
  const target = openRepository(`${mounted}/repo`);
  t.after(() => closeRepository(target));
  await pull(target, repositorySource(source), { refs: ["main"] });
  await assert.rejects(pull(target, repositorySource(source), { publishBytes: 10_000 }), { code: "no-space", errno: "ENOSPC" });
  assert.equal(refsOf(target)["main"], small);
  assert.equal(refsOf(target)["large"], undefined);
  assert.deepEqual(readdirSync(`${mounted}/repo/tmp`), ["cache"]);
  assert.match(ostree(target.path, "fsck"), /no errors/);
});
