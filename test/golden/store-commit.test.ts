/** What regrow commits is, byte for byte, what ostree commits: the same objects, and ostree works on regrow's repositories. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { type CommitOptions, commitTree } from "../../src/store/commit.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import type { Repository } from "../../src/store/repository.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { diskFacts, factDifferences } from "../support/disk-facts.ts";
import { makeNastyTree } from "../support/nasty-tree.ts";
import { run, runText } from "../support/programs.ts";
import { MODES, newOstreeRepository, newRepository, ostree, ostreeRoot } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";

const isRoot = process.geteuid!() === 0;
const NEEDS = { programs: ["ostree", "python3"] };
/** Who is not root can't give files away, nor have them with attributes of the system. */
const HERE = isRoot ? MODES : MODES.filter((mode) => mode !== "bare");

interface Pair {
  readonly repository: Repository;
  /** ostree's own, of the same mode. */
  readonly twin: string;
  readonly tree: string;
  readonly folder: string;
}

/** A tree that ostree can store, and a repository of each program. */
function makePair(t: TestContext, mode: RepositoryMode): Pair {
  const folder = scratchFolder(t);
  const tree = `${folder}/tree`;
  makeNastyTree(tree, { root: isRoot, emptyxattr: true, deep: 60, many: 300 });
  const repository = newRepository(t, `${folder}/repository`, mode);
  return { repository, twin: newOstreeRepository(`${folder}/twin`, mode), tree, folder };
}

async function assertSameRoot(
  { repository, twin, tree }: Pair,
  args: readonly string[],
  options: Partial<CommitOptions>,
): Promise<void> {
  const expected = ostree(twin, "commit", "-b", "x", "-s", "s", `--tree=dir=${tree}`, ...args);
  const { commit } = await commitTree(repository, { sources: [{ kind: "dir", path: tree }], ...options });
  const { tree: rootTree, meta } = loadCommit(repository, commit);
  assert.deepEqual({ tree: rootTree, meta }, ostreeRoot(twin, expected), `${repository.config.mode} ${args.join(" ")}`);
}

for (const mode of HERE) {
  test(`a commit to ${mode} has ostree's root, whatever the options, and ostree fsck finds no fault`, async (t) => {
    if (!requires(t, NEEDS)) return;
    const pair = makePair(t, mode);
    await assertSameRoot(pair, [], { branch: "plain" });
    await assertSameRoot(pair, ["--no-xattrs"], { branch: "no-xattrs", noXattrs: true });
    await assertSameRoot(pair, ["--canonical-permissions"], { branch: "canonical", canonicalPermissions: true });
    if (mode !== "bare-user-only") {
      await assertSameRoot(pair, ["--owner-uid=0", "--owner-gid=0"], { branch: "owned", ownerUid: 0, ownerGid: 0 });
      if (isRoot || mode !== "bare")
        await assertSameRoot(pair, ["--owner-uid=77", "--owner-gid=2000000000"], { ownerUid: 77, ownerGid: 2_000_000_000 });
    }
    assert.match(ostree(pair.repository.path, "fsck", "-a"), /no errors found/);
  });

  test(`ostree lists, checks out and pulls a commit of ${mode} as its own`, async (t) => {
    if (!requires(t, NEEDS)) return;
    const { repository, twin, tree, folder } = makePair(t, mode);
    ostree(twin, "commit", "-b", "x", "-s", "s", `--tree=dir=${tree}`);
    const { commit } = await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: tree }] });
    for (const options of [["-R", "-C", "-X"], ["-d"]])
      assert.equal(ostree(repository.path, "ls", ...options, "x"), ostree(twin, "ls", ...options, "x"));
    for (const options of [["-U"], ...(isRoot ? [["--force-copy"]] : [])]) {
      const name = options.join("");
      ostree(repository.path, "checkout", ...options, "x", `${folder}/ours${name}`);
      ostree(twin, "checkout", ...options, "x", `${folder}/theirs${name}`);
      const theirs = diskFacts(`${folder}/theirs${name}`);
      assert.deepEqual(factDifferences(theirs, diskFacts(`${folder}/ours${name}`), { except: ["mtime"] }), []);
    }
    newOstreeRepository(`${folder}/pulled`, mode);
    ostree(`${folder}/pulled`, "pull-local", repository.path, "x", "regrow/sidecar/x");
    assert.equal(ostree(`${folder}/pulled`, "rev-parse", "x"), commit);
    assert.match(ostree(`${folder}/pulled`, "fsck", "-a"), /no errors found/);
  });
}

