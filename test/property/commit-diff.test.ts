/**
 * The difference of two trees, applied to a copy of the first by a program that knows nothing else, gives the second; it names
 * nothing that is the same; and it is one difference, whether commits or folders are compared. REGROW_LONG=1 tries ten times as many.
 */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { type CommitResult, commitTree } from "../../src/store/commit.ts";
import type { Change } from "../../src/store/diff/change.ts";
import { diffCommitFolder, diffCommits, diffFolders } from "../../src/store/diff/diff.ts";
import type { Repository } from "../../src/store/repository.ts";
import { type DiskFacts, diskFacts, factDifferences } from "../support/disk-facts.ts";
import { run, runText } from "../support/programs.ts";
import {
  CHANGING_KINDS,
  type Counts,
  MAKING_KINDS,
  carryOut,
  missingKinds,
  operations,
  shownCounts,
} from "../support/random-tree.ts";
import { newRepository } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";
import { tally } from "../support/tally.ts";

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
const times = process.env["REGROW_LONG"] === "1" ? 10 : 1;
const applier = path.join(import.meta.dirname, "../support/apply-changes.py");

test("a difference applied to a copy of the first tree gives the second", async (t) => {
  if (!requires(t, { programs: ["python3", "rsync"] })) return;
  const counts: Counts = new Map();
  const runs = 12 * times;
  t.diagnostic(`seed ${seed} (FC_SEED), ${runs} runs`);
  const making = operations(MAKING_KINDS, { minLength: 20, maxLength: 50 });
  const property = fc.asyncProperty(
    making,
    operations(CHANGING_KINDS, { minLength: 15, maxLength: 40 }),
    async (first, changing) => {
      const folder = scratchFolder(t);
      const [before, after, copy] = ["before", "after", "copy"].map((name) => `${folder}/${name}`) as [string, string, string];
      carryOut(before, first, counts);
      for (const name of [after, copy]) run("cp", ["-a", before, name]);
      carryOut(after, changing, counts);
      const repository = newRepository(t, `${folder}/repository`, "archive");
      const [a, b] = [await commitOf(repository, before), await commitOf(repository, after)];
      const { changes } = await diffCommits(repository, a.commit, b.commit);
      assert.deepEqual((await diffCommitFolder(repository, a.commit, after)).changes, changes, "commit and folder");
      assert.deepEqual((await diffFolders(undefined, before, after)).changes, changes, "folders");
      assert.deepEqual((await diffCommits(repository, b.commit, b.commit)).changes, []);
      assert.deepEqual((await diffCommitFolder(repository, a.commit, copy)).changes, [], "a copy");
      assertTrue(changes, diskFacts(before), diskFacts(after));
      for (const change of changes) note(counts, change.kind);

      run("python3", [applier, copy, after], { input: JSON.stringify(changes) });
      assert.deepEqual(factDifferences(diskFacts(after), diskFacts(copy)), []);
      const options = ["-aHAXn", "--delete", "--checksum", "--modify-window=-1", "-i"];
      assert.equal(runText("rsync", [...options, `${after}/`, `${copy}/`]), "");
    },
  );
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
  t.diagnostic(shownCounts(counts));
  assert.deepEqual(missingKinds(counts, [...CHANGING_KINDS, "added", "removed", "modified", "renamed"]), []);
  tally("generated trees", "diff", 2 * runs);
});

test("renames are found: files, whole folders, and what changed in a folder that moved", async (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  const folder = scratchFolder(t);
  const [before, after] = [`${folder}/before`, `${folder}/after`];
  mkdirSync(`${before}/folder/sub`, { recursive: true });
  for (const name of ["file", "other", "folder/one", "folder/sub/two"]) writeFileSync(`${before}/${name}`, `content of ${name}`);
  run("bash", ["-ec", "mkfifo folder/gone; ln folder/one folder/twin; touch -d @1000 folder/* folder/sub . *"], { cwd: before });
  run("cp", ["-a", before, after]);
  renameSync(`${after}/file`, `${after}/folder/moved`);
  renameSync(`${after}/folder`, `${after}/renamed`);
  run("bash", ["-ec", "mv renamed/moved moved; touch -d @1000 renamed ."], { cwd: after });
  assert.deepEqual(await shown(before, after), ["renamed file -> moved", "renamed folder -> renamed"]);
  run(
    "bash",
    ["-ec", "rm renamed/gone; mkfifo renamed/new; touch -d @2000 renamed/sub/two renamed/new moved; touch -d @1000 renamed"],
    { cwd: after },
  );
  assert.deepEqual(await shown(before, after), [
    "removed folder/gone",
    "renamed file -> moved time",
    "renamed folder -> renamed",
    "added renamed/new",
    "modified renamed/sub/two time",
  ]);
  appendFileSync(`${after}/renamed/sub/two`, "more");
  run("touch", ["-d", "@1000", `${after}/renamed/sub/two`]);
  const split = await shown(before, after);
  assert.ok(split.includes("renamed folder/one -> renamed/one") && split.includes("added renamed/sub/two"), split.join("\n"));
  // A copy is no rename, and one file moves to one place.
  run(
    "bash",
    ["-ec", "rm -r ../after; cp -a ../before ../after; cd ../after; cp -a other copy; mv file a; cp -a a b; touch -d @1000 ."],
    { cwd: before },
  );
  assert.deepEqual(await shown(before, after), ["renamed file -> a", "added b", "added copy"]);
});

