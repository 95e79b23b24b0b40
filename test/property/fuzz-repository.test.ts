/**
 * Damage inside of a repository, read through everything that reads one: only typed errors come out, in bounded time, and
 * nothing but damaged content passes for sound.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { ByteString } from "../../src/base/byte-string.ts";
import { RegrowError } from "../../src/base/errors.ts";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import { diffCommits } from "../../src/store/diff/diff.ts";
import { listTree } from "../../src/store/list-tree.ts";
import { moveRefs } from "../../src/store/move-refs.ts";
import { companionRef, listRefs, readRef } from "../../src/store/refs.ts";
import { initRepository, openRepository, closeRepository, withRepository } from "../../src/store/repository.ts";
import { loadWorkingTree } from "../../src/store/tree/load-working-tree.ts";
import { damagedCopies } from "../support/damage.ts";
import { fastFolder } from "../support/fast-folder.ts";
import { seed, times } from "../support/property.ts";
import { makeVersion } from "../support/repository-judge.ts";
import { tally } from "../support/tally.ts";

interface Stage {
  readonly home: string;
  readonly repository: string;
  readonly first: Checksum;
  readonly second: Checksum;
}

async function stageFor(t: TestContext, mode: "archive" | "bare-user-only" = "archive"): Promise<Stage> {
  const home = mkdtempSync(path.join(fastFolder(), "regrow-fuzz-"));
  t.after(() => rmSync(home, { recursive: true }));
  const repository = `${home}/repo`;
  initRepository(repository, { mode });
  const commits: Checksum[] = [];
  for (const version of [1, 2]) {
    mkdirSync(`${home}/v${version}`);
    makeVersion(`${home}/v${version}`, version);
    const result = await withRepository(repository, (open) =>
      commitTree(open, {
        branch: "main",
        sources: [{ kind: "dir", path: `${home}/v${version}` }],
        canonicalPermissions: true,
        timestamp: 1e9 + version,
      }),
    );
    commits.push(result.commit);
  }
  return { home, repository, first: commits[0]!, second: commits[1]! };
}

const TYPED = ["corrupt", "hostile", "not-found", "unsupported", "exists", "system"];

function assertTyped(error: unknown, what: string): void {
  assert.ok(error instanceof RegrowError, `${what}: ${error instanceof Error ? error.stack : String(error)}`);
  assert.ok(TYPED.includes(error.code), `${what}: ${error.code} ${error.message}`);
}

/** True where all readers got through. */
async function readAll({ home, repository, first, second }: Stage, what: string): Promise<boolean> {
  const readers: ((open: ReturnType<typeof openRepository>) => unknown)[] = [
    (open) => [...listTree(open, second, "" as ByteString, { depth: Infinity })],
    (open) => loadWorkingTree(open, second),
    (open) => diffCommits(open, first, second),
    (open) => checkoutCommit(open, second, `${home}/target`, { workers: 1 }),
  ];
  let isSound = true;
  for (const read of readers) {
    try {
      await withRepository(repository, read);
    } catch (error) {
      assertTyped(error, what);
      isSound = false;
    }
  }
  rmSync(`${home}/target`, { recursive: true, force: true });
  return isSound;
}

function objectFiles(repository: string): string[] {
  return readdirSync(`${repository}/objects`, { recursive: true })
    .map((name) => `${repository}/objects/${String(name)}`)
    .filter((file) => statSync(file).isFile());
}

test("damaged objects", { timeout: times(200_000) }, async (t) => {
  const stage = await stageFor(t);
  const counts: Record<string, { damaged: number; unnoticed: number }> = {};
  let slowest = 0;
  for (const file of objectFiles(stage.repository)) {
    const kind = path.extname(file);
    const whole = readFileSync(file);
    for (const { what, data } of damagedCopies(whole, times(8), file.length)) {
      if (data.equals(whole)) continue;
      writeFileSync(file, data);
      const startedAt = performance.now();
      const isSound = await readAll(stage, `${file}: ${what}`);
      slowest = Math.max(slowest, performance.now() - startedAt);
      const count = (counts[kind] ??= { damaged: 0, unnoticed: 0 });
      count.damaged++;
      if (isSound) count.unnoticed++;
    }
    writeFileSync(file, whole);
  }
  assert.ok(await readAll(stage, "restored"));
  t.diagnostic(`seed ${seed} (FC_SEED), ${JSON.stringify(counts)}, slowest ${slowest.toFixed(0)} ms`);
  // Metadata is compared with its checksum by everyone who reads it; content by who asks for it. The first commit's own objects
  // are read by the comparison alone, and its parts that did not change not even then.
  assert.ok(counts[".filez"]!.unnoticed < counts[".filez"]!.damaged);
  assert.ok(slowest < 10_000);
  tally(
    "damaged inputs",
    "objects",
    Object.values(counts).reduce((sum, { damaged }) => sum + damaged, 0),
  );
});

