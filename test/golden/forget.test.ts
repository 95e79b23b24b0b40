/**
 * A forgotten path is gone from all history, and nothing else is. The judges: copies made beforehand without the path (rsync), commits
 * made of those very trees, the real ostree, and a search of the whole repository for the secret's bytes.
 */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { rawChecksum } from "../../src/codec/ostree/checksum.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import { forgetPaths } from "../../src/store/forget/forget.ts";
import { checkRepository, isSound } from "../../src/store/fsck/fsck.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import { MERGE_PARENT_KEY, mergeParentOf } from "../../src/store/parents.ts";
import { pointRef } from "../../src/store/point-ref.ts";
import type { Repository } from "../../src/store/repository.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";
import { objectsOf, refsOf } from "../support/histories.ts";
import { makeNastyTree } from "../support/nasty-tree.ts";
import { run, runText, tryRun } from "../support/programs.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";

const SECRET = "correct-horse-battery-staple";
/** A folder with a name that is not UTF-8 in it, a file, a FIFO, the first name of a file, and one of another's later names. */
const PATHS = ["/own/secret", "srv/deep/key", "own/pipe", "own/aaa-first", "own/links/m-later"];

function writeOwn(tree: string): void {
  for (const folder of ["own/secret/deep", "own/links", "own/only-secret", "srv/deep"])
    mkdirSync(`${tree}/${folder}`, { recursive: true });
  for (const name of ["own/secret/deep/key", "srv/deep/key"]) writeFileSync(`${tree}/${name}`, SECRET);
  linkSync(`${tree}/own/secret/deep/key`, `${tree}/own/secret/deep/link`);
  writeFileSync(Buffer.from(`${tree}/own/secret/odd-\xff`, "latin1"), SECRET);
  writeFileSync(Buffer.from(`${tree}/own/odd-\xff`, "latin1"), "kept");
  writeFileSync(`${tree}/own/aaa-first`, "several names");
  for (const name of ["own/links/z", "own/links/b", "srv/x"]) linkSync(`${tree}/own/aaa-first`, `${tree}/${name}`);
  writeFileSync(`${tree}/own/links/a-leader`, "later names");
  linkSync(`${tree}/own/links/a-leader`, `${tree}/own/links/m-later`);
  run("mkfifo", [`${tree}/own/pipe`]);
}

/** Runs `work` while the paths are out of the tree and the times of their folders are as before. */
async function without(tree: string, aside: string, work: () => Promise<void>): Promise<void> {
  const places = PATHS.map((name, index) => ({
    from: path.join(tree, name),
    to: `${aside}/${index}`,
    stamp: `${aside}/stamp-${index}`,
  }));
  mkdirSync(aside, { recursive: true });
  const moved = places.filter(({ from }) => tryRun("test", ["-e", from]).status === 0);
  for (const { from, stamp } of moved) run("touch", ["-r", path.dirname(from), stamp]);
  for (const { from, to } of moved) renameSync(from, to);
  const restore = (): void => {
    for (const { from, stamp } of moved) run("touch", ["-r", stamp, path.dirname(from)]);
  };
  restore();
  await work();
  for (const { from, to } of moved) renameSync(to, from);
  restore();
}

interface Made {
  readonly commit: Checksum;
  /** Made of the tree without the paths. */
  readonly reference: Checksum;
  readonly copy: string;
}

async function makeHistory(scratch: string, repository: Repository, reference: Repository): Promise<Made[]> {
  const tree = `${scratch}/tree`;
  makeNastyTree(tree, { root: true, odd: true, nodes: true, emptyxattr: true, oddtarget: true });
  // It is no part of a commit.
  rmSync(`${tree}/nodes/socket`);
  const made: Made[] = [];
  const add = async (
    subject: string,
    branch = "main",
    metadata: [string, { type: string; value: Buffer }][] = [],
  ): Promise<void> => {
    const timestamp = 1_700_000_000 + made.length;
    const options = { branch, subject, body: `body of ${subject}`, timestamp, workers: 1, useCache: false, metadata };
    const sources = [{ kind: "dir", path: tree }] as const;
    const { commit } = await commitTree(repository, { ...options, sources });
    const copy = `${scratch}/copy-${made.length}`;
    await without(tree, `${scratch}/aside`, async () => {
      const other = await commitTree(reference, { ...options, metadata: [], sources });
      run("rsync", ["-aHAX", `${tree}/`, copy]);
      made.push({ commit, reference: other.commit, copy });
    });
  };
  await add("before");
  writeOwn(tree);
  await add("with");
  writeFileSync(`${tree}/srv/x`, "several names, changed");
  await pointRef(repository, "side", made.at(-1)!.commit);
  await add("aside", "side");
  await add("merge", "main", [[MERGE_PARENT_KEY, { type: "ay", value: rawChecksum(made.at(-1)!.commit) }]]);
  for (const name of PATHS) rmSync(path.join(tree, name), { recursive: true });
  await add("after");
  return made;
}

