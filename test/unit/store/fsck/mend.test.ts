/** What is removed or fetched is what is bad at that moment, and nothing that makes no sense is taken for good. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Checksum } from "../../../../src/codec/ostree/checksum.ts";
import { encodeCommit } from "../../../../src/codec/ostree/commit.ts";
import { type FsckReport, checkRepository, isSound } from "../../../../src/store/fsck/fsck.ts";
import { holdObjects } from "../../../../src/store/hold-objects.ts";
import { type Repository, openRepository, closeRepository, withRepository } from "../../../../src/store/repository.ts";
import { fastFolder } from "../../../support/fast-folder.ts";
import { commitFiles, objectsOf } from "../../../support/histories.ts";
import { newRepository, ostree } from "../../../support/repositories.ts";
import { rawDirTree } from "../../../support/raw-objects.ts";
import { makeRawRepository } from "../../../support/raw-repository.ts";
import { requires } from "../../../support/requires.ts";
import { scratchFolder } from "../../../support/scratch.ts";

interface Stage {
  readonly scratch: string;
  readonly repository: Repository;
  readonly commit: Checksum;
}

async function stageFor(t: TestContext): Promise<Stage> {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "archive");
  const commit = await commitFiles(repository, scratch, { a: "first\n", "d/b": "second\n" }, { sidecar: false });
  return { scratch, repository, commit };
}

function fileOf(repository: { readonly path: string }, name: string): string {
  return `${repository.path}/objects/${name.slice(0, 2)}/${name.slice(2)}`;
}

function marks(repository: Repository): string[] {
  return readdirSync(`${repository.path}/state`);
}

/** Runs `fsck --delete`; `meanwhile` happens when all has been looked at, and before anything can be removed. */
async function deleteWith(repository: Repository, meanwhile: () => void | Promise<void>): Promise<FsckReport> {
  // Another one's lock: taken by a description of its own, shared, so that looking goes on and removing waits.
  const other = openRepository(repository.path);
  const release = await holdObjects(other, undefined);
  let hasHappened: Promise<void> | undefined;
  const report = await checkRepository(
    repository,
    { workers: 1, delete: true },
    {
      onEvent: (event) => {
        if (event.kind !== "progress" || event.phase !== "check" || event.done !== event.total || hasHappened !== undefined)
          return;
        hasHappened = Promise.resolve(meanwhile()).finally(release);
      },
    },
  );
  await hasHappened;
  closeRepository(other);
  assert.ok(hasHappened !== undefined);
  return report;
}

test("what somebody mends after it was found is not removed", async (t) => {
  const { scratch, repository } = await stageFor(t);
  for (const name of objectsOf(repository.path)) {
    const file = fileOf(repository, name);
    for (const hurt of [() => writeFileSync(file, "damaged"), () => rmSync(file)]) {
      copyFileSync(file, `${scratch}/good`);
      hurt();
      const { bad } = await deleteWith(repository, () => copyFileSync(`${scratch}/good`, file));
      const own = bad.find(({ checksum, kind }) => `${checksum}.${kind}` === name.replace("filez", "file"));
      assert.equal(own?.outcome, "repaired", name);
      assert.deepEqual(readFileSync(file), readFileSync(`${scratch}/good`), name);
      assert.deepEqual(marks(repository), [], name);
    }
  }
  assert.ok(isSound(await checkRepository(repository, { workers: 1 })));
});

test("a commit that was made after the object was found bad is marked too", async (t) => {
  const { scratch, repository, commit } = await stageFor(t);
  const name = objectsOf(repository.path).find((object) => object.endsWith(".filez"))!;
  writeFileSync(fileOf(repository, name), "damaged");
  let later: Checksum | undefined;
  const { bad } = await deleteWith(repository, async () => {
    later = await commitFiles(repository, scratch, { x: "new\n", y: "first\n", z: "second\n" }, { sidecar: false });
  });
  assert.deepEqual(
    bad.map(({ outcome }) => outcome),
    ["deleted"],
  );
  assert.ok(!existsSync(fileOf(repository, name)));
  assert.deepEqual(marks(repository).toSorted(), [commit, later].map((each) => `${each}.commitpartial`).toSorted());
});

