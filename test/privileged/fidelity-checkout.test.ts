/** The ways to check out: a part, over something, by hard links, as somebody else, into odd places; and what a cut leaves. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import type { Repository } from "../../src/store/repository.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { diskFacts, factDifferences } from "../support/disk-facts.ts";
import { makeNastyTree } from "../support/nasty-tree.ts";
import { run, runText, tryRun } from "../support/programs.ts";
import { newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { removeTree, scratchFolder } from "../support/scratch.ts";

const NEEDS = { root: true, programs: ["ostree", "python3", "chattr", "setfacl"] };
const NOBODY = 65534;
const source = path.join(import.meta.dirname, "../../src");

interface Scene {
  readonly folder: string;
  readonly tree: string;
  readonly repository: Repository;
  readonly commit: Checksum;
}

/** Commits what the shell commands make in an empty folder. */
async function commitOf(t: TestContext, commands: string, mode: RepositoryMode = "bare"): Promise<Scene> {
  const folder = scratchFolder(t);
  const tree = `${folder}/tree`;
  mkdirSync(tree);
  run("bash", ["-ec", commands], { cwd: tree });
  const repository = newRepository(t, `${folder}/repository`, mode);
  const { commit } = await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: tree }] });
  return { folder, tree, repository, commit };
}

function assertSame(expected: string, actual: string): void {
  assert.deepEqual(factDifferences(diskFacts(expected), diskFacts(actual)), []);
}

test("a part of a commit comes with its own hard links, never with those of the same path in the whole", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { folder, tree, repository, commit } = await commitOf(
    t,
    `mkdir -p usr/bin usr/usr/bin; echo a > usr/bin/a; ln usr/bin/a usr/bin/b; ln usr/bin/a usr/z; echo other > usr/usr/bin/a
     mkfifo usr/f1 first; ln usr/f1 usr/f2; ln first usr/f3; echo outside > b; ln b usr/c; ln b usr/bin/c; chattr +i b`,
  );
  await checkoutCommit(repository, commit, `${folder}/out`, { subpath: "usr" });
  assertSame(`${tree}/usr`, `${folder}/out`);
  await checkoutCommit(repository, commit, `${folder}/bin`, { subpath: "/usr//bin/" });
  assertSame(`${tree}/usr/bin`, `${folder}/bin`);
  await checkoutCommit(repository, commit, `${folder}/single`, { subpath: "usr/usr/bin/a" });
  assert.equal(readFileSync(`${folder}/single`, "utf8"), "other\n");
  await assert.rejects(checkoutCommit(repository, commit, `${folder}/none`, { subpath: "usr/none" }), { code: "not-found" });
  assert.ok(!existsSync(`${folder}/none`));
});

test("every folder of a nasty tree can be checked out by itself", async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = scratchFolder(t);
  const tree = `${folder}/tree`;
  makeNastyTree(tree, { root: true, odd: true, oddtarget: true, emptyxattr: true, nodes: true, flags: true, deep: 20 });
  const repository = newRepository(t, `${folder}/repository`, "archive");
  const { commit } = await commitTree(repository, { sources: [{ kind: "dir", path: tree }] });
  const names = readdirSync(tree);
  assert.ok(names.length >= 10);
  for (const name of names) {
    await checkoutCommit(repository, commit, `${folder}/part`, { subpath: name });
    assertSame(`${tree}/${name}`, `${folder}/part`);
    removeTree(`${folder}/part`);
  }
});

test("nothing of the folder above is passed on: default ACLs, setgid, inode flags", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { folder, tree, repository, commit } = await commitOf(
    t,
    `mkdir -m 700 x; mkdir y; echo > y/f; echo > x/f; ln -s a l; mkfifo p; mknod n c 1 3`,
  );
  const above = `${folder}/above`;
  mkdirSync(above);
  run("bash", ["-ec", "chgrp 7 .; chmod 2775 .; setfacl -d -m u:1234:rwx .; chattr +dA ."], { cwd: above });
  await checkoutCommit(repository, commit, `${above}/out`);
  assertSame(tree, `${above}/out`);
});

test("a root that is immutable, and names as long as they may be", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { folder, tree, repository, commit } = await commitOf(t, "mkdir a; echo > a/b; chattr +i a/b a .");
  const target = `${folder}/${"n".repeat(255)}`;
  await checkoutCommit(repository, commit, target);
  assertSame(tree, target);
  assert.deepEqual(readdirSync(folder).toSorted(), ["n".repeat(255), "repository", "tree"]);
});

