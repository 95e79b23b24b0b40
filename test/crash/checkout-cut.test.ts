/**
 * A checkout is stopped before each of its changes in turn, and each of them is made to fail. Under the target's name stands
 * nothing or the whole tree; what failed is told and leaves nothing; in a union, each file is the old or the new one. The next
 * checkout to that name removes what the one that was killed has left.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { EXIT } from "../../src/base/exit-codes.ts";
import { type CheckoutOptions, checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import { fastFolder } from "../support/fast-folder.ts";
import { makeVersion } from "../support/repository-judge.ts";
import { type ChildEnd, eachOf, startStore } from "../support/run-child.ts";
import { type FileFacts, treeFacts } from "../support/tree-facts.ts";
import { tally } from "../support/tally.ts";

const isLong = process.env["REGROW_LONG"] === "1";

interface Stage {
  readonly home: string;
  readonly expected: Map<string, FileFacts>;
}

async function stageFor(t: TestContext): Promise<Stage> {
  const home = mkdtempSync(path.join(fastFolder(), "regrow-checkout-cut-"));
  t.after(() => rmSync(home, { recursive: true }));
  initRepository(`${home}/repo`, { mode: "archive" });
  mkdirSync(`${home}/tree`);
  makeVersion(`${home}/tree`, 2);
  await withRepository(`${home}/repo`, async (open) => {
    const { commit } = await commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] });
    await checkoutCommit(open, commit, `${home}/expected`);
  });
  return { home, expected: treeFacts(`${home}/expected`) };
}

function checkOut({ home }: Stage, target: string, env: NodeJS.ProcessEnv, options: CheckoutOptions = {}): Promise<ChildEnd> {
  return startStore(`${home}/repo`, { kind: "checkout", revision: "main", target, options }, env).ended;
}

async function countPoints(stage: Stage, options: CheckoutOptions, prepare: (target: string) => void): Promise<number> {
  const trace = `${stage.home}/trace`;
  const target = `${stage.home}/traced/target`;
  mkdirSync(`${stage.home}/traced`);
  prepare(target);
  const { code, stderr } = await checkOut(stage, target, { REGROW_FAIL_TRACE: trace }, options);
  assert.equal(code, 0, stderr);
  return readFileSync(trace, "utf8").trimEnd().split("\n").length;
}

function eachPoint(stage: Stage, points: number, work: (point: number, folder: string) => Promise<void>): Promise<void> {
  const all = Array.from({ length: points }, (_, index) => index + 1);
  return eachOf(all, 2, async (point) => {
    const folder = `${stage.home}/at-${point}`;
    mkdirSync(folder);
    await work(point, folder);
    rmSync(folder, { recursive: true });
  });
}

test("a new folder: cut before each change", async (t) => {
  const stage = await stageFor(t);
  const points = await countPoints(stage, { durable: true }, () => {});
  await eachPoint(stage, points, async (point, folder) => {
    const { signal } = await checkOut(stage, `${folder}/target`, { REGROW_FAIL_AT: `${point}` }, { durable: true });
    assert.equal(signal, "SIGKILL", `change ${point}`);
    const left = readdirSync(folder).filter((name) => !name.endsWith(".partial"));
    if (left.length > 0) {
      assert.deepEqual(treeFacts(`${folder}/target`), stage.expected, `change ${point}`);
      renameSync(`${folder}/target`, `${folder}/complete`);
    }
    const again = await checkOut(stage, `${folder}/target`, {});
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name !== "complete"),
      ["target"],
      `change ${point}: a left-over was not removed`,
    );
    assert.deepEqual(treeFacts(`${folder}/target`), stage.expected, `change ${point}`);
  });
  t.diagnostic(`${points} changes`);
  tally("kill points", "checkout", points);
});

test("a new folder: each change fails", async (t) => {
  const stage = await stageFor(t);
  const points = await countPoints(stage, {}, () => {});
  let survived = 0;
  await eachPoint(stage, points, async (point, folder) => {
    for (const errno of isLong ? ["EIO", "ENOSPC"] : [point % 2 === 0 ? "EIO" : "ENOSPC"]) {
      const { code, stderr } = await checkOut(stage, `${folder}/target`, { REGROW_FAIL_AT: `${point}:${errno}` });
      if (code === 0) {
        survived++;
        assert.deepEqual(treeFacts(`${folder}/target`), stage.expected);
        rmSync(`${folder}/target`, { recursive: true });
        continue;
      }
      assert.equal(code, errno === "EIO" ? EXIT.failure : EXIT.noSpace, `change ${point}: ${stderr}`);
      assert.deepEqual(readdirSync(folder), [], `change ${point}: ${stderr}`);
    }
  });
  t.diagnostic(`${points} changes, ${survived} without consequence`);
  tally("failing changes", "checkout", points * (isLong ? 2 : 1));
});

test("a union: cut before each change, every file is the old or the new one", async (t) => {
  const stage = await stageFor(t);
  const prepare = (target: string): void => {
    mkdirSync(`${target}/folder`, { recursive: true });
    writeFileSync(`${target}/changes`, "old\n");
    writeFileSync(`${target}/folder/file`, "old\n");
    writeFileSync(`${target}/mine`, "mine\n");
  };
  const points = await countPoints(stage, { union: true }, prepare);
  await eachPoint(stage, points, async (point, folder) => {
    const target = `${folder}/target`;
    prepare(target);
    const { signal, stderr } = await checkOut(stage, target, { REGROW_FAIL_AT: `${point}` }, { union: true });
    assert.equal(signal, "SIGKILL", `change ${point}: ${stderr}`);
    for (const [name, known] of [
      ["changes", "version 2\n"],
      ["folder/file", "below, 2\n"],
    ] as const) {
      const content = readFileSync(`${target}/${name}`, "utf8");
      assert.ok(content === "old\n" || content === known, `change ${point}, ${name}: ${content}`);
    }
    assert.equal(readFileSync(`${target}/mine`, "utf8"), "mine\n");
    const again = await checkOut(stage, target, {}, { union: true });
    assert.equal(again.code, 0, again.stderr);
    const facts = treeFacts(target);
    const unfinished = [...facts.keys()].filter((name) => name.includes(".regrow-new-"));
    assert.deepEqual(unfinished, [], `change ${point}: a left-over was not removed`);
    for (const [name, fact] of stage.expected) {
      if (fact.type === "file") assert.equal(facts.get(name)?.sha256, fact.sha256, `change ${point}, ${name}`);
    }
  });
  t.diagnostic(`${points} changes`);
  tally("kill points", "checkout into a folder", points);
});