function differences(a: string, b: string): string {
  return runText("rsync", ["-naHAXi", "--checksum", "--delete", `${a}/`, `${b}/`]);
}

async function forgetAll(t: TestContext, mode: RepositoryMode): Promise<void> {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, mode);
  const reference = newRepository(t, `${scratch}/reference`, mode);
  const made = await makeHistory(scratch, repository, reference);
  await pointRef(repository, "tag/with", made[1]!.commit);
  const [refs, objects] = [refsOf(repository), objectsOf(repository.path)];
  if (mode === "bare") assert.equal(tryRun("grep", ["-rqF", SECRET, repository.path]).status, 0);
  const planned = await forgetPaths(repository, { paths: PATHS, dryRun: true });
  assert.deepEqual([refsOf(repository), objectsOf(repository.path)], [refs, objects], "a dry run changes nothing");
  const report = await forgetPaths(repository, { paths: PATHS });
  assert.deepEqual(report.rewritten, planned.rewritten);
  assert.deepEqual(report.refs, planned.refs);
  const mapped = new Map(report.rewritten.map(({ from, to }) => [from, to]));
  assert.deepEqual(
    made.map(({ commit }) => report.rewritten.find(({ from }) => from === commit)?.hadPath),
    [undefined, true, true, true, false],
  );
  assert.ok(!mapped.has(made[0]!.commit), "what came before stays the very same commit");
  for (const [index, { commit, reference: expected, copy }] of made.entries()) {
    const now = mapped.get(commit) ?? commit;
    const [is, should] = [loadCommit(repository, now), loadCommit(reference, expected)];
    assert.deepEqual(
      [is.tree, is.meta, is.subject, is.body, is.timestamp],
      [should.tree, should.meta, should.subject, should.body, should.timestamp],
    );
    assert.equal(
      loadCommit(repository, sidecarCommitOf(is)!).tree,
      loadCommit(reference, sidecarCommitOf(should)!).tree,
      is.subject,
    );
    await checkoutCommit(repository, now, `${scratch}/out`, { workers: 1, verify: true });
    assert.equal(differences(copy, `${scratch}/out`), "", is.subject);
    rmSync(`${scratch}/out`, { recursive: true });
    const listed = ostree(repository.path, "ls", "-R", now, "/");
    assert.doesNotMatch(listed, / \/(own\/secret|srv\/deep\/key|own\/aaa-first|own\/links\/m-later)/);
    if (index === 3) assert.equal(mergeParentOf(is), mapped.get(made[2]!.commit));
  }
  assert.deepEqual(
    Object.entries(refsOf(repository)).filter(([name]) => !name.startsWith("regrow/")),
    [
      ["main", 4],
      ["side", 2],
      ["tag/with", 1],
    ].map(([name, index]) => [name, mapped.get(made[index as number]!.commit)]),
  );
  assert.match(ostree(repository.path, "fsck"), /no errors/);
  assert.ok(isSound(await checkRepository(repository)));
  assert.equal(ostree(repository.path, "log", "main").match(/^commit /gm)!.length, 4);
  if (mode === "bare") assert.equal(tryRun("grep", ["-rF", SECRET, repository.path]).stdout.toString(), "");
  assert.equal(tryRun("test", ["-e", `${repository.path}/regrow/forgotten`]).status, 1);
  // Nothing more than what the history without them has.
  const kinds = (folder: string): string[] => objectsOf(folder).filter((name) => !name.endsWith(".commit"));
  assert.deepEqual(kinds(repository.path), kinds(reference.path));
  await assert.rejects(forgetPaths(repository, { paths: PATHS }), { code: "not-found" });
}

for (const mode of ["bare", "archive"] as const) {
  test(`a history of mode ${mode} without a path is that of trees without it`, async (t) => {
    if (requires(t, { root: true, programs: ["ostree", "rsync"] })) await forgetAll(t, mode);
  });
}