test("damaged objects never pass a checkout that verifies", { timeout: times(200_000) }, async (t) => {
  const stage = await stageFor(t);
  const before = new Map(objectFiles(stage.repository).map((file) => [file, readFileSync(file)]));
  let refused = 0;
  let harmless = 0;
  await withRepository(stage.repository, (open) => checkoutCommit(open, stage.second, `${stage.home}/sound`, { sidecar: false }));
  const expected = contentsOf(`${stage.home}/sound`);
  for (const [file, whole] of before) {
    if (!file.endsWith(".filez")) continue;
    for (const { what, data } of damagedCopies(whole, times(8), file.length)) {
      if (data.equals(whole)) continue;
      writeFileSync(file, data);
      try {
        await withRepository(stage.repository, (open) =>
          checkoutCommit(open, stage.second, `${stage.home}/target`, { verify: true, sidecar: false, workers: 1 }),
        );
        assert.deepEqual(contentsOf(`${stage.home}/target`), expected, `${file}: ${what}`);
        harmless++;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assertTyped(error, `${file}: ${what}`);
        refused++;
      }
      rmSync(`${stage.home}/target`, { recursive: true, force: true });
    }
    writeFileSync(file, whole);
  }
  t.diagnostic(`seed ${seed} (FC_SEED), ${refused} refused, ${harmless} without consequence (other commits' objects)`);
  tally("damaged inputs", "objects in a checkout", refused + harmless);
  assert.ok(refused > 20);
});

function contentsOf(root: string): [string, string][] {
  return readdirSync(root, { recursive: true, encoding: "latin1" })
    .toSorted()
    .filter((name) => statSync(`${root}/${name}`).isFile())
    .map((name) => [name, readFileSync(`${root}/${name}`, "base64")]);
}

test("damaged refs", async (t) => {
  const { repository, second } = await stageFor(t);
  const file = `${repository}/refs/heads/main`;
  const whole = readFileSync(file);
  let refused = 0;
  for (const { what, data } of damagedCopies(whole, times(200))) {
    writeFileSync(file, data);
    const open = openRepository(repository);
    try {
      for (const read of [() => readRef(open, "main"), () => listRefs(open).find(({ name }) => name === "main")?.commit]) {
        const commit = read();
        assert.match(commit!, /^[0-9a-f]{64}$/, what);
        if (commit !== second) assert.throws(() => loadWorkingTree(open, commit!), { code: "not-found" });
      }
    } catch (error) {
      assertTyped(error, what);
      assert.equal((error as RegrowError).code, "corrupt");
      refused++;
    } finally {
      closeRepository(open);
    }
  }
  assert.ok(refused > 100);
});

test("a damaged journal of refs moves and removes nothing", async (t) => {
  const { repository, first, second } = await stageFor(t);
  const companion = companionRef("main");
  const before = await withRepository(repository, (open) => [readRef(open, "main"), readRef(open, companion)]);
  const journal = await cutJournal(repository, first);
  let refused = 0;
  for (const { what, data } of damagedCopies(journal, times(300))) {
    if (data.equals(journal)) continue;
    writeFileSync(`${repository}/regrow/refs.journal`, data);
    await withRepository(repository, async (open) => {
      await assert.rejects(moveRefs(open, []), { code: "corrupt" }, what);
      assert.deepEqual([readRef(open, "main"), readRef(open, companion)], before, what);
    });
    refused++;
  }
  writeFileSync(`${repository}/regrow/refs.journal`, journal);
  await withRepository(repository, async (open) => {
    await moveRefs(open, []);
    assert.equal(readRef(open, "main"), first);
    assert.equal(readRef(open, companion), second);
  });
  assert.ok(refused > 300);
});

/** What a move of two refs writes before it begins, taken from one that can't end. */
async function cutJournal(repository: string, first: Checksum): Promise<Buffer> {
  const { createHash } = await import("node:crypto");
  const [main, companion] = await withRepository(repository, (open) => [
    readRef(open, "main")!,
    readRef(open, companionRef("main"))!,
  ]);
  const lines = `main ${main} ${first}\n${companionRef("main")} ${companion} ${main}\n`;
  return Buffer.from(`regrow-refs-1 ${createHash("sha256").update(lines).digest("hex")}\n${lines}`);
}

test("a damaged stat cache never changes what is committed", { timeout: times(200_000) }, async (t) => {
  const { home, repository } = await stageFor(t);
  const tree = `${home}/v2`;
  const commit = async (): Promise<{ commit: string; hashed: number }> =>
    withRepository(repository, async (open) => {
      const { commit: checksum, counts } = await commitTree(open, {
        sources: [{ kind: "dir", path: tree }],
        parent: null,
        timestamp: 5,
        canonicalPermissions: true,
        workers: 1,
      });
      return { commit: checksum, hashed: counts.hashed };
    });
  // Old enough that the cache takes them.
  utimesSync(`${tree}/same`, 1e9, 1e9);
  await new Promise((resolve) => setTimeout(resolve, 2200));
  const expected = await commit();
  const again = await commit();
  assert.ok(again.hashed < expected.hashed, `the cache serves: ${again.hashed} of ${expected.hashed} were read again`);
  assert.equal(again.commit, expected.commit);
  const caches = readdirSync(`${repository}/regrow/stat-cache`).map((name) => `${repository}/regrow/stat-cache/${name}`);
  let tried = 0;
  for (const file of caches) {
    const whole = readFileSync(file);
    for (const { what, data } of damagedCopies(whole, times(40), 7)) {
      writeFileSync(file, data);
      assert.equal((await commit()).commit, expected.commit, what);
      tried++;
    }
    for (const nothing of ["folder", "empty"]) {
      rmSync(file);
      if (nothing === "folder") mkdirSync(file);
      else writeFileSync(file, "");
      assert.equal((await commit()).commit, expected.commit, nothing);
      rmSync(file, { recursive: true });
      writeFileSync(file, whole);
    }
  }
  t.diagnostic(`seed ${seed} (FC_SEED), ${tried} damaged caches`);
  tally("damaged inputs", "stat caches", tried);
});
