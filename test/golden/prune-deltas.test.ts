/** Static deltas that ostree made: a prune takes those whose commit, or its tree, goes, and no other; ostree lists what is left. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { deltaTarget } from "../../src/codec/ostree/delta-name.ts";
import { prune } from "../../src/store/prune/prune.ts";
import { withRepository } from "../../src/store/repository.ts";
import { newOstreeRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";

const NEEDS = { programs: ["ostree"] };

interface Made {
  readonly path: string;
  readonly folder: string;
  readonly first: Checksum;
  readonly second: Checksum;
  readonly other: Checksum;
}

function make(t: TestContext): Made {
  const folder = scratchFolder(t);
  const path = newOstreeRepository(`${folder}/repository`, "archive");
  mkdirSync(`${folder}/tree`);
  const commit = (branch: string, text: string): Checksum => {
    writeFileSync(`${folder}/tree/file`, text);
    return ostree(path, "commit", "-b", branch, "-s", text, `--tree=dir=${folder}/tree`) as Checksum;
  };
  const [first, second, other] = [commit("x", "1"), commit("x", "2"), commit("other", "3")];
  for (const to of [first, second, other]) ostree(path, "static-delta", "generate", "--empty", `--to=${to}`);
  ostree(path, "static-delta", "generate", `--from=${first}`, `--to=${second}`);
  ostree(path, "static-delta", "generate", `--from=${second}`, `--to=${first}`);
  ostree(path, "summary", "-u");
  return { path, folder, first, second, other };
}

test("names of deltas lead to their commits", (t) => {
  if (!requires(t, NEEDS)) return;
  const { path, first, second, other } = make(t);
  const names = readdirSync(`${path}/deltas`).flatMap((at) =>
    readdirSync(`${path}/deltas/${at}`).map((name) => [at, name] as const),
  );
  const found = names.map(([at, name]) => String(deltaTarget(at, name)));
  assert.deepEqual(found.toSorted(), [first, first, second, second, other].toSorted());
  for (const name of ["x", "", `${names[0]![1]}=`, names[0]![1].slice(1)])
    assert.equal(deltaTarget(names[0]![0], name), undefined);
});

test("deltas of a commit that goes, and of one whose tree goes, go too", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { path, folder, first, second, other } = make(t);
  assert.deepEqual(deltas(path), [first, second, other, `${first}-${second}`, `${second}-${first}`].toSorted());
  await withRepository(path, (repository) => prune(repository));
  assert.equal(deltas(path).length, 5, "nothing is gone, so all stay");
  ostree(path, "refs", "--delete", "other");
  // Neither what stands there by another name nor what a link leads to is touched.
  mkdirSync(`${folder}/elsewhere`);
  writeFileSync(`${folder}/elsewhere/superblock`, "");
  mkdirSync(`${path}/deltas/AA`);
  symlinkSync(`${folder}/elsewhere`, `${path}/deltas/AA/${"A".repeat(41)}`);
  writeFileSync(`${path}/deltas/AA/note`, "");
  await withRepository(path, async (repository) => {
    const planned = await prune(repository, { refsOnly: true, depth: 0, dryRun: true });
    assert.deepEqual(await prune(repository, { refsOnly: true, depth: 0 }), planned);
    assert.deepEqual([planned.staticDeltas, planned.deletedCommits, planned.thinnedCommits], [4, [other], [first]]);
  });
  assert.deepEqual(deltas(path), [second, `${first}-${second}`].toSorted());
  assert.ok(existsSync(`${folder}/elsewhere/superblock`) && existsSync(`${path}/deltas/AA/note`));
  assert.equal(existsSync(`${path}/deltas/AA/${"A".repeat(41)}`), false);
  const indexes = readdirSync(`${path}/delta-indexes`).flatMap((at) => readdirSync(`${path}/delta-indexes/${at}`));
  assert.equal(indexes.length, 1);
  ostree(path, "fsck");
  // What is left does what it is for.
  const client = newOstreeRepository(`${folder}/client`, "bare-user");
  ostree(client, "remote", "add", "--no-gpg-verify", "origin", `file://${path}`);
  ostree(path, "summary", "-u");
  ostree(client, "pull", "--require-static-deltas", "origin", "x");
  ostree(client, "fsck");
  assert.equal(ostree(client, "rev-parse", "origin:x"), second);
});

test("deltas of a commit that was removed before, by whomever, go with the next prune", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { path, other } = make(t);
  ostree(path, "refs", "--delete", "other");
  rmSync(`${path}/objects/${other.slice(0, 2)}/${other.slice(2)}.commit`);
  await withRepository(path, (repository) => prune(repository));
  assert.ok(deltas(path).length === 4 && !deltas(path).includes(other));
});

function deltas(path: string): string[] {
  return ostree(path, "static-delta", "list").split("\n").toSorted();
}
