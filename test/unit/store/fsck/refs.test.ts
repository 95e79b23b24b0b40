/** Refs that lead nowhere, out, or to what is no commit, and sidecars that ostree's prune would take. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { Checksum } from "../../../../src/codec/ostree/checksum.ts";
import { checkRepository } from "../../../../src/store/fsck/fsck.ts";
import type { Repository } from "../../../../src/store/repository.ts";
import { commitFiles, objectsOf } from "../../../support/histories.ts";
import { run } from "../../../support/programs.ts";
import { newRepository, ostree } from "../../../support/repositories.ts";
import { requires } from "../../../support/requires.ts";
import { scratchFolder } from "../../../support/scratch.ts";

interface Stage {
  readonly scratch: string;
  readonly repository: Repository;
  readonly first: Checksum;
  readonly second: Checksum;
}

async function stageFor(t: TestContext): Promise<Stage> {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "archive");
  const first = await commitFiles(repository, scratch, { a: "1" });
  const second = await commitFiles(repository, scratch, { a: "2" });
  return { scratch, repository, first, second };
}

async function badRefs(repository: Repository): Promise<string[]> {
  const report = await checkRepository(repository, { workers: 1 });
  return report.badRefs.map(({ name, reason }) => `${name}: ${reason}`);
}

test("refs of every kind that lead nowhere are told, and none that lead somewhere", { timeout: 60_000 }, async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, repository, second } = await stageFor(t);
  const refs = `${repository.path}/refs`;
  ostree(repository.path, "refs", "--alias", "--create=folder/alias", "main");
  mkdirSync(`${refs}/mirrors/org.example.Os`, { recursive: true });
  writeFileSync(`${refs}/mirrors/org.example.Os/main`, `${second}\n`);
  assert.deepEqual(await badRefs(repository), []);

  const tree = objectsOf(repository.path)
    .find((name) => name.endsWith(".dirtree"))!
    .slice(0, 64);
  writeFileSync(`${refs}/heads/to-a-tree`, `${tree}\n`);
  writeFileSync(`${refs}/mirrors/org.example.Os/gone`, `${"ab".repeat(32)}\n`);
  writeFileSync(`${refs}/heads/empty`, "");
  writeFileSync(`${refs}/heads/huge`, Buffer.alloc(1 << 20, 0x61));
  writeFileSync(`${scratch}/outside`, `${second}\n`);
  symlinkSync("gone", `${refs}/heads/dangling`);
  symlinkSync("circle", `${refs}/heads/circle`);
  symlinkSync("folder", `${refs}/heads/to-a-folder`);
  symlinkSync(`${scratch}/outside`, `${refs}/heads/absolute`);
  symlinkSync("../../../outside", `${refs}/heads/climbing`);
  run("mkfifo", [`${refs}/heads/fifo`]);
  const found = (await badRefs(repository)).map((line) => line.replace(scratch, "SCRATCH")).toSorted();
  assert.deepEqual(found, [
    `(org.example.Os, gone): it names the commit ${"ab".repeat(32)}, which is missing`,
    "absolute: it is a link that leads out of refs/, to SCRATCH/outside",
    "circle: it is a link to a ref that is not there",
    "climbing: it is a link that leads out of refs/, to ../../../outside",
    "dangling: it is a link to a ref that is not there",
    "empty: it holds no checksum",
    "fifo: it is no regular file",
    "huge: it holds no checksum",
    "to-a-folder: it is a link to a ref that is not there",
    `to-a-tree: it names the commit ${tree}, which is missing`,
  ]);
});

test("a sidecar is told of exactly where ostree's prune would remove it", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { repository, first, second } = await stageFor(t);
  const companion = `${repository.path}/refs/heads/regrow/sidecar/main`;
  const newest = readFileSync(companion, "utf8").trim();
  const oldest = ostree(repository.path, "log", newest)
    .match(/^commit ([0-9a-f]{64})$/gm)!
    .at(-1)!
    .slice(7);
  assert.notEqual(newest, oldest);
  // The tag of an older commit has no companion of its own, and needs none; nor does what ostree commits on top.
  ostree(repository.path, "refs", "--create=old", first);
  assert.deepEqual(await badRefs(repository), []);
  writeFileSync(companion, `${oldest}\n`);
  const [wrong, ...more] = await badRefs(repository);
  assert.match(wrong!, new RegExp(`^main: no companion ref leads to ${newest}`));
  assert.deepEqual(more, []);
  rmSync(companion);
  assert.equal((await badRefs(repository)).length, 2);
  ostree(repository.path, "prune", "--refs-only");
  const left = objectsOf(repository.path);
  assert.ok(!left.includes(`${newest}.commit`) && !left.includes(`${oldest}.commit`) && left.includes(`${second}.commit`));
  // Without its sidecar a commit is as good, just plainer.
  assert.deepEqual(await badRefs(repository), []);
});
