/**
 * Archives into a repository. The judges are `ostree commit --tree=tar=`, for the tree's checksum, and a commit of the very folder
 * that GNU tar made the archive of, for the tree's and the sidecar's.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { type TestContext, test } from "node:test";
import { bytesOf } from "../../src/base/byte-string.ts";
import type { RegrowEvent } from "../../src/base/events.ts";
import { commitTree } from "../../src/store/commit.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import type { Repository } from "../../src/store/repository.ts";
import { findProgram } from "../../src/sys/program-packages.ts";
import { resolveRevision } from "../../src/store/revision.ts";
import { removeXattrAt } from "../../src/sys/xattr.ts";
import { requires } from "../support/requires.ts";
import { END, V7, header, octal, padded } from "../support/tar-archive.ts";
import { runText as run } from "../support/programs.ts";
import { newRepository } from "../support/repositories.ts";
import { scratchFolder } from "../support/scratch.ts";
import { type Digest, commitFolder, commitSources, commitTar } from "../support/tar-store.ts";
import { isRootUser, makeTree } from "../support/tar-tree.ts";

const BASIC = { isRich: false, hasOldFractions: false, isRoot: false };
const RICH = { isRich: true, hasOldFractions: true, isRoot: isRootUser() };
const ALL = ["--format=pax", "--sparse", "--hole-detection=seek", "--xattrs", "--xattrs-include=*"];
const LARGE = 34 * 2 ** 20;
let pipes = 0;

for (const mode of ["bare", "bare-user", "archive"] as const) {
  test(`an archive by GNU tar gives what its folder gives: ${mode}`, async (t) => {
    if (!requires(t, { root: mode === "bare", programs: ["tar"] })) return;
    const { folder, repository } = place(t, mode);
    makeTree(`${folder}/tree`, RICH);
    pack(folder, ALL);
    assertSame(await commitTar(repository, `${folder}/a.tar`), await commitFolder(repository, `${folder}/tree`));
  });
}

test("large files, dense and with holes, give what their folder gives", async (t) => {
  if (!requires(t, { root: true, programs: ["tar"] })) return;
  const folder = scratchFolder(t);
  mkdirSync(`${folder}/tree`);
  writeFileSync(`${folder}/tree/dense`, Buffer.alloc(LARGE, "some data that is not zero, "));
  const fd = openSync(`${folder}/tree/holes`, "w");
  ftruncateSync(fd, 2 * LARGE);
  writeSync(fd, Buffer.alloc(8192, 1), 0, 8192, 2 ** 20);
  writeSync(fd, Buffer.alloc(8192, 2), 0, 8192, LARGE);
  closeSync(fd);
  pack(folder, ALL);
  for (const mode of ["bare", "archive"] as const) {
    const archived = newRepository(t, `${folder}/${mode}-tar`, mode);
    const expected = await commitFolder(newRepository(t, `${folder}/${mode}-dir`, mode), `${folder}/tree`);
    assertSame(await commitTar(archived, `${folder}/a.tar`), expected);
    // Once more, into a repository that has the objects.
    const { counts } = await commitTree(archived, { sources: [{ kind: "tar", path: `${folder}/a.tar` }] });
    assert.deepEqual([counts.files, counts.stagedFiles, counts.stagedBytes, counts.bytes], [2, 0, 0, 3 * LARGE]);
    fsck(archived);
  }
});

const OSTREE_ARCHIVES: readonly (readonly [what: string, options: readonly string[]])[] = [
  ["ustar", ["--format=ustar"]],
  ["gnu", ["--format=gnu"]],
  ["gnu with holes", ["--format=gnu", "--sparse"]],
  ["pax", ["--format=pax"]],
  ["pax with attributes", ["--format=pax", "--xattrs", "--xattrs-include=*"]],
  ["pax with owners", ["--format=pax", "--owner=:1234", "--group=:56789"]],
];

for (const [what, options] of OSTREE_ARCHIVES) {
  test(`ostree gives the same tree: ${what}`, async (t) => {
    if (!requires(t, { programs: ["tar", "ostree"] })) return;
    const { folder, repository } = place(t, "archive");
    makeTree(`${folder}/tree`, what.startsWith("pax") ? RICH : BASIC);
    leaveWhatOstreeTakes(`${folder}/tree`);
    pack(folder, options);
    assertSameTree(await commitTar(repository, `${folder}/a.tar`), theirs(repository, [`--tree=tar=${folder}/a.tar`]));
  });
}

const OPTIONS: readonly (readonly [option: string, ours: Parameters<typeof commitTar>[2]])[] = [
  ["--canonical-permissions", { canonicalPermissions: true }],
  ["--owner-uid=7", { ownerUid: 7 }],
  ["--owner-gid=8", { ownerGid: 8 }],
  ["--no-xattrs", { noXattrs: true }],
];

test("ostree gives the same tree with each option, and for folders that are not in the archive", async (t) => {
  if (!requires(t, { programs: ["tar", "ostree"] })) return;
  const { folder, repository } = place(t, "archive");
  makeTree(`${folder}/tree`, BASIC);
  pack(folder, ["--format=pax", "--xattrs", "--owner=:0", "--group=:0"]);
  for (const [option, ours] of OPTIONS) {
    const expected = theirs(repository, [option, `--tree=tar=${folder}/a.tar`]);
    assertSameTree(await commitTar(repository, `${folder}/a.tar`, ours), expected);
  }
  run("tar", ["-C", `${folder}/tree`, "-cf", `${folder}/part.tar`, "--owner=:0", "--group=:0", "dir/sub/file", "plain"]);
  const expected = theirs(repository, ["--tar-autocreate-parents", `--tree=tar=${folder}/part.tar`]);
  assertSameTree(await commitTar(repository, `${folder}/part.tar`), expected);
  await assert.rejects(commitTar(repository, `${folder}/part.tar`, { tarAutocreateParents: false }), { code: "not-found" });
});

test("an archive over a folder keeps what it does not name, as ostree has it", async (t) => {
  if (!requires(t, { programs: ["tar", "ostree"] })) return;
  const { folder, repository } = place(t, "archive");
  makeTree(`${folder}/tree`, BASIC);
  mkdirSync(`${folder}/more/dir/sub`, { recursive: true });
  writeFileSync(`${folder}/more/dir/sub/file`, "replaced");
  writeFileSync(`${folder}/more/dir/new`, "new");
  run("tar", ["-C", `${folder}/more`, "-cf", `${folder}/a.tar`, "dir/sub/file", "dir/new"]);
  run("chmod", ["0711", `${folder}/tree/dir`, `${folder}/tree`]);
  const sources = [
    { kind: "dir", path: `${folder}/tree` },
    { kind: "tar", path: `${folder}/a.tar` },
  ] as const;
  const expected = theirs(repository, [`--tree=dir=${folder}/tree`, `--tree=tar=${folder}/a.tar`]);
  assertSameTree(await commitSources(repository, sources), expected);
});

test("links have the mode 0777 whatever an archive says, so that ostree finds no damage in mode bare", async (t) => {
  if (!requires(t, { root: true, programs: ["ostree"] })) return;
  const { folder, repository } = place(t, "bare");
  const blocks = [header({ name: "./", type: "5", mode: octal(0o755, 8) }), header({ name: "l", type: "2", linkName: "x" }), END];
  writeFileSync(`${folder}/a.tar`, Buffer.concat(blocks));
  mkdirSync(`${folder}/tree`);
  symlinkSync("x", `${folder}/tree/l`);
  assertSameTree(await commitTar(repository, `${folder}/a.tar`), await commitFolder(repository, `${folder}/tree`));
  fsck(repository);
});

for (const program of ["gzip", "xz", "zstd", "bzip2"]) {
  test(`a packed archive is told by its first bytes: ${program}`, async (t) => {
    if (!requires(t, { programs: ["tar", program] })) return;
    const { folder, repository } = place(t, "archive");
    makeTree(`${folder}/tree`, RICH);
    pack(folder, ALL);
    const expected = await commitTar(repository, `${folder}/a.tar`);
    const plain = readFileSync(`${folder}/a.tar`);
    const packed = execFileSync(program, ["-c"], { input: plain, maxBuffer: 2 ** 26 });
    writeFileSync(`${folder}/packed`, packed);
    assertSame(await commitTar(repository, `${folder}/packed`), expected);
    // As two packed parts, one behind the other, and through a pipe.
    const parts = [plain.subarray(0, 70_001), plain.subarray(70_001)];
    const joined = Buffer.concat(parts.map((part) => execFileSync(program, ["-c"], { input: part, maxBuffer: 2 ** 26 })));
    writeFileSync(`${folder}/joined`, joined);
    assertSame(await commitTar(repository, `${folder}/joined`), expected);
    assertSame(await throughPipe(folder, `cat ${folder}/joined`, (fd) => commitTar(repository, fd)), expected);
    writeFileSync(`${folder}/cut`, packed.subarray(0, packed.length - 20));
    await assert.rejects(commitTar(repository, `${folder}/cut`), /broken|failed with exit code/);
    writeFileSync(`${folder}/broken`, Buffer.concat([packed.subarray(0, 200), Buffer.alloc(300_000, 0x55)]));
    // A pipe in which nothing comes any more is not waited for.
    await assert.rejects(
      throughPipe(folder, `cat ${folder}/broken; sleep 30`, (fd) => commitTar(repository, fd)),
      /broken|failed with exit code|archive/,
    );
  });
}

test("a commit from a pipe in which nothing comes can be given up", async (t) => {
  const { folder, repository } = place(t, "archive");
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 100);
  const sources = (fd: number): { sources: { kind: "tar"; path: number }[] } => ({ sources: [{ kind: "tar", path: fd }] });
  await assert.rejects(
    throughPipe(folder, "sleep 30", (fd) => commitTree(repository, sources(fd), { signal: abort.signal })),
    { code: "cancelled" },
  );
});

test("a missing program is named with its package", (t) => {
  if (!requires(t, { root: true, programs: ["zstd", "unshare", "mount"] })) return;
  const { folder, repository } = place(t, "archive");
  writeFileSync(`${folder}/a.tar.zst`, execFileSync("zstd", ["-c"], { input: END }));
  const script = 'mount --bind /dev/null "$1" && shift && exec "$@"';
  const program = new URL("../support/import-tar-program.ts", import.meta.url).pathname;
  const command = [findProgram("zstd")!, process.execPath, program, repository.path, `${folder}/a.tar.zst`];
  const { status, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", script, "sh", ...command], { encoding: "utf8" });
  assert.deepEqual([status, /^missing-program: .*apt install zstd/.test(stderr)], [15, true], stderr);
});

test("what an archive says and a commit can't keep is told once for each kind", async (t) => {
  if (!requires(t, { programs: ["tar", "setfacl"] })) return;
  const { folder, repository } = place(t, "archive");
  makeTree(`${folder}/tree`, BASIC);
  run("setfacl", ["-m", "u:1:r", `${folder}/tree/plain`, `${folder}/tree/empty`]);
  run("tar", ["-C", `${folder}/tree`, "-cf", `${folder}/a.tar`, "--acls", "--sort=name", "."]);
  const events: RegrowEvent[] = [];
  const source = { kind: "tar", path: `${folder}/a.tar` } as const;
  await commitTree(repository, { sources: [source] }, { onEvent: (event) => events.push(event) });
  const notices = events.filter((event) => event.kind === "notice");
  const message = "of 2 entries, this the first: its access ACL, in text form, is left out";
  assert.deepEqual(notices, [{ kind: "notice", code: "tar", message, path: "./empty" }]);
});

test("the oldest archives are read", async (t) => {
  const { folder, repository } = place(t, "archive");
  const blocks = [
    header({ name: "dir/", magic: V7 }),
    header({ name: "dir/f", size: octal(1), magic: V7 }),
    padded("x"),
    header({ name: "g", type: "1", linkName: "dir/f", magic: V7 }),
    END,
  ];
  writeFileSync(`${folder}/a.tar`, Buffer.concat(blocks));
  const { counts } = await commitTree(repository, { sources: [{ kind: "tar", path: `${folder}/a.tar` }] });
  assert.deepEqual([counts.files, counts.folders, counts.stagedFiles], [2, 1, 1]);
});

function place(t: TestContext, mode: RepositoryMode): { folder: string; repository: Repository } {
  const folder = scratchFolder(t);
  return { folder, repository: newRepository(t, `${folder}/repository`, mode) };
}

function pack(folder: string, options: readonly string[]): void {
  const args = ["--create", `--file=${folder}/a.tar`, "--sort=name", "--numeric-owner", "--directory", `${folder}/tree`];
  run("tar", [...args, ...options, "."]);
}

/**
 * Without what ostree can't store, and what it takes from an archive in another way than from a folder: it leaves attributes in
 * the archive's order, even empty ones, their names in GNU tar's spelling, and replaces a link's target that is not UTF-8.
 */