test("of a link whose target becomes one that is not UTF-8, or back, all that changed is named", async (t) => {
  if (!requires(t, { root: true })) return;
  const folder = scratchFolder(t);
  const [before, after] = [`${folder}/before`, `${folder}/after`];
  const made = 'ln -s "$1" only-target; ln -s "$1" all; ln -s "$1" type; touch -h -d @1000 only-target all type';
  const changed = `chown -h 1:1 all; touch -h -d @2000 all; setfattr -h -n trusted.mark -v x all; rm type; echo > type; touch -d @1000 type`;
  for (const [at, target, work] of [
    [before, "plain", "true"],
    [after, "odd\\377", changed],
  ] as const) {
    mkdirSync(at);
    run("bash", ["-ec", `set -- "$(printf "${target}")"; ${made}; ${work}; touch -d @1000 .`], { cwd: at });
  }
  const all = ["modified all target owner xattrs time", "modified only-target target"];
  assert.deepEqual(await shown(before, after), [...all, "modified type type"]);
  assert.deepEqual(await shown(after, before), [...all, "modified type type"]);
});

async function shown(before: string, after: string): Promise<string[]> {
  const { changes } = await diffFolders(undefined, before, after);
  return changes.map(({ kind, path: name, from, what }) =>
    [kind, ...(from === undefined ? [] : [from, "->"]), name, ...what].join(" "),
  );
}

async function commitOf(repository: Repository, tree: string): Promise<CommitResult> {
  await sleep(60);
  return commitTree(repository, { sources: [{ kind: "dir", path: tree }] });
}

/** What the changes say is so, by the facts of both sides. */
function assertTrue(
  changes: readonly Change[],
  before: ReadonlyMap<string, DiskFacts>,
  after: ReadonlyMap<string, DiskFacts>,
): void {
  for (const change of changes) {
    const [old, now] = [before.get(whereItWas(change, changes)), after.get(change.path)];
    const about = JSON.stringify(change);
    if (change.kind === "added") assert.ok(now !== undefined && !(before.has(change.path) && old!.type === now.type), about);
    else if (change.kind === "removed") assert.ok(old !== undefined, about);
    else assert.ok(old !== undefined && now !== undefined, about);
    if (change.kind !== "modified" || change.what.includes("type")) continue;
    const expected = aspectsOf(old!, now!);
    assert.deepEqual(change.what.filter((aspect) => aspect !== "links").toSorted(), expected.toSorted(), about);
    assert.ok(change.what.length > 0, about);
  }
}

/** What is in a folder that was renamed stood below that folder's old name. */
function whereItWas({ kind, path: name, from }: Change, changes: readonly Change[]): string {
  if (from !== undefined || kind !== "modified") return from ?? name;
  const moved = changes.filter((change) => change.kind === "renamed" && name.startsWith(`${change.path}/`));
  const nearest = moved.toSorted((a, b) => b.path.length - a.path.length)[0];
  return nearest === undefined ? name : nearest.from! + name.slice(nearest.path.length);
}

function aspectsOf(old: DiskFacts, now: DiskFacts): string[] {
  const aspects: string[] = [];
  const differ = (key: keyof DiskFacts): boolean => JSON.stringify(old[key]) !== JSON.stringify(now[key]);
  if (differ("sha256")) aspects.push("content");
  if (differ("target")) aspects.push("target");
  if (differ("mode")) aspects.push("mode");
  if (differ("uid") || differ("gid")) aspects.push("owner");
  if (differ("xattrs")) aspects.push("xattrs");
  if (differ("mtime")) aspects.push("time");
  if (differ("holes")) aspects.push("holes");
  if (differ("device")) aspects.push("device");
  return aspects;
}

function note(counts: Counts, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
