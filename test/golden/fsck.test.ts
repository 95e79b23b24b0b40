/** Damaged repositories of all modes: regrow and ostree agree on which are sound, and what regrow mends is sound for ostree. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { objectText, type ObjectName } from "../../src/codec/ostree/object-name.ts";
import { type FsckReport, checkRepository, isSound } from "../../src/store/fsck/fsck.ts";
import { loadCommit, loadDirTree, objectFile } from "../../src/store/object-files.ts";
import { repositorySource } from "../../src/store/pull/object-source.ts";
import { pull } from "../../src/store/pull/pull.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { type Repository, withRepository } from "../../src/store/repository.ts";
import { commitFiles } from "../support/histories.ts";
import { run } from "../support/programs.ts";
import { MODES, newRepository, ostree, tryOstree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";

interface Stage {
  readonly scratch: string;
  readonly repository: Repository;
  /** The same commits in a repository of another mode. */
  readonly source: Repository;
  /** The older one first. */
  readonly commits: readonly [Checksum, Checksum];
}

type Hurt = (file: string) => void;

interface Case {
  readonly what: string;
  readonly hurt: Hurt;
  readonly object: (stage: Stage) => ObjectName;
  /** Where it stands in the newer commit. */
  readonly path: string | undefined;
  /** How many of the two commits hold it. */
  readonly holders: 1 | 2;
}

const flip: Hurt = (file) => {
  const data = readFileSync(file);
  data[data.length >> 1]! ^= 0x10;
  // Into the same file, whose owner and attributes belong to the object.
  writeFileSync(file, data);
};

const cut: Hurt = (file) => truncateSync(file, readFileSync(file).length >> 1);

const CASES: readonly Case[] = [
  { what: "a flipped byte of content", hurt: flip, object: inEtc("hostname"), path: "etc/hostname", holders: 1 },
  { what: "a flipped byte of a dirtree", hurt: flip, object: etc, path: "etc", holders: 1 },
  { what: "a flipped byte of a dirmeta", hurt: flip, object: rootMeta, path: "", holders: 2 },
  { what: "a flipped byte of a commit", hurt: flip, object: tip, path: "", holders: 1 },
  { what: "cut content", hurt: cut, object: inEtc("same"), path: "etc/same", holders: 2 },
  { what: "a cut dirtree", hurt: cut, object: etc, path: "etc", holders: 1 },
  { what: "missing content", hurt: rmSync, object: inEtc("same"), path: "etc/same", holders: 2 },
  { what: "a missing dirtree", hurt: rmSync, object: etc, path: "etc", holders: 1 },
  { what: "a missing commit that a branch names", hurt: rmSync, object: tip, path: "", holders: 1 },
];

function inEtc(name: string): (stage: Stage) => ObjectName {
  return (stage) => {
    const tree = loadDirTree(stage.repository, etc(stage).checksum);
    return { kind: "file", checksum: tree.files.find((file) => file.name === name)!.checksum };
  };
}

function etc({ repository, commits }: Stage): ObjectName {
  const root = loadDirTree(repository, loadCommit(repository, commits[1]).tree);
  return { kind: "dirtree", checksum: root.dirs.find(({ name }) => name === "etc")!.tree };
}

function rootMeta({ repository, commits }: Stage): ObjectName {
  return { kind: "dirmeta", checksum: loadCommit(repository, commits[1]).meta };
}

function tip({ commits }: Stage): ObjectName {
  return { kind: "commit", checksum: commits[1] };
}

async function prepare(t: TestContext, mode: RepositoryMode): Promise<Stage> {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, mode);
  const first = await commitFiles(repository, scratch, { "etc/hostname": "alder\n", "etc/same": "same old content\n", run: "x" });
  const second = await commitFiles(repository, scratch, {
    "etc/hostname": "birch\n",
    "etc/same": "same old content\n",
    run: "x",
  });
  const source = newRepository(t, `${scratch}/source`, mode === "archive" ? "bare-user" : "archive");
  await pull(source, repositorySource(repository), { workers: 1, depth: -1 });
  return { scratch, repository, source, commits: [first, second] };
}

/** A copy of a repository with one object hurt. */
function damaged(from: Repository, to: string, object: ObjectName, hurt: Hurt): string {
  rmSync(to, { recursive: true, force: true });
  run("cp", ["-a", from.path, to]);
  const file = `${to}/objects/${objectFile(from, object.kind, object.checksum)}`;
  chmodSync(file, 0o644);
  hurt(file);
  return to;
}

function ostreeFinds(path: string): boolean {
  return tryOstree({}, path, "fsck").status !== 0;
}

function assertNamed(report: FsckReport, object: ObjectName, { what, path, holders, hurt }: Case, { commits }: Stage): void {
  const found = report.bad.find((bad) => objectText(bad) === objectText(object));
  assert.ok(found, `${what}: ${JSON.stringify(report)}`);
  assert.equal(found.problem, hurt === rmSync ? "missing" : "damaged", what);
  // The dirmeta may be that of a sidecar too.
  assert.deepEqual(
    found.commits.filter((commit) => commits.includes(commit)),
    commits.slice(2 - holders).sort(),
    what,
  );
  assert.ok(found.refs.includes("main"), `${what}: refs ${found.refs.join(" ")}`);
  assert.equal(found.path, path, what);
}