test("an overlay of trees is ostree's, with folders joined and their metadata taken from above", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { repository, twin, tree, folder } = makePair(t, "archive");
  const upper = `${folder}/upper`;
  mkdirSync(`${upper}/plain/empty-folder/new`, { recursive: true });
  mkdirSync(`${upper}/brand/new`, { recursive: true });
  writeFileSync(`${upper}/plain/hello`, "another hello\n");
  writeFileSync(`${upper}/plain/added`, "added\n");
  chmodSync(`${upper}/plain`, 0o711);
  for (const name of ["base", "third"]) {
    ostree(twin, "commit", "-b", name, "-s", "s", `--tree=dir=${name === "base" ? tree : upper}`);
    await commitTree(repository, { branch: name, sources: [{ kind: "dir", path: name === "base" ? tree : upper }] });
  }
  const base = ostree(repository.path, "rev-parse", "base") as CommitOptions["parent"] & string;
  const third = ostree(repository.path, "rev-parse", "third") as CommitOptions["parent"] & string;
  for (const [args, sources] of [
    [
      ["--tree=ref=base", `--tree=dir=${upper}`],
      [
        { kind: "commit", commit: base },
        { kind: "dir", path: upper },
      ],
    ],
    [
      [`--tree=dir=${tree}`, "--tree=ref=third"],
      [
        { kind: "dir", path: tree },
        { kind: "commit", commit: third },
      ],
    ],
    [
      ["--tree=ref=base", "--tree=ref=third"],
      [
        { kind: "commit", commit: base },
        { kind: "commit", commit: third },
      ],
    ],
  ] as [string[], CommitOptions["sources"]][]) {
    const expected = ostree(twin, "commit", "-b", "x", "-s", "s", ...args);
    const { commit } = await commitTree(repository, { sources });
    const { tree: rootTree, meta } = loadCommit(repository, commit);
    assert.deepEqual({ tree: rootTree, meta }, ostreeRoot(twin, expected), args.join(" "));
  }
  assert.match(ostree(repository.path, "fsck", "-a"), /no errors found/);
});

test("the files of an archive unpack to ostree's headers and contents, at every zlib level", async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = scratchFolder(t);
  const tree = `${folder}/tree`;
  makeNastyTree(tree, { root: isRoot, many: 50, large: true });
  for (const level of ["6", "1"]) {
    const ours = newRepository(t, `${folder}/ours-${level}`, "archive").path;
    const theirs = newOstreeRepository(`${folder}/theirs-${level}`, "archive");
    for (const path of [ours, theirs]) ostree(path, "config", "set", "archive.zlib-level", level);
    ostree(theirs, "commit", "-b", "x", "-s", "s", `--tree=dir=${tree}`);
    const repository = newRepository(t, ours, "archive");
    await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: tree }], sidecar: false });
    const objects = filezIn(theirs);
    assert.deepEqual(filezIn(ours), objects);
    // The two programs may be built with different releases of zlib, so the packed bytes need not be the same.
    const report = runText("python3", ["-c", UNPACK, ours, theirs], { input: objects.join("\n") });
    const [same, unpacked] = report.split(" ").map(Number);
    assert.equal(unpacked, objects.length);
    t.diagnostic(`level ${level}: of ${unpacked} objects ${same} have the very same packed bytes too`);
  }
});

/** Compares header and inflated payload of each object named on stdin; prints how many have equal bytes, and equal meaning. */
const UNPACK = `
import sys, zlib
same = unpacked = 0
for name in sys.stdin.read().split("\\n"):
    a, b = (open(f"{repository}/objects/{name}", "rb").read() for repository in sys.argv[1:])
    start = 8 + int.from_bytes(a[:4], "big")
    assert a[:start] == b[:start], name
    meaning = [zlib.decompress(x[start:], -15) if len(x) > start else b"" for x in (a, b)]
    assert meaning[0] == meaning[1], name
    same += a == b
    unpacked += 1
print(same, unpacked)
`;