function leaveWhatOstreeTakes(tree: string): void {
  for (const name of ["fifo", "null", "disk", "symlink-bytes"]) rmSync(`${tree}/${name}`, { force: true });
  run("find", [tree, "-name", "bad*", "-delete"]);
  const fd = openSync(tree, "r");
  for (const name of ["plain", "dir"].map(bytesOf)) {
    for (const xattr of ["user.a=b%25", "user.bytes", "user.empty", "trusted.mark"]) removeXattrAt(fd, name, bytesOf(xattr));
  }
  closeSync(fd);
}

function theirs(repository: Repository, args: readonly string[]): { tree: string; meta: string } {
  run("ostree", [`--repo=${repository.path}`, "commit", "--branch=theirs", "--fsync=false", ...args]);
  return loadCommit(repository, resolveRevision(repository, "theirs"));
}

function assertSame(actual: Digest, expected: Digest): void {
  assertSameTree(actual, expected);
  assert.equal(actual.sidecar, expected.sidecar);
  assert.ok(actual.sidecar);
}

function assertSameTree(actual: { tree: string; meta: string }, expected: { tree: string; meta: string }): void {
  assert.deepEqual([actual.tree, actual.meta], [expected.tree, expected.meta]);
}

function fsck(repository: Repository): void {
  run("ostree", [`--repo=${repository.path}`, "fsck"]);
}

/** Runs `work` with the reading end of a pipe into which a shell script writes. */
async function throughPipe<T>(folder: string, script: string, work: (fd: number) => Promise<T>): Promise<T> {
  const pipe = `${folder}/pipe-${pipes++}`;
  run("mkfifo", [pipe]);
  const child = spawn("sh", ["-c", `(${script}) > "$1"`, "sh", pipe], { stdio: "ignore", detached: true });
  const exited = once(child, "exit");
  const fd = openSync(pipe, "r");
  try {
    return await work(fd);
  } finally {
    closeSync(fd);
    endGroup(child.pid!);
    await exited;
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
