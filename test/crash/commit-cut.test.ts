/**
 * A commit is stopped before each of its changes in turn, and each of its changes is made to fail in turn. Afterwards the
 * repository is sound, the branch and its companion are both old or both new, and nothing is left behind.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { EXIT } from "../../src/base/exit-codes.ts";
import { commitTree } from "../../src/store/commit.ts";
import { readRef } from "../../src/store/refs.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import {
  assertCompanions,
  assertNoLeftOvers,
  assertRefsResolve,
  judgeByOstree,
  makeVersion,
} from "../support/repository-judge.ts";
import { requires } from "../support/requires.ts";
import { fastFolder } from "../support/fast-folder.ts";
import { type ChildEnd, eachOf, startStore } from "../support/run-child.ts";
import { tally } from "../support/tally.ts";

const isLong = process.env["REGROW_LONG"] === "1";
const MODES = isLong ? (["archive", "bare-user", "bare"] as const) : (["archive"] as const);
const NEEDS = { programs: ["ostree"] } as const;
const home = mkdtempSync(path.join(fastFolder(), "regrow-cut-"));

before(() => {
  for (const version of [1, 2, 3]) {
    mkdirSync(`${home}/v${version}`);
    makeVersion(`${home}/v${version}`, version);
  }
});
after(() => rmSync(home, { recursive: true }));

interface Case {
  readonly mode: (typeof MODES)[number];
  readonly point: number;
  readonly errno?: string;
}

interface Outcome {
  readonly end: ChildEnd;
  readonly isNew: boolean;
}

for (const mode of MODES) {
  test(`a commit in mode ${mode}, cut before each of its changes`, async (t) => {
    if (!requires(t, NEEDS)) return;
    await makeBase(mode);
    const points = await countPoints(mode);
    let old = 0;
    let moved = 0;
    const cases = Array.from({ length: points }, (_, index): Case => ({ mode, point: index + 1 }));
    await eachOf(cases, 2, async (one) => {
      const { end, isNew } = await commitWithFault(one);
      assert.equal(end.signal, "SIGKILL", `${describe(one)} ended with ${end.code}: ${end.stderr}`);
      if (isNew) moved++;
      else old++;
    });
    t.diagnostic(`${points} changes: old ${old}, new ${moved}`);
    assert.ok(old > 0 && moved > 0);
    tally("kill points", "commit", points);
  });

  test(`a commit in mode ${mode}, each of its changes failing`, async (t) => {
    if (!requires(t, NEEDS)) return;
    await makeBase(mode);
    const points = await countPoints(mode);
    let failed = 0;
    let survived = 0;
    await eachOf(faultsAt(mode, points), 2, async (one) => {
      const { end, isNew } = await commitWithFault(one);
      const told = `${describe(one)}: ${end.code}, ${end.stderr}`;
      const [exitCode, message] = one.errno === "EIO" ? [EXIT.failure, /input\/output error/] : [EXIT.noSpace, /no space left/];
      assert.equal(isNew, end.code === EXIT.done, `who is told of a failure finds the old state: ${told}`);
      if (end.code === EXIT.done) survived++;
      else {
        failed++;
        assert.equal(end.code, exitCode, told);
        assert.match(end.stderr, message, told);
      }
    });
    t.diagnostic(`${points} changes: ${failed} failures told, ${survived} without consequence`);
    assert.ok(failed > points / 2);
    tally("failing changes", "commit", failed + survived);
  });
}

/** Each change fails in one way or the other; with REGROW_LONG=1 in both. */
function faultsAt(mode: Case["mode"], points: number): Case[] {
  const errnos = ["EIO", "ENOSPC"];
  return Array.from({ length: points }, (_, index) => index + 1).flatMap((point) =>
    (isLong ? errnos : [errnos[point % 2]!]).map((errno) => ({ mode, point, errno })),
  );
}

/** A repository with one commit, of the first version. */
async function makeBase(mode: Case["mode"]): Promise<void> {
  const base = baseOf(mode);
  rmSync(base, { recursive: true, force: true });
  initRepository(base, { mode });
  await withRepository(base, (repository) =>
    commitTree(repository, { branch: "main", sources: [{ kind: "dir", path: `${home}/v1` }] }),
  );
}

async function countPoints(mode: Case["mode"]): Promise<number> {
  const repository = copyOfBase(mode, "trace");
  const trace = `${home}/trace-${mode}`;
  rmSync(trace, { force: true });
  const { code, stderr } = await commitVersion(repository, { REGROW_FAIL_TRACE: trace });
  assert.equal(code, 0, stderr);
  rmSync(repository, { recursive: true });
  return readFileSync(trace, "utf8").trimEnd().split("\n").length;
}

async function commitWithFault(one: Case): Promise<Outcome> {
  const repository = copyOfBase(one.mode, `${one.point}${one.errno ?? ""}`);
  const fault = one.errno === undefined ? `${one.point}` : `${one.point}:${one.errno}`;
  const end = await commitVersion(repository, { REGROW_FAIL_AT: fault });
  try {
    judgeByOstree(repository);
    await assertRefsResolve(repository);
    const isNew = await nextCommit(repository, tipOf(baseOf(one.mode)));
    judgeByOstree(repository);
    assertNoLeftOvers(repository);
    return { end, isNew };
  } catch (error) {
    throw new Error(`${describe(one)}: ${end.code ?? end.signal} ${end.stderr}`, { cause: error });
  } finally {
    rmSync(repository, { recursive: true });
  }
}

/** The next write, onto another branch; then whether `main` has moved, with its companion or not at all. */
async function nextCommit(path: string, old: Promise<string>): Promise<boolean> {
  return withRepository(path, async (repository) => {
    await commitTree(repository, { branch: "other", sources: [{ kind: "dir", path: `${home}/v3` }], workers: 1 });
    assertCompanions(repository);
    return readRef(repository, "main") !== (await old);
  });
}

function tipOf(path: string): Promise<string> {
  return withRepository(path, (repository) => readRef(repository, "main")!);
}

function commitVersion(repository: string, env: NodeJS.ProcessEnv): Promise<ChildEnd> {
  return startStore(repository, { kind: "commit", path: `${home}/v2`, branches: ["main"] }, env).ended;
}

function copyOfBase(mode: Case["mode"], suffix: string): string {
  const copy = `${home}/repo-${mode}-${suffix}`;
  execFileSync("cp", ["-a", baseOf(mode), copy]);
  return copy;
}

function baseOf(mode: Case["mode"]): string {
  return `${home}/base-${mode}`;
}

function describe({ mode, point, errno }: Case): string {
  return `${mode}, change ${point}${errno === undefined ? "" : ` with ${errno}`}`;
}
