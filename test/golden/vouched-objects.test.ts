/**
 * The stat cache vouches for objects in folders that have not changed since it was written. Whatever happens to the repository
 * in between, a commit that is made with its help is whole; the judge is `ostree fsck`.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { bytesOf } from "../../src/base/byte-string.ts";
import { type CommitResult, commitTree } from "../../src/store/commit.ts";
import { looseName } from "../../src/codec/ostree/object-name.ts";
import { loadCommit, loadDirTree } from "../../src/store/object-files.ts";
import type { Repository } from "../../src/store/repository.ts";
import { readFolderTimes, untouchedFolders } from "../../src/store/scan/object-folders.ts";
import { scanFolder } from "../../src/store/scan/scan-folder.ts";
import { PLAIN_SCAN, scanFingerprint } from "../../src/store/scan/scan-options.ts";
import { loadStatCache } from "../../src/store/scan/stat-cache.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";
import { withTransaction } from "../../src/store/transaction.ts";
import { CWD } from "../../src/sys/open.ts";
import { statAt } from "../../src/sys/stat.ts";
import { startPool } from "../../src/sys/worker-pool.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";

const NEEDS = { programs: ["ostree"] } as const;
const FILES = 1500;
/** Longer than the granularity of a file system's clock. */
const SETTLED = 80;

interface Place {
  readonly repository: Repository;
  readonly tree: string;
}

test("an object that was deleted by hand is stored again, whatever the cache vouches for", async (t) => {
  if (!requires(t, NEEDS)) return;
  const place = await vouchedPlace(t);
  const { path } = place.repository;
  const deleted = objectsOf(path).slice(0, 3);
  assert.equal(deleted.length, 3);
  for (const name of deleted) rmSync(`${path}/objects/${name}`);
  await commit(place);
  ostree(path, "fsck");
  for (const name of deleted) assert.ok(objectsOf(path).includes(name), `${name} is there again`);
});

test("a cache never vouches for what was staged and not published", async (t) => {
  if (!requires(t, NEEDS)) return;
  const place = await vouchedPlace(t);
  for (let index = 0; index < FILES; index++) writeFileSync(`${place.tree}/new${index}`, `new ${index}`);
  await setTimeout(SETTLED);
  const pool = startPool({ workers: 1 });
  t.after(() => pool.close());
  // As a commit that is cut between the scan, which writes the cache, and the publishing.
  await withTransaction(place.repository, undefined, async (transaction) => {
    const { repository } = place;
    const request = { repository, transaction, options: PLAIN_SCAN, pool, observer: {}, useCache: true };
    const { counts } = await scanFolder(CWD, bytesOf(place.tree), request);
    assert.equal(counts.stagedFiles, FILES);
  });
  await setTimeout(SETTLED);
  await commit(place);
  ostree(place.repository.path, "fsck");
});

test("a cache never vouches for what another layer of an abandoned commit had staged", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { repository, tree } = await vouchedPlace(t);
  const layers = ["lower", "upper", "last"].map((name) => `${tree}.${name}`);
  for (const layer of layers) mkdirSync(layer);
  writeFileSync(`${layers[0]}/file`, "in two layers");
  writeFileSync(`${layers[1]}/file`, "in two layers");
  writeFileSync(`${layers[2]}/file`, "in the parent");
  const sources = layers.map((path) => ({ kind: "dir", path }) as const);
  const parent = await commitTree(repository, { sources: sources.slice(2), branch: "layers" });
  await setTimeout(SETTLED);
  // The last layer hides what the others brought, so that nothing has changed and nothing is published.
  const same = await commitTree(repository, { sources, branch: "layers", skipUnchanged: true });
  assert.equal(same.commit, parent.commit);
  await setTimeout(SETTLED);
  await commitTree(repository, { sources: [sources[1]!], branch: "upper" });
  ostree(repository.path, "fsck");
});

test("what the sidecar lacks of a folder with odd names is written again", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { repository, tree } = await vouchedPlace(t);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), "odd");
  const result = await committed({ repository, tree });
  for (let turn = 0; turn < 2; turn++) {
    await setTimeout(SETTLED);
    await commit({ repository, tree });
  }
  const sidecar = loadCommit(repository, sidecarCommitOf(loadCommit(repository, result.commit))!);
  for (const { tree: folder } of loadDirTree(repository, sidecar.tree).dirs)
    rmSync(`${repository.path}/objects/${looseName(folder, "dirtree")}`);
  await commit({ repository, tree });
  ostree(repository.path, "fsck");
});

test("a cache vouches for nothing in a repository whose objects may lie in a parent", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { repository } = await vouchedPlace(t);
  const times = readFolderTimes({ ...repository, parent: repository }, Date.now());
  assert.ok(times.every((time) => time === 0));
});

/** A repository with a commit of a tree, and a stat cache that vouches for most of its objects. */
async function vouchedPlace(t: TestContext): Promise<Place> {
  const scratch = scratchFolder(t);
  const tree = `${scratch}/tree`;
  mkdirSync(tree);
  for (let index = 0; index < FILES; index++) writeFileSync(`${tree}/file${index}`, `content ${index}`);
  const place = { repository: newRepository(t, `${scratch}/repo`, "bare-user"), tree };
  for (let turn = 0; turn < 3; turn++) {
    await setTimeout(SETTLED);
    await commit(place);
  }
  const vouched = vouchedFolders(place);
  assert.ok(vouched > 200, `${vouched} folders are vouched for: or this would test nothing`);
  return place;
}

function vouchedFolders({ repository, tree }: Place): number {
  const cache = loadStatCache(repository, statAt(CWD, bytesOf(tree)), scanFingerprint(PLAIN_SCAN));
  return untouchedFolders(cache?.folders, readFolderTimes(repository, Date.now())).filter(Boolean).length;
}

async function commit(place: Place): Promise<void> {
  await committed(place);
}

function committed({ repository, tree }: Place): Promise<CommitResult> {
  return commitTree(repository, { sources: [{ kind: "dir", path: tree }], branch: "main" });
}

function objectsOf(path: string): string[] {
  return readdirSync(`${path}/objects`).flatMap((folder) =>
    readdirSync(`${path}/objects/${folder}`)
      .filter((name) => name.endsWith(".file"))
      .map((name) => `${folder}/${name}`),
  );
}