test("a union lays files over what is there as ostree does: folders that exist keep their own metadata", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { folder, repository, commit } = await commitOf(
    t,
    `mkdir -p d/new; mkdir -m 700 d/n7; chmod 711 d/new; echo theirs > d/f; echo > d/g; ln d/g d/h; ln -s to d/l; chmod 700 d; chown 5:6 . d d/f`,
  );
  for (const name of ["ours", "theirs"]) {
    mkdirSync(`${folder}/${name}/d`, { recursive: true });
    const commands = `echo mine > mine; echo old > d/f; echo old > d/l; echo old > d/h; echo keep > d/keep; chmod 2755 d; chown 8:9 d
                      touch -d @1000 . d`;
    run("bash", ["-ec", commands], { cwd: `${folder}/${name}` });
  }
  await checkoutCommit(repository, commit, `${folder}/ours`, { union: true });
  ostree(repository.path, "checkout", "--union", "--force-copy", "x", `${folder}/theirs`);
  const [ours, theirs] = [diskFacts(`${folder}/ours`), diskFacts(`${folder}/theirs`)];
  // ostree leaves a link the group of the setgid folder; the commit says root's.
  assert.deepEqual([theirs.get("d/l")!.gid, ours.get("d/l")!.gid], [9, 0]);
  for (const facts of [theirs, ours]) facts.delete("d/l");
  assert.deepEqual(factDifferences(theirs, ours, { except: ["mtime", "same"] }), []);
  assert.equal(ours.get("d/h")!.same, "d/g");
  assert.deepEqual([ours.get("d")!.uid, ours.get("d")!.mode, ours.get("d/new")!.mode], [8, "0o2755", "0o711"]);
  await checkoutCommit(repository, commit, `${folder}/made/by/it`, { union: true });
  ostree(repository.path, "checkout", "--union", "--force-copy", "x", `${folder}/theirs-new`);
  const made = factDifferences(diskFacts(`${folder}/theirs-new`), diskFacts(`${folder}/made/by/it`), {
    except: ["mtime", "same"],
  });
  assert.deepEqual(made, []);
  assert.deepEqual(leftOvers(folder), []);
});

test("a union refuses what it can't replace, and leaves nothing of its own behind", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { folder, repository, commit } = await commitOf(t, "echo > a; mkfifo p; mkdir d; echo > d/f; ln a z; ln -s a l");
  for (const name of ["a", "p", "l", "z"]) {
    mkdirSync(`${folder}/over-${name}/${name}`, { recursive: true });
    await assert.rejects(checkoutCommit(repository, commit, `${folder}/over-${name}`, { union: true }), /is a folder|EISDIR/);
  }
  mkdirSync(`${folder}/over-d`);
  writeFileSync(`${folder}/over-d/d`, "a file");
  await assert.rejects(checkoutCommit(repository, commit, `${folder}/over-d`, { union: true }), { code: "exists" });
  run("ln", ["-s", "/etc", `${folder}/link`]);
  mkdirSync(`${folder}/over-link`);
  run("ln", ["-s", folder, `${folder}/over-link/d`]);
  await assert.rejects(checkoutCommit(repository, commit, `${folder}/over-link`, { union: true }), { code: "exists" });
  assert.ok(!existsSync(`${folder}/f`), "it wrote through a link");
  assert.deepEqual(leftOvers(folder), []);
});

test("a checkout by hard links is ostree's, and shares the repository's files", async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = scratchFolder(t);
  makeNastyTree(`${folder}/tree`, { root: true, deep: 20, many: 20 });
  const repository = newRepository(t, `${folder}/repository`, "bare");
  const { commit } = await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: `${folder}/tree` }] });
  await checkoutCommit(repository, commit, `${folder}/ours`, { hardlink: true });
  ostree(repository.path, "checkout", "-H", "x", `${folder}/theirs`);
  // Files without content are ostree's exception: it copies them. Folders have their times from the sidecar.
  const found = factDifferences(diskFacts(`${folder}/theirs`), diskFacts(`${folder}/ours`), { except: ["mtime", "same"] });
  assert.deepEqual(
    found.filter((line) => !line.startsWith('"xattrs/acl-default/')),
    [],
  );
  const inodes = (name: string): string[] =>
    runText("find", [`${folder}/${name}`, "-type", "f", "-size", "+0", "-printf", "%P %i\n"])
      .split("\n")
      .toSorted();
  assert.deepEqual(inodes("ours"), inodes("theirs"));
  const archive = newRepository(t, `${folder}/archive`, "archive");
  const other = await commitTree(archive, { sources: [{ kind: "dir", path: `${folder}/tree` }] });
  await assert.rejects(checkoutCommit(archive, other.commit, `${folder}/none`, { hardlink: true }), { code: "unsupported" });
  assert.ok(!existsSync(`${folder}/none`));
});

