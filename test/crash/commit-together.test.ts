/** Many processes commit into one repository at once: no commit is lost, none is half, and nothing is left behind. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { loadCommit } from "../../src/store/object-files.ts";
import { readRef } from "../../src/store/refs.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import { fastFolder } from "../support/fast-folder.ts";
import {
  assertCompanions,
  assertNoLeftOvers,
  assertRefsResolve,
  judgeByOstree,
  makeVersion,
} from "../support/repository-judge.ts";
import { requires } from "../support/requires.ts";
import { startStore } from "../support/run-child.ts";

const PROCESSES = 8;
const ROUNDS = 5;

function makeHome(t: TestContext): string {
  const home = mkdtempSync(path.join(fastFolder(), "regrow-together-"));
  t.after(() => rmSync(home, { recursive: true }));
  initRepository(`${home}/repo`, { mode: "archive" });
  for (let number = 0; number < PROCESSES; number++) {
    mkdirSync(`${home}/tree${number}`);
    makeVersion(`${home}/tree${number}`, number);
  }
  return home;
}

async function commitAtOnce(home: string, branchesOf: (number: number) => readonly string[]): Promise<string[]> {
  const ends = await Promise.all(
    Array.from({ length: PROCESSES }, (_, number) => {
      const work = {
        kind: "commit",
        path: `${home}/tree${number}`,
        branches: branchesOf(number),
        subject: `process ${number}`,
      } as const;
      return startStore(`${home}/repo`, work).ended;
    }),
  );
  return ends.flatMap(({ code, stdout, stderr }) => {
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as string[];
  });
}

async function historyOf(repository: string, branch: string): Promise<string[]> {
  return withRepository(repository, (open) => {
    const history: string[] = [];
    for (let at = readRef(open, branch); at !== undefined; at = loadCommit(open, at).parent) history.push(at);
    return history;
  });
}

async function assertSound(repository: string): Promise<void> {
  judgeByOstree(repository);
  await assertRefsResolve(repository);
  await withRepository(repository, assertCompanions);
  assertNoLeftOvers(repository);
}

test("onto the same branch: every commit is in its history", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const home = makeHome(t);
  const made = await commitAtOnce(home, () => Array.from({ length: ROUNDS }, () => "shared"));
  assert.equal(new Set(made).size, PROCESSES * ROUNDS);
  assert.deepEqual((await historyOf(`${home}/repo`, "shared")).toSorted(), made.toSorted());
  await assertSound(`${home}/repo`);
});

test("onto branches of their own, beside one that all share", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const home = makeHome(t);
  const made = await commitAtOnce(home, (number) => [`own/${number}`, "shared", `own/${number}`]);
  assert.equal((await historyOf(`${home}/repo`, "shared")).length, PROCESSES);
  for (let number = 0; number < PROCESSES; number++) {
    const own = await historyOf(`${home}/repo`, `own/${number}`);
    assert.deepEqual(own, [made[number * 3 + 2], made[number * 3]]);
  }
  await assertSound(`${home}/repo`);
});

test("beside ostree, which commits onto branches of its own", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const home = makeHome(t);
  rmSync(`${home}/tree0`, { recursive: true });
  mkdirSync(`${home}/tree0`);
  let made = 0;
  const regrow = commitAtOnce(home, () => ["shared", "shared"]);
  // It shares the repository's lock and would not begin while somebody holds it alone.
  const ostree = async (): Promise<void> => {
    for (; made < 10; made++) {
      execFileSync("ostree", ["commit", `--repo=${home}/repo`, "-b", `theirs/${made}`, "--no-xattrs", `${home}/tree0`], {
        stdio: "pipe",
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await Promise.all([regrow, ostree()]);
  judgeByOstree(`${home}/repo`);
  await assertRefsResolve(`${home}/repo`);
  assert.equal((await historyOf(`${home}/repo`, "shared")).length, PROCESSES * 2);
});

test("refs that can't stand beside each other: one of the two is refused, and nobody is stuck", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const home = makeHome(t);
  const ends = await Promise.all(
    ["a", "a/b"].map((branch) => startStore(`${home}/repo`, { kind: "commit", path: `${home}/tree1`, branches: [branch] }).ended),
  );
  assert.deepEqual(ends.map(({ code }) => `${code}`).toSorted(), ["0", "14"], ends.map(({ stderr }) => stderr).join());
  const { code, stderr } = await startStore(`${home}/repo`, { kind: "commit", path: `${home}/tree1`, branches: ["c"] }).ended;
  assert.equal(code, 0, stderr);
  await assertSound(`${home}/repo`);
});