test("ostree prune keeps the sidecars of what it keeps, and drops those of what it drops", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { repository, tree } = makePair(t, "archive");
  const commits: string[] = [];
  for (let index = 0; index < 3; index++) {
    writeFileSync(`${tree}/plain/hello`, `hello ${index}\n`);
    commits.push((await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: tree }] })).commit);
  }
  const sidecars = ostree(repository.path, "log", "regrow/sidecar/x")
    .match(/(?<=^commit )[0-9a-f]{64}/gm)!
    .toReversed();
  assert.equal(sidecars.length, 3);
  const before = objectsOf(repository.path).size;
  ostree(repository.path, "prune", "--refs-only", "--depth=1");
  const left = objectsOf(repository.path);
  assert.ok(left.size < before);
  for (const [index, checksum] of [...commits, ...sidecars].entries())
    assert.equal(left.has(`${checksum}.commit`), index % 3 > 0, `commit ${index}`);
  ostree(repository.path, "prune", "--refs-only", "--depth=0");
  assert.match(ostree(repository.path, "fsck", "-a"), /no errors found/);
  const again = await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: tree }], skipUnchanged: true });
  assert.equal(again.commit, commits[2]);
});

test("links to the repository are taken for its objects only where the metadata is committed as it is", async (t) => {
  if (!requires(t, { ...NEEDS, root: true })) return;
  const pair = makePair(t, "bare");
  const { repository, tree, folder } = pair;
  const { commit } = await commitTree(repository, { sources: [{ kind: "dir", path: tree }] });
  await checkoutCommit(repository, commit, `${folder}/linked`, { hardlink: true });
  const linked = { ...pair, tree: `${folder}/linked` };
  await assertSameRoot(linked, [], { linkCheckoutSpeedup: true });
  await assertSameRoot(linked, ["--owner-uid=3"], { linkCheckoutSpeedup: true, ownerUid: 3 });
  await assertSameRoot(linked, ["--no-xattrs"], { linkCheckoutSpeedup: true, noXattrs: true });
  await assertSameRoot(linked, ["--canonical-permissions"], { linkCheckoutSpeedup: true, canonicalPermissions: true });
});

test("a file that grows and shrinks while it is committed makes no false object", async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = scratchFolder(t);
  mkdirSync(`${folder}/tree`);
  const writer = `
import os, sys, time
end = time.time() + float(sys.argv[2])
large, small = os.open(sys.argv[1] + "/large", os.O_RDWR | os.O_CREAT), os.open(sys.argv[1] + "/small", os.O_RDWR | os.O_CREAT)
print("ready", flush=True)
index = 0
while time.time() < end:
    index += 1
    for fd, size in ((large, 36 << 20), (small, 300000)):
        os.ftruncate(fd, size)
        os.pwrite(fd, b"%d" % index * 1000, size // 2)
    for fd, size in ((large, 33 << 20), (small, 5000)):
        os.ftruncate(fd, size)
`;
  const child = spawn("python3", ["-c", writer, `${folder}/tree`, "4"], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const finished = new Promise((resolve) => child.once("exit", resolve));
  let torn = 0;
  for (const mode of ["archive", "bare-user"] as const) {
    const repository = newRepository(t, `${folder}/${mode}`, mode);
    for (let round = 0; round < 4; round++) {
      const { counts } = await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: `${folder}/tree` }] });
      torn += counts.torn;
    }
    assert.match(ostree(repository.path, "fsck", "-a"), /no errors found/);
  }
  child.kill();
  await finished;
  t.diagnostic(`${torn} torn files in 8 commits`);
  assert.ok(torn > 0, "no file was torn: the test shows nothing");
});

function filezIn(repository: string): string[] {
  return [...objectsOf(repository)]
    .filter((name) => name.endsWith(".filez"))
    .map((name) => `${name.slice(0, 2)}/${name.slice(2)}`);
}

function objectsOf(repository: string): Set<string> {
  const folders = readdirSync(`${repository}/objects`).toSorted();
  return new Set(folders.flatMap((folder) => readdirSync(`${repository}/objects/${folder}`).map((name) => folder + name)));
}

test("the tree itself is left as it was", async (t) => {
  if (!requires(t, { programs: ["python3", "rsync"] })) return;
  const { repository, tree, folder } = makePair(t, "archive");
  run("cp", ["-a", tree, `${folder}/copy`]);
  const before = diskFacts(tree);
  await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: tree }] });
  assert.deepEqual(factDifferences(before, diskFacts(tree)), []);
  const options = ["-aHAXn", "--delete", "--checksum", "--modify-window=-1", "-i"];
  assert.equal(runText("rsync", [...options, `${folder}/copy/`, `${tree}/`]), "");
});