test("an object that makes no sense under its own checksum is not repaired by another of the same", async (t) => {
  const scratch = scratchFolder(t);
  const [here, there] = [makeRawRepository(`${scratch}/here`), makeRawRepository(`${scratch}/there`)];
  const bad: readonly (readonly ["commit" | "dirtree" | "dirmeta", Buffer])[] = [
    ["dirtree", rawDirTree(["../up"], [])],
    ["dirtree", Buffer.alloc(1 << 20, 0xff)],
    ["dirtree", Buffer.from([0xff, 0xff, 0xff, 0x7f, 4, 0, 0, 0])],
    ["dirmeta", Buffer.from("short")],
    ["commit", Buffer.from("no commit")],
    ["commit", encodeCommit({ ...PLAIN, metadata: [["regrow.sidecar", { type: "ay", value: Buffer.from("short") }]] })],
    ["commit", encodeCommit({ ...PLAIN, metadata: [["regrow.merge-parent", { type: "ay", value: Buffer.from("short") }]] })],
  ];
  const names = bad.map(([kind, data]) => {
    there.metadata(kind, data);
    return `malformed ${here.metadata(kind, data)}.${kind}`;
  });
  await withRepository(here.path, (repository) =>
    withRepository(there.path, async (repairFrom) => {
      for (const options of [{}, { repairFrom }]) {
        const report = await checkRepository(repository, { workers: 1, ...options });
        const found = report.bad.filter(({ problem }) => problem !== "missing");
        assert.deepEqual(
          found.map(({ problem, checksum, kind }) => `${problem} ${checksum}.${kind}`).toSorted(),
          names.toSorted(),
        );
        assert.ok(found.every(({ outcome }) => outcome === "found"));
      }
      // Missing here, and no better there.
      for (const name of names) rmSync(fileOf(here, name.split(" ")[1]!));
      const root = here.commit(names[0]!.split(" ")[1]!.slice(0, 64) as Checksum);
      const { bad: left } = await checkRepository(repository, { workers: 1, repairFrom });
      assert.deepEqual(
        left.map(({ problem, outcome, commits }) => [problem, outcome, commits]),
        [["missing", "found", [root]]],
      );
    }),
  );
});

const ZEROES = "00".repeat(32) as Checksum;
const PLAIN = { parent: undefined, subject: "", body: "", timestamp: 1, tree: ZEROES, meta: ZEROES };

test("damage far down in very deep folders", async (t) => {
  const home = mkdtempSync(path.join(fastFolder(), "regrow-deep-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const raw = makeRawRepository(`${home}/repo`);
  const lost = raw.file("lost");
  let tree = raw.metadata("dirtree", rawDirTree([{ name: "lost", checksum: lost }], []));
  for (let depth = 0; depth < 12_000; depth++)
    tree = raw.metadata("dirtree", rawDirTree([], [{ name: "d", tree, meta: raw.meta }]));
  const commit = raw.commit(tree);
  writeFileSync(fileOf(raw, `${lost}.filez`), "damaged");
  const { bad } = await withRepository(raw.path, (repository) => checkRepository(repository, { workers: 1 }));
  assert.deepEqual(
    bad.map(({ checksum, commits }) => [checksum, commits]),
    [[lost, [commit]]],
  );
  assert.equal(bad[0]!.path, `${"d/".repeat(12_000)}lost`);
});

test("detached metadata: ostree's own is right; broken or oversized is told and mended", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, repository } = await stageFor(t);
  mkdirSync(`${scratch}/empty`);
  ostree(repository.path, "commit", "-b", "main", "--add-detached-metadata-string=key=value", `${scratch}/empty`);
  const name = objectsOf(repository.path).find((object) => object.endsWith(".commitmeta"))!;
  const commit = name.slice(0, 64) as Checksum;
  const file = fileOf(repository, name);
  const good = readFileSync(file);
  assert.deepEqual((await checkRepository(repository, { workers: 1 })).bad, []);
  const cases: Record<string, () => void> = {
    garbage: () => writeFileSync(file, "garbage"),
    cut: () => writeFileSync(file, good.subarray(0, -1)),
    oversized: () => truncateSync(file, 2 ** 40),
  };
  const from = `${scratch}/from`;
  ostree(from, "init", "--mode=archive");
  ostree(from, "pull-local", repository.path, "main");
  for (const [what, hurt] of Object.entries(cases)) {
    hurt();
    const before = process.memoryUsage.rss();
    const { bad } = await checkRepository(repository, { workers: 1 });
    assert.ok(process.memoryUsage.rss() - before < 100e6, "it is not read into memory");
    assert.deepEqual(
      bad.map(({ kind, checksum, problem, commits, refs }) => [kind, checksum, problem, commits, refs]),
      [["commitmeta", commit, "damaged", [commit], ["main"]]],
      what,
    );
    const mended = await withRepository(from, (repairFrom) => checkRepository(repository, { workers: 1, repairFrom }));
    assert.ok(isSound(mended), what);
    assert.deepEqual(readFileSync(file), good, what);
    hurt();
    const { bad: gone } = await checkRepository(repository, { workers: 1, delete: true });
    assert.deepEqual(
      gone.map(({ outcome }) => outcome),
      ["deleted"],
      what,
    );
    assert.deepEqual([existsSync(file), marks(repository)], [false, []], what);
    assert.match(ostree(repository.path, "fsck"), /no errors/);
    writeFileSync(file, good);
  }
});
