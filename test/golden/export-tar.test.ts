/**
 * Commits as archives. GNU tar unpacks them as root, and what it makes must be the tree that was committed, as rsync sees it too;
 * bsdtar must list the same; `ostree export` must unpack to the same content.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { RegrowEvent } from "../../src/base/events.ts";
import { commitTree } from "../../src/store/commit.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import type { Repository } from "../../src/store/repository.ts";
import { exportTar } from "../../src/store/tar/export-tar.ts";
import { requires } from "../support/requires.ts";
import { runText as run } from "../support/programs.ts";
import { newRepository } from "../support/repositories.ts";
import { scratchFolder } from "../support/scratch.ts";
import { commitFolder, commitTar, exported } from "../support/tar-store.ts";
import { isRootUser, makeTree } from "../support/tar-tree.ts";
import { type FileFacts, fileExtents, treeFacts } from "../support/tree-facts.ts";

const RICH = { isRich: true, hasOldFractions: true, isRoot: isRootUser() };
const MODES = ["bare", "bare-user", "archive"] as const;
const LARGE = 34 * 2 ** 20;

for (const mode of MODES) {
  test(`GNU tar and rsync find the committed tree in the archive: ${mode}`, async (t) => {
    if (!requires(t, { root: true, programs: ["tar", "rsync", "setfacl"] })) return;
    const { folder, repository } = place(t, mode);
    makeTree(`${folder}/tree`, RICH);
    run("setfacl", ["-m", "u:1:rw,g:7:r", `${folder}/tree/exec`]);
    run("setfacl", ["-d", "-m", "u:1:rwx", `${folder}/tree/dir`]);
    run("touch", ["-d", "@1600000000", `${folder}/tree/dir`, `${folder}/tree/exec`, `${folder}/tree`]);
    run("cp", ["-a", `${folder}/tree`, `${folder}/copy`]);
    const { commit } = await commitFolder(repository, `${folder}/tree`);
    unpack(folder, await exported(repository, commit), "ours");
    assertSameTree(`${folder}/ours`, `${folder}/copy`);
    assert.equal(run("rsync", ["-aHAXn", "--delete", "--itemize-changes", `${folder}/copy/`, `${folder}/ours/`]), "");
  });
}

test("the same commit gives the same bytes from any repository, and they give the same commit", async (t) => {
  if (!requires(t, { root: true })) return;
  const folder = scratchFolder(t);
  makeTree(`${folder}/tree`, RICH);
  const archives: Buffer[] = [];
  for (const mode of MODES) {
    const repository = newRepository(t, `${folder}/${mode}`, mode);
    const expected = await commitFolder(repository, `${folder}/tree`);
    const archive = await exported(repository, expected.commit);
    assert.ok(archive.equals(await exported(repository, expected.commit, { verify: true })));
    archives.push(archive);
    writeFileSync(`${folder}/${mode}.tar`, archive);
    assert.deepEqual(await commitTar(repository, `${folder}/${mode}.tar`), expected);
  }
  for (const archive of archives) assert.ok(archive.equals(archives[0]!));
});

test("large files, dense and with holes, come out of packed objects", async (t) => {
  if (!requires(t, { programs: ["tar"] })) return;
  const { folder, repository } = place(t, "archive");
  makeLarge(`${folder}/tree`);
  const expected = await commitFolder(repository, `${folder}/tree`);
  const fd = openSync(`${folder}/ours.tar`, "w");
  const counts = await exportTar(repository, expected.commit, fd);
  closeSync(fd);
  assert.deepEqual([counts.files, counts.folders], [2, 1]);
  assert.ok(counts.bytes < LARGE + 100_000, "holes take no room");
  extract(`${folder}/ours.tar`, `${folder}/ours`);
  assertSameTree(`${folder}/ours`, `${folder}/tree`);
  assert.deepEqual(await commitTar(repository, `${folder}/ours.tar`), expected);
});

test("a part of the tree has the first of its names as the file that others link to", async (t) => {
  if (!requires(t, { programs: ["tar"] })) return;
  const { folder, repository } = place(t, "archive");
  mkdirSync(`${folder}/tree/a-b`, { recursive: true });
  mkdirSync(`${folder}/tree/a/c`, { recursive: true });
  writeFileSync(`${folder}/tree/a-b/first`, "one file\n");
  // In the order of names alone `a` would come before `a-b`; in that of paths it comes behind.
  for (const name of ["a/0", "a/c/1", "a.2", "a0"]) run("ln", [`${folder}/tree/a-b/first`, `${folder}/tree/${name}`]);
  const { commit } = await commitFolder(repository, `${folder}/tree`);
  unpack(folder, await exported(repository, commit), "whole");
  assertSameTree(`${folder}/whole`, `${folder}/tree`);
  unpack(folder, await exported(repository, commit, { subpath: "/a/" }), "part");
  assertSameTree(`${folder}/part`, `${folder}/tree/a`);
  assert.equal(treeFacts(`${folder}/part`).get("c/1")?.sameAs, "0");
  assert.deepEqual(list(folder, await exported(repository, commit, { subpath: "a/c/1" })), ["1"]);
  assert.deepEqual(list(folder, await exported(repository, commit, { subpath: "a", prefix: "x/./y" })), [
    "x/y/",
    "x/y/0",
    "x/y/c/",
    "x/y/c/1",
  ]);
  for (const prefix of ["/x", "x/../y", "\0"]) await assert.rejects(exported(repository, commit, { prefix }), { code: "usage" });
  await assert.rejects(exported(repository, commit, { subpath: "none" }), { code: "not-found" });
});

test("ostree's export unpacks to the same, without what only the sidecar knows", async (t) => {
  if (!requires(t, { root: true, programs: ["tar", "ostree"] })) return;
  const { folder, repository } = place(t, "bare");
  makeTree(`${folder}/tree`, RICH);
  const { commit } = await commitFolder(repository, `${folder}/tree`);
  for (const [index, subpath] of ["/", "/dir"].entries()) {
    run("ostree", [`--repo=${repository.path}`, "export", `--output=${folder}/theirs.tar`, `--subpath=${subpath}`, commit]);
    extract(`${folder}/theirs.tar`, `${folder}/theirs-${index}`);
    unpack(folder, await exported(repository, commit, { sidecar: false, noXattrs: true, subpath }), `ours-${index}`);
    // It writes GNU's format, which has no attributes, and each name of a file as a file.
    const asTheirs = (facts: FileFacts): object => ({ ...facts, sameAs: undefined });
    assert.deepEqual(comparable(`${folder}/ours-${index}`, asTheirs), comparable(`${folder}/theirs-${index}`, asTheirs));
    assert.ok(treeFacts(`${folder}/ours-${index}`).size > 1);
  }
});

test("bsdtar lists the same as GNU tar", async (t) => {
  if (!requires(t, { root: true, programs: ["tar", "bsdtar"] })) return;
  const { folder, repository } = place(t, "archive");
  makeTree(`${folder}/tree`, RICH);
  run("find", [`${folder}/tree`, "-name", "bad*", "-delete"]);
  const { commit } = await commitFolder(repository, `${folder}/tree`);
  writeFileSync(`${folder}/ours.tar`, await exported(repository, commit));
  const theirs = run("bsdtar", ["-tf", `${folder}/ours.tar`])
    .trim()
    .split("\n");
  assert.deepEqual(
    theirs.length,
    run("tar", ["-tf", `${folder}/ours.tar`])
      .trim()
      .split("\n").length,
  );
  mkdirSync(`${folder}/theirs`);
  run("bsdtar", ["-x", "-p", "--numeric-owner", "-f", `${folder}/ours.tar`, "-C", `${folder}/theirs`]);
  // It does not decode the names of attributes as GNU tar does.
  const plain = (facts: FileFacts): object => ({ ...facts, xattrs: {}, mtime: facts.mtime / 1_000_000_000n });
  const expected = comparable(`${folder}/tree`, plain);
  // It takes fractions of a second before 1970 forwards.
  expected.delete("large");
  const actual = comparable(`${folder}/theirs`, plain);
  actual.delete("large");
  assert.deepEqual(actual, expected);
});

test("inode flags, which no archive holds, are told", async (t) => {
  if (!requires(t, { root: true, programs: ["chattr"] })) return;
  const { folder, repository } = place(t, "archive");
  mkdirSync(`${folder}/tree`);
  writeFileSync(`${folder}/tree/f`, "");
  run("chattr", ["+d", `${folder}/tree/f`]);
  const { commit } = await commitTree(repository, { sources: [{ kind: "dir", path: `${folder}/tree` }], useCache: false });
  const events: RegrowEvent[] = [];
  await exportTar(repository, commit, () => Promise.resolve(), {}, { onEvent: (event) => events.push(event) });
  assert.deepEqual(
    events.filter((event) => event.kind === "notice").map(({ code, message }) => [code, /of 1 files/.test(message)]),
    [["flags", true]],
  );
});

test("who takes the archive can stop it", async (t) => {
  const { folder, repository } = place(t, "archive");
  makeLarge(`${folder}/tree`);
  const { commit } = await commitFolder(repository, `${folder}/tree`);
  const abort = new AbortController();
  let bytes = 0;
  const take = (chunk: Uint8Array): Promise<void> => {
    bytes += chunk.length;
    abort.abort();
    return Promise.resolve();
  };
  await assert.rejects(exportTar(repository, commit, take, {}, { signal: abort.signal }), { code: "cancelled" });
  assert.ok(bytes < 3 * 2 ** 20);
  const fail = (): Promise<void> => Promise.reject(new Error("no more"));
  await assert.rejects(exportTar(repository, commit, fail), /no more/);
});

test("a pipe that is slow and was set to not wait gets all of the archive", async (t) => {
  const { folder, repository } = place(t, "archive");
  makeLarge(`${folder}/tree`);
  const { commit } = await commitFolder(repository, `${folder}/tree`);
  run("mkfifo", [`${folder}/pipe`]);
  const reader = spawn("sh", ["-c", 'exec < "$1/pipe"; sleep 0.2; sha256sum', "sh", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const read = text(reader.stdout);
  // Opening it so fails until somebody reads.
  let fd: number | undefined;
  while (fd === undefined) {
    try {
      fd = openSync(`${folder}/pipe`, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENXIO");
      await setTimeout(10);
    }
  }
  await exportTar(repository, commit, fd);
  closeSync(fd);
  const digest = createHash("sha256")
    .update(await exported(repository, commit))
    .digest("hex");
  assert.equal((await read).split(" ")[0], digest);
});

function place(t: TestContext, mode: RepositoryMode): { folder: string; repository: Repository } {
  const folder = scratchFolder(t);
  return { folder, repository: newRepository(t, `${folder}/repository`, mode) };
}

function makeLarge(tree: string): void {
  mkdirSync(tree);
  writeFileSync(`${tree}/dense`, Buffer.alloc(LARGE, "some data that is not zero, "));
  const fd = openSync(`${tree}/holes`, "w");
  ftruncateSync(fd, LARGE);
  writeSync(fd, Buffer.alloc(8192, 1), 0, 8192, 2 ** 20 - 4096);
  writeSync(fd, Buffer.alloc(8192, 2), 0, 8192, 2 ** 25);
  closeSync(fd);
}

function unpack(folder: string, archive: Buffer, name: string): void {
  writeFileSync(`${folder}/${name}.tar`, archive);
  extract(`${folder}/${name}.tar`, `${folder}/${name}`);
}

function extract(archive: string, folder: string): void {
  mkdirSync(folder);
  const keep = ["--preserve-permissions", "--delay-directory-restore", "--numeric-owner", "--xattrs", "--xattrs-include=*"];
  run("tar", ["--extract", ...keep, `--file=${archive}`, "--directory", folder]);
}

function list(folder: string, archive: Buffer): string[] {
  writeFileSync(`${folder}/list.tar`, archive);
  return run("tar", ["-tf", `${folder}/list.tar`])
    .trim()
    .split("\n");
}

function assertSameTree(actual: string, expected: string): void {
  const facts = treeFacts(expected);
  assert.deepEqual(comparable(actual), comparable(expected));
  for (const [name, { type }] of facts)
    if (type === "file") assert.deepEqual(fileExtents(actual, name), fileExtents(expected, name), `holes of ${name}`);
}

function comparable(root: string, change: (facts: FileFacts) => object = (facts) => facts): Map<string, object> {
  return new Map([...treeFacts(root)].map(([name, facts]) => [name, change(facts)]));
}
