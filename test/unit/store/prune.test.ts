/** What a prune must not take, and what it refuses. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { checksumOf } from "../../../src/codec/ostree/checksum.ts";
import { looseName } from "../../../src/codec/ostree/object-name.ts";
import { indexObjects } from "../../../src/store/list-objects.ts";
import { hasObject, loadCommit, loadDirTree } from "../../../src/store/object-files.ts";
import { listPartial, markPartial } from "../../../src/store/partial-commits.ts";
import { deleteRefs } from "../../../src/store/point-ref.ts";
import { prune } from "../../../src/store/prune/prune.ts";
import { readRef } from "../../../src/store/refs.ts";
import { closeRepository, initRepository, openRepository } from "../../../src/store/repository.ts";
import { sidecarCommitOf } from "../../../src/store/tree/folder-view.ts";
import { commitFiles } from "../../support/histories.ts";
import { newRepository } from "../../support/repositories.ts";
import { atEnd, scratchFolder } from "../../support/scratch.ts";

test("a commit that a cut move of refs is about to name stays", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "bare-user");
  const commit = await commitFiles(repository, scratch, { a: "1" }, { branch: "gone" });
  await deleteRefs(repository, ["gone"]);
  const lines = `main - ${commit}\n`;
  writeFileSync(`${repository.path}/regrow/refs.journal`, `regrow-refs-1 ${checksumOf(Buffer.from(lines))}\n${lines}`);
  await prune(repository, { refsOnly: true });
  assert.equal(readRef(repository, "main"), commit);
  assert.ok(hasObject(repository, "commit", commit));
});

test("a sidecar and what a ref names are refused", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "bare-user");
  const commit = await commitFiles(repository, scratch, { a: "1" });
  for (const named of [commit, sidecarCommitOf(loadCommit(repository, commit))!]) {
    await assert.rejects(prune(repository, { deleteCommits: [named] }), { code: "refused" });
  }
});

test("a whole commit that lacks a folder which a partial one lacks too stops the prune", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "bare-user");
  const partial = await commitFiles(repository, scratch, { "d/a": "1", b: "1" }, { branch: "partial", sidecar: false });
  const whole = await commitFiles(repository, scratch, { "d/a": "1", b: "2" }, { branch: "whole", sidecar: false });
  const folder = loadDirTree(repository, loadCommit(repository, whole).tree).dirs[0]!.tree;
  const file = loadDirTree(repository, folder).files[0]!.checksum;
  rmSync(`${repository.path}/objects/${looseName(folder, "dirtree")}`);
  markPartial(repository, partial);
  await assert.rejects(prune(repository), { code: "not-found" });
  assert.ok(hasObject(repository, "file", file));
});

test("marks of commits that are gone go too", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "bare-user");
  markPartial(repository, checksumOf(Buffer.from("gone")));
  await prune(repository);
  assert.equal(listPartial(repository).size, 0);
});

test("detached metadata goes exactly where its commit is gone, whatever a cut has left", async (t) => {
  const scratch = scratchFolder(t);
  const parent = newRepository(t, `${scratch}/parent`, "bare-user");
  const above = await commitFiles(parent, scratch, { a: "0" });
  initRepository(`${scratch}/repo`, { mode: "bare-user" });
  appendFileSync(`${scratch}/repo/config`, `fsync=false\nparent=${parent.path}\n`);
  const repository = openRepository(`${scratch}/repo`);
  atEnd(t, () => closeRepository(repository));
  const old = await commitFiles(repository, scratch, { a: "1" });
  const tip = await commitFiles(repository, scratch, { a: "2" });
  const lost = checksumOf(Buffer.from("a commit that is gone"));
  for (const commit of [above, old, tip, lost]) {
    const name = `${repository.path}/objects/${looseName(commit, "commitmeta")}`;
    mkdirSync(path.dirname(name), { recursive: true });
    writeFileSync(name, "");
  }
  const planned = await prune(repository, { depth: 0, dryRun: true });
  assert.deepEqual(await prune(repository, { depth: 0 }), planned);
  assert.equal(planned.detachedMetadata, 1);
  assert.deepEqual(indexObjects(repository).commitmeta, new Set([above, old, tip]));
});

test("what ostree mirrors by collection is kept", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "bare-user");
  const old = await commitFiles(repository, scratch, { a: "1" });
  const commit = await commitFiles(repository, scratch, { a: "2" });
  mkdirSync(`${repository.path}/refs/mirrors/org.example.Os/regrow`, { recursive: true });
  renameSync(`${repository.path}/refs/heads/main`, `${repository.path}/refs/mirrors/org.example.Os/main`);
  renameSync(`${repository.path}/refs/heads/regrow/sidecar`, `${repository.path}/refs/mirrors/org.example.Os/regrow/sidecar`);
  const { objects } = await prune(repository, { refsOnly: true });
  assert.deepEqual(objects, { commit: 0, dirtree: 0, dirmeta: 0, file: 0 });
  await assert.rejects(prune(repository, { deleteCommits: [commit] }), {
    code: "refused",
    message: /\(org\.example\.Os, main\)/,
  });
  const { thinnedCommits } = await prune(repository, { depth: 0 });
  const sidecar = sidecarCommitOf(loadCommit(repository, old))!;
  assert.deepEqual(thinnedCommits, [old, sidecar].sort());
});

test("a ref whose commit is missing stops the prune, for what that commit came from would go", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "bare-user");
  const old = await commitFiles(repository, scratch, { a: "1" });
  const tip = await commitFiles(repository, scratch, { a: "2" });
  rmSync(`${repository.path}/objects/${looseName(tip, "commit")}`);
  await assert.rejects(prune(repository, { refsOnly: true }), { code: "corrupt", path: "main" });
  assert.ok(hasObject(repository, "commit", old));
});
