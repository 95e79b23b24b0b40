/** A commit is killed at random moments, again and again in the same repository, which stays sound all the while. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { commitTree } from "../../src/store/commit.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import { readRef } from "../../src/store/refs.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import { fastFolder } from "../support/fast-folder.ts";
import { randomSource, seed } from "../support/property.ts";
import { assertCompanions, assertNoLeftOvers, assertRefsResolve, judgeByOstree } from "../support/repository-judge.ts";
import { requires } from "../support/requires.ts";
import { startStore } from "../support/run-child.ts";
import { tally } from "../support/tally.ts";

const KILLS = process.env["REGROW_LONG"] === "1" ? 200 : 60;
const FILES = 600;

test(`${KILLS} commits, each killed at a random moment`, async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const home = mkdtempSync(path.join(fastFolder(), "regrow-killed-"));
  t.after(() => rmSync(home, { recursive: true }));
  const repository = `${home}/repo`;
  initRepository(repository, { mode: "archive" });
  const random = randomSource(60);
  let usual = await usualTime(home, repository);
  let inside = 0;
  let moved = 0;
  for (let round = 0; round < KILLS; round++) {
    writeTree(`${home}/tree`, round);
    const before = await tipOf(repository);
    const child = startStore(repository, { kind: "commit", path: `${home}/tree`, branches: ["main"], subject: `round ${round}` });
    await child.begun;
    await sleep(random(Math.ceil(usual)));
    child.process.kill("SIGKILL");
    const { signal, stderr } = await child.ended;
    if (signal === "SIGKILL") inside++;
    else assert.equal(stderr, "");
    // How long a commit takes depends on what else the machine does by now.
    usual *= signal === "SIGKILL" ? 1.02 : 0.85;
    judgeByOstree(repository);
    await assertRefsResolve(repository);
    const tip = await tipOf(repository);
    if (tip !== before) moved++;
    if (tip !== before) assert.equal(await parentOf(repository, tip!), before);
  }
  t.diagnostic(
    `seed ${seed} (FC_SEED), a commit takes at last ${usual.toFixed(0)} ms, ${inside} of ${KILLS} killed inside, ${moved} had moved the branch`,
  );
  assert.ok(inside >= KILLS * 0.8);
  await withRepository(repository, async (open) => {
    await commitTree(open, { branch: "last", sources: [{ kind: "dir", path: `${home}/tree` }], workers: 1 });
    assertCompanions(open);
  });
  assertNoLeftOvers(repository);
  judgeByOstree(repository);
  tally("random kills", "commit", KILLS);
  tally("random kills inside", "commit", inside);
});

/** Milliseconds from a commit's begin to its end. */
async function usualTime(home: string, repository: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    writeTree(`${home}/tree`, -1 - round);
    const child = startStore(repository, { kind: "commit", path: `${home}/tree`, branches: ["main"] });
    await child.begun;
    const startedAt = performance.now();
    const { code, stderr } = await child.ended;
    assert.equal(code, 0, stderr);
    times.push(performance.now() - startedAt);
  }
  return Math.min(...times);
}

function writeTree(root: string, round: number): void {
  for (let number = 0; number < FILES; number++) {
    const folder = `${root}/${number % 20}`;
    if (number < 20) mkdirSync(folder, { recursive: true });
    // A third changes from round to round.
    writeFileSync(`${folder}/file${number}`, `${number} ${number % 3 === 0 ? round : 0}\n`.repeat(50));
  }
}

function tipOf(repository: string): Promise<string | undefined> {
  return withRepository(repository, (open) => readRef(open, "main"));
}

function parentOf(repository: string, commit: string): Promise<string | undefined> {
  return withRepository(repository, (open) => loadCommit(open, commit as never).parent);
}