for (const mode of MODES) {
  test(`regrow and ostree agree on what is damaged, and regrow mends it: ${mode}`, async (t) => {
    if (!requires(t, { root: mode === "bare", programs: ["ostree"] })) return;
    const stage = await prepare(t, mode);
    const clean = await checkRepository(stage.repository, { workers: 1 });
    assert.deepEqual([clean.bad, clean.badRefs, clean.commits], [[], [], 4]);
    assert.ok(!ostreeFinds(stage.repository.path));
    for (const known of CASES) {
      const { what, hurt, holders } = known;
      const object = known.object(stage);
      const path = damaged(stage.repository, `${stage.scratch}/hurt`, object, hurt);
      // By turns before and after ostree's, which marks commits that lack an object.
      if (holders === 1) assert.ok(ostreeFinds(path), `ostree finds ${what}`);
      await withRepository(path, async (repository) => {
        const report = await checkRepository(repository, { workers: 1 });
        assert.ok(!isSound(report), what);
        assertNamed(report, object, known, stage);
        if (holders === 2) assert.ok(ostreeFinds(path), `ostree finds ${what}`);
        const mended = await checkRepository(repository, { workers: 1, repairFrom: stage.source });
        assert.ok(isSound(mended), `${what}: ${JSON.stringify(mended)}`);
        assert.ok(isSound(await checkRepository(repository, { quick: true })), what);
      });
      assert.match(ostree(path, "fsck"), /no errors/, what);
      assert.deepEqual(readdirSync(`${path}/tmp`), ["cache"], what);
    }
  });
}

for (const mode of ["bare", "archive"] as const) {
  test(`what is removed leaves the marks that ostree's own removal leaves: ${mode}`, async (t) => {
    if (!requires(t, { root: mode === "bare", programs: ["ostree"] })) return;
    const stage = await prepare(t, mode);
    for (const { what, hurt, object } of CASES.filter((known) => known.object !== tip && known.hurt !== cut)) {
      const path = damaged(stage.repository, `${stage.scratch}/hurt`, object(stage), hurt);
      const judge = damaged(stage.repository, `${stage.scratch}/judge`, object(stage), hurt);
      tryOstree({}, judge, "fsck", "--delete");
      await withRepository(path, async (repository) => {
        const { bad } = await checkRepository(repository, { workers: 1, delete: true });
        assert.ok(
          bad.every(({ outcome }) => outcome === "deleted"),
          what,
        );
        const left = await checkRepository(repository, { workers: 1 });
        assert.ok(left.bad.length > 0 && left.bad.every(({ problem }) => problem === "missing"), what);
      });
      const { status, stderr } = tryOstree({}, path, "fsck");
      // It is no object that ostree misses, but the marks alone, and it says so until they are gone.
      assert.match(stderr, /^error: \d partial commits from fsck-detected corruption\n$/, what);
      // Where a folder is damaged ostree gives up before it removes anything.
      if (object(stage).kind === "file") {
        assert.deepEqual(marks(path), marks(judge), what);
        const theirs = tryOstree({}, judge, "fsck");
        assert.deepEqual([status, stderr], [theirs.status, theirs.stderr], what);
      }
      await withRepository(path, (repository) => checkRepository(repository, { workers: 1, repairFrom: stage.source }));
      assert.deepEqual(marks(path), {}, what);
      assert.match(ostree(path, "fsck"), /no errors/, `${what}, repaired`);
    }
  });
}

function marks(path: string): Record<string, string> {
  return Object.fromEntries(readdirSync(`${path}/state`).map((name) => [name, readFileSync(`${path}/state/${name}`, "latin1")]));
}

test("a damaged object of the other repository is not taken", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const stage = await prepare(t, "bare-user");
  for (const { what, hurt, object } of CASES) {
    const path = damaged(stage.repository, `${stage.scratch}/hurt`, object(stage), hurt);
    const source = damaged(stage.source, `${stage.scratch}/bad-source`, object(stage), hurt);
    await withRepository(path, (repository) =>
      withRepository(source, async (repairFrom) => {
        const report = await checkRepository(repository, { workers: 1, repairFrom });
        assert.equal(report.bad.find((bad) => objectText(bad) === objectText(object(stage)))?.outcome, "found", what);
        assert.ok(!isSound(report), what);
      }),
    );
    assert.ok(ostreeFinds(path), what);
    assert.deepEqual(readdirSync(`${path}/tmp`), ["cache"], what);
  }
});

test("what is missing below a missing folder is mended too", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const stage = await prepare(t, "bare-user");
  const { path } = stage.repository;
  for (const object of [inEtc("hostname"), etc, tip].map((find) => find(stage)))
    rmSync(`${path}/objects/${objectFile(stage.repository, object.kind, object.checksum)}`);
  const report = await checkRepository(stage.repository, { workers: 1, repairFrom: stage.source });
  assert.ok(isSound(report), JSON.stringify(report));
  assert.deepEqual(report.bad.map(({ kind, outcome }) => `${kind} ${outcome}`).sort(), [
    "commit repaired",
    "dirtree repaired",
    "file repaired",
  ]);
  assert.match(ostree(path, "fsck"), /no errors/);
});
