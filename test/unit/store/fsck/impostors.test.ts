/** What is no regular file in an object's place is neither followed nor waited for, and a good object takes its place again. */
import assert from "node:assert/strict";
import { cpSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import type { Checksum } from "../../../../src/codec/ostree/checksum.ts";
import { type FsckReport, checkRepository, isSound } from "../../../../src/store/fsck/fsck.ts";
import { repositorySource } from "../../../../src/store/pull/object-source.ts";
import { pull } from "../../../../src/store/pull/pull.ts";
import type { RepositoryMode } from "../../../../src/store/repository-config.ts";
import { type Repository, withRepository } from "../../../../src/store/repository.ts";
import { commitFiles, objectsOf } from "../../../support/histories.ts";
import { run } from "../../../support/programs.ts";
import { MODES, newRepository, ostree } from "../../../support/repositories.ts";
import { requires } from "../../../support/requires.ts";
import { scratchFolder } from "../../../support/scratch.ts";

type Put = (file: string, moved: string) => void | Promise<void>;

const IMPOSTORS: Record<string, Put> = {
  "a link to its own bytes, outside": (file, moved) => symlinkSync(moved, file),
  "a link that leads nowhere": (file) => symlinkSync("/nowhere/at/all", file),
  "a link to a FIFO": (file, moved) => {
    run("mkfifo", [`${moved}.fifo`]);
    symlinkSync(`${moved}.fifo`, file);
  },
  "a FIFO": (file) => void run("mkfifo", [file]),
  "an empty folder": (file) => mkdirSync(file),
  "a socket": (file) => listenAt(file),
};

/** The name stays when the server is gone without a chance to remove it. */
function listenAt(file: string): Promise<void> {
  return new Promise((resolve) => {
    const server = createServer().listen(`${file.slice(0, file.lastIndexOf("/"))}/s`, () => {
      renameSync(`${file.slice(0, file.lastIndexOf("/"))}/s`, file);
      server.close(() => resolve());
    });
  });
}

interface Stage {
  readonly scratch: string;
  readonly repository: Repository;
  readonly source: Repository;
  readonly commit: Checksum;
}

async function stageFor(t: TestContext, mode: RepositoryMode): Promise<Stage> {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, mode);
  const commit = await commitFiles(repository, scratch, { "etc/hosts": "the only file\n" }, { sidecar: false });
  const source = newRepository(t, `${scratch}/source`, "archive");
  await pull(source, repositorySource(repository), { workers: 1 });
  return { scratch, repository, source, commit };
}

/** In the mode bare a link is what a symbolic link is kept as: then it is one with another checksum. */
for (const mode of MODES) {
  for (const [what, put] of Object.entries(IMPOSTORS)) {
    test(`${what} in an object's place: ${mode}`, { timeout: 60_000 }, async (t) => {
      if (!requires(t, { root: mode === "bare", programs: ["ostree"] })) return;
      const { scratch, repository, source, commit } = await stageFor(t, mode);
      for (const name of objectsOf(repository.path).toSorted()) {
        const copy = `${scratch}/copy`;
        rmSync(copy, { recursive: true, force: true });
        run("cp", ["-a", repository.path, copy]);
        const file = `${copy}/objects/${name.slice(0, 2)}/${name.slice(2)}`;
        const moved = `${scratch}/moved-${name.slice(64)}`;
        rmSync(`${moved}.fifo`, { force: true });
        rmSync(moved, { force: true });
        renameSync(file, moved);
        const bytes = readFileSync(moved);
        await put(file, moved);
        await withRepository(copy, async (open) => {
          const report = await checkRepository(open, { workers: 1 });
          assert.deepEqual(named(report), [`damaged ${name.replace("filez", "file")}`], JSON.stringify(report.bad));
          assert.deepEqual(report.bad[0]!.commits, [commit], name);
          const mended = await checkRepository(open, { workers: 1, repairFrom: source });
          assert.ok(isSound(mended), JSON.stringify(mended));
        });
        assert.ok(lstatSync(file).isFile(), name);
        assert.deepEqual(readFileSync(moved), bytes, "what the link led to");
        assert.match(ostree(copy, "fsck"), /no errors/, name);
      }
    });
  }
}

function named({ bad }: FsckReport): string[] {
  return bad.map(({ problem, checksum, kind }) => `${problem} ${checksum}.${kind}`);
}

test("a device in an object's place is not opened", { timeout: 60_000 }, async (t) => {
  if (!requires(t, { root: true })) return;
  const { repository } = await stageFor(t, "archive");
  const name = objectsOf(repository.path).find((object) => object.endsWith(".dirtree"))!;
  const file = `${repository.path}/objects/${name.slice(0, 2)}/${name.slice(2)}`;
  rmSync(file);
  // No driver has this number: opening it fails with ENXIO, which would be told as the reason.
  run("mknod", [file, "c", "241", "77"]);
  const { bad } = await checkRepository(repository, { workers: 1 });
  assert.deepEqual(
    bad.map(({ reason }) => reason),
    ["what stands in its place is no regular file"],
  );
});

test("a folder that holds something stays, whatever is wanted", async (t) => {
  const { repository, source } = await stageFor(t, "archive");
  for (const name of objectsOf(repository.path)) {
    const file = `${repository.path}/objects/${name.slice(0, 2)}/${name.slice(2)}`;
    const bytes = readFileSync(file);
    rmSync(file);
    mkdirSync(file);
    writeFileSync(`${file}/somebody's`, "own\n");
    for (const options of [{ repairFrom: source }, { delete: true }]) {
      const report = await checkRepository(repository, { workers: 1, ...options });
      const own = report.bad.filter(({ checksum, kind }) => `${checksum}.${kind}` === name.replace("filez", "file"));
      assert.deepEqual(
        own.map(({ outcome }) => outcome),
        ["found"],
        name,
      );
      assert.equal(readFileSync(`${file}/somebody's`, "utf8"), "own\n");
    }
    rmSync(file, { recursive: true });
    writeFileSync(file, bytes);
    rmSync(`${repository.path}/state`, { recursive: true });
    mkdirSync(`${repository.path}/state`);
  }
});

test("a link in the place of a folder of objects is not followed", async (t) => {
  const { scratch, repository, source } = await stageFor(t, "archive");
  const name = objectsOf(repository.path).find((object) => object.endsWith(".filez"))!;
  const folder = `${repository.path}/objects/${name.slice(0, 2)}`;
  cpSync(folder, `${scratch}/outside`, { recursive: true });
  writeFileSync(`${scratch}/outside/${name.slice(2)}`, "damaged");
  rmSync(folder, { recursive: true });
  symlinkSync(`${scratch}/outside`, folder);
  for (const options of [{}, { repairFrom: source }, { delete: true }]) {
    const report = await checkRepository(repository, { workers: 1, ...options });
    assert.ok(named(report).includes(`missing ${name.replace("filez", "file")}`), JSON.stringify(report.bad));
    assert.ok(!isSound(report));
    assert.equal(readFileSync(`${scratch}/outside/${name.slice(2)}`, "utf8"), "damaged");
  }
});