test("an ordinary user gets what a user can have, with the permissions that ostree gives", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { folder, repository } = await commitOf(
    t,
    `echo s > setuid; chmod 4755 setuid; echo u > unreadable; chmod 0 unreadable; chattr +i unreadable; mkfifo -m 0 fifo
     mknod null c 1 3; ln null null2; mkdir -m 500 ro; echo x > ro/x; ln ro/x ro/y; ln -s ro/x l; mkdir -m 1777 t; chown 5:6 setuid`,
    "archive",
  );
  for (const name of ["ours", "theirs"]) mkdirSync(`${folder}/${name}`);
  run("chmod", ["-R", "a+rX", repository.path]);
  run("chown", [String(NOBODY), `${folder}/ours`, `${folder}/theirs`]);
  const script = `
    import { openRepository } from ${JSON.stringify(`${source}/store/repository.ts`)};
    import { resolveRevision } from ${JSON.stringify(`${source}/store/revision.ts`)};
    import { checkoutCommit } from ${JSON.stringify(`${source}/store/checkout/checkout.ts`)};
    const repository = openRepository(${JSON.stringify(repository.path)});
    const commit = resolveRevision(repository, "x");
    process.stdout.write(JSON.stringify(await checkoutCommit(repository, commit, ${JSON.stringify(`${folder}/ours/out`)})));`;
  const asNobody = { uid: NOBODY, gid: NOBODY, cwd: "/" };
  const outcome = tryRun(process.execPath, ["--input-type=module", "-e", script], asNobody);
  assert.equal(outcome.status, 0, outcome.stderr);
  const progress = JSON.parse(outcome.stdout.toString()) as { skippedNodes: number; refusedFlags: number };
  assert.deepEqual([progress.skippedNodes, progress.refusedFlags], [2, 1]);
  const args = ["checkout", `--repo=${repository.path}`, "-U", "--force-copy", "x", `${folder}/theirs/out`];
  const theirs = tryRun("ostree", args, asNobody);
  assert.equal(theirs.status, 0, theirs.stderr);
  const expected = diskFacts(`${folder}/theirs/out`);
  const ours = diskFacts(`${folder}/ours/out`);
  assert.equal(ours.get("fifo")!.type, "0o10000");
  ours.delete("fifo");
  assert.deepEqual(factDifferences(expected, ours, { except: ["mtime", "same"] }), []);
  assert.equal(ours.get("ro/y")!.same, "ro/x");
  assert.equal(ours.get("setuid")!.uid, NOBODY);
});

test("a target that exists is refused and stays as it is", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { folder, repository, commit } = await commitOf(t, "echo > a");
  mkdirSync(`${folder}/empty`);
  writeFileSync(`${folder}/file`, "mine");
  run("ln", ["-s", "nowhere", `${folder}/dangling`]);
  for (const name of ["empty", "file", "dangling", "empty/", ".", "/"]) {
    await assert.rejects(checkoutCommit(repository, commit, name === "/" ? name : `${folder}/${name}`), { code: "exists" }, name);
  }
  await assert.rejects(checkoutCommit(repository, commit, `${folder}/no/such/folder`), { code: "not-found" });
  assert.equal(readFileSync(`${folder}/file`, "utf8"), "mine");
  assert.deepEqual(readdirSync(`${folder}/empty`), []);
  assert.deepEqual(leftOvers(folder), []);
});

test("a checkout that is cancelled or killed leaves nothing under the final name", async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = scratchFolder(t);
  makeNastyTree(`${folder}/tree`, { root: true, many: 3000, deep: 100 });
  const repository = newRepository(t, `${folder}/repository`, "archive");
  const { commit } = await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: `${folder}/tree` }] });
  for (const after of [1, 2, 4]) {
    const controller = new AbortController();
    let seen = 0;
    const onEvent = (): void => void (++seen >= after && controller.abort());
    const work = checkoutCommit(repository, commit, `${folder}/out`, {}, { signal: controller.signal, onEvent });
    await assert.rejects(work, { code: "cancelled" });
    assert.ok(!existsSync(`${folder}/out`));
    assert.deepEqual(leftOvers(folder), []);
  }
  const script = `
    import { openRepository } from ${JSON.stringify(`${source}/store/repository.ts`)};
    import { checkoutCommit } from ${JSON.stringify(`${source}/store/checkout/checkout.ts`)};
    const repository = openRepository(${JSON.stringify(repository.path)});
    const onEvent = () => process.stdout.write(".");
    await checkoutCommit(repository, ${JSON.stringify(commit)}, ${JSON.stringify(`${folder}/out`)}, {}, { onEvent });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGKILL");
  assert.equal(await ended, "SIGKILL");
  assert.ok(!existsSync(`${folder}/out`));
  assert.equal(leftOvers(folder).length, 1);
  await checkoutCommit(repository, commit, `${folder}/out`);
  assert.deepEqual(leftOvers(folder), []);
  assertSame(`${folder}/tree`, `${folder}/out`);
});

/** Unfinished files and folders, wherever they stand. */
function leftOvers(folder: string): string[] {
  const found = runText("find", [folder, "-path", "*/repository", "-prune", "-o", "-name", ".*", "-print"]);
  return found.split("\n").filter((line) => /\.partial$|\.regrow/.test(line));
}
