/** regrow reads what ostree made: commits of every mode, with every kind of metadata, checked out, listed and compared as ostree does. */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { type ByteString, EMPTY } from "../../src/base/byte-string.ts";
import { lookUp } from "../../src/codec/gvariant/value.ts";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { decodeDetachedMetadata } from "../../src/codec/ostree/detached-metadata.ts";
import { type CheckoutOptions, checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import { diffCommitFolder, diffCommits } from "../../src/store/diff/diff.ts";
import { listTree } from "../../src/store/list-tree.ts";
import { history } from "../../src/store/log.ts";
import { loadCommit, loadMetadata } from "../../src/store/object-files.ts";
import { type Repository, closeRepository, openRepository } from "../../src/store/repository.ts";
import { resolveRevision } from "../../src/store/revision.ts";
import { diskFacts, factDifferences } from "../support/disk-facts.ts";
import { makeNastyTree } from "../support/nasty-tree.ts";
import { run } from "../support/programs.ts";
import { MODES, newOstreeRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { atEnd, scratchFolder } from "../support/scratch.ts";

const isRoot = process.geteuid!() === 0;
const NEEDS = { programs: ["ostree", "python3"] };
const HERE = isRoot ? MODES : MODES.filter((mode) => mode !== "bare");

for (const mode of HERE) {
  test(`a commit that ostree made in ${mode} is checked out and listed as ostree does it`, async (t) => {
    if (!requires(t, NEEDS)) return;
    const folder = scratchFolder(t);
    makeNastyTree(`${folder}/tree`, { root: isRoot, deep: 30, many: 50 });
    const path = newOstreeRepository(`${folder}/repository`, mode);
    const commit = ostree(path, "commit", "-b", "x", "-s", "s", `--tree=dir=${folder}/tree`) as Checksum;
    const repository = openRepository(path);
    atEnd(t, () => closeRepository(repository));
    assert.equal(resolveRevision(repository, "x"), commit);
    assert.deepEqual(lines(repository, commit), ostree(path, "ls", "-R", "-C", "x").split("\n"));
    const ways: [string[], CheckoutOptions][] = [[["-U", "--force-copy"], { userMode: true }]];
    if (isRoot && mode !== "bare-user-only")
      ways.push([["--force-copy"], {}], [["--force-copy", "--subpath=/modes"], { subpath: "modes" }]);
    if (mode === "bare" || mode === "bare-user-only") ways.push([["-H"], { hardlink: true, userMode: mode !== "bare" }]);
    for (const [args, options] of ways) {
      const name = args.join("").replaceAll("/", "");
      const flags = mode === "bare-user-only" && args[0] === "-H" ? ["-U", ...args] : args;
      ostree(path, "checkout", ...flags, "x", `${folder}/theirs${name}`);
      await checkoutCommit(repository, commit, `${folder}/ours${name}`, options);
      const theirs = diskFacts(`${folder}/theirs${name}`);
      const except = ["mtime", "same"] as const;
      const found = factDifferences(theirs, diskFacts(`${folder}/ours${name}`), { except });
      // ostree lets files inherit the default ACL of the folder that it makes them in, whatever the commit says.
      const own = ['"xattrs/acl-default/'];
      // It gives a copy of what can't be read, not a link.
      if (mode === "bare-user-only" && args[0] === "-H") own.push('"plain/unreadable"');
      assert.deepEqual(
        found.filter((line) => !own.some((start) => line.startsWith(start))),
        [],
        `${mode} ${name}`,
      );
    }
    if (mode === "bare") assertLinked(repository, `${folder}/ours-H/plain/hello`);
  });
}

test("the metadata of ostree's commits is read: keys of every type, bindings, detached metadata, archives as sources", async (t) => {
  if (!requires(t, { programs: ["ostree", "tar"] })) return;
  const folder = scratchFolder(t);
  const path = newOstreeRepository(`${folder}/repository`, "archive");
  mkdirSync(`${folder}/tree/sub`, { recursive: true });
  writeFileSync(`${folder}/tree/file`, "one\n");
  const keys = ["--add-metadata-string=version=1.2", "--add-metadata=a.number=uint32 7", "--add-metadata=a.list=['x', 'y']"];
  const detached = "--add-detached-metadata-string=signed.by=nobody";
  const tree = `--tree=dir=${folder}/tree`;
  ostree(path, "commit", "-b", "x", "-s", "first", "-m", "body\nof two lines", tree, ...keys, detached, "--bind-ref=other");
  run("tar", ["-C", `${folder}/tree`, "-cf", `${folder}/tree.tar`, "."]);
  ostree(path, "commit", "-b", "x", "-s", "second", `--tree=tar=${folder}/tree.tar`, "--timestamp=2001-02-03 04:05:06Z");
  const orphan = ostree(path, "commit", "-s", "third", "--tree=ref=x", "--orphan") as Checksum;
  const repository = openRepository(path);
  atEnd(t, () => closeRepository(repository));

  const entries = [...history(repository, [resolveRevision(repository, "x")])];
  assert.deepEqual(
    entries.map(({ commit }) => commit.subject),
    ["second", "first"],
  );
  assert.equal(entries[0]!.commit.timestamp, Date.UTC(2001, 1, 3, 4, 5, 6) / 1000);
  const first = entries[1]!;
  assert.equal(first.commit.body, "body\nof two lines");
  assert.equal(lookUp(first.commit.metadata, "version", "s"), "1.2");
  assert.deepEqual(lookUp(first.commit.metadata, "a.list", "as"), ["x", "y"]);
  assert.deepEqual(lookUp(first.commit.metadata, "ostree.ref-binding", "as"), ["other", "x"]);
  const more = decodeDetachedMetadata(
    readFileSync(`${path}/objects/${first.checksum.slice(0, 2)}/${first.checksum.slice(2)}.commitmeta`),
  );
  assert.equal(lookUp(more, "signed.by", "s"), "nobody");
  assert.equal(loadCommit(repository, orphan).parent, undefined);
  for (const checksum of [...entries.map((entry) => entry.checksum), orphan]) {
    await checkoutCommit(repository, checksum, `${folder}/${checksum}`);
    assert.equal(readFileSync(`${folder}/${checksum}/file`, "utf8"), "one\n");
  }
  // A commit on top of ostree's has it as parent, and ostree follows the chain.
  await commitTree(repository, { branch: "x", subject: "fourth", sources: [{ kind: "dir", path: `${folder}/tree` }] });
  assert.match(ostree(path, "log", "x"), /fourth[^]*second[^]*first/);
});

test("differences between ostree's commits, and between one and a folder, are those that ostree diff finds", async (t) => {
  if (!requires(t, NEEDS)) return;
  const folder = scratchFolder(t);
  const tree = `${folder}/tree`;
  makeNastyTree(tree, { root: isRoot });
  const path = newOstreeRepository(`${folder}/repository`, isRoot ? "bare" : "archive");
  const a = ostree(path, "commit", "-b", "x", "-s", "a", `--tree=dir=${tree}`) as Checksum;
  appendFileSync(`${tree}/plain/hello`, "more\n");
  rmSync(`${tree}/plain/secret`);
  rmSync(`${tree}/modes/dir-711`, { recursive: true });
  writeFileSync(`${tree}/plain/new`, "new, and like nothing else\n");
  mkdirSync(`${tree}/plain/new-folder`);
  run("chmod", ["0604", `${tree}/plain/block`]);
  run("touch", [`${tree}/plain/script`]);
  const b = ostree(path, "commit", "-b", "x", "-s", "b", `--tree=dir=${tree}`) as Checksum;
  const repository = openRepository(path);
  atEnd(t, () => closeRepository(repository));
  const expected = ostree(path, "diff", a, b)
    .split("\n")
    .map((line) => line.replace(/ +\//, " "))
    .toSorted();
  assert.ok(expected.length >= 6, expected.join());
  const letters = { added: "A", removed: "D", modified: "M", renamed: "R" };
  const between = (await diffCommits(repository, a, b)).changes.map((change) => `${letters[change.kind]} ${change.path}`);
  // ostree names a folder that came or went and nothing below it.
  const known = (lines: readonly string[]): string[] =>
    lines.filter((line) => line !== "D modes/dir-711/file" && line !== "D modes/dir-711/sub").toSorted();
  assert.deepEqual(known(between), known(expected));
  const here = (await diffCommitFolder(repository, a, tree)).changes.map((change) => `${letters[change.kind]} ${change.path}`);
  assert.deepEqual(known(here), known(expected));
  assert.deepEqual((await diffCommitFolder(repository, b, tree)).changes, []);
});

/** As `ostree ls -R -C` prints them. */
function lines(repository: Repository, commit: Checksum): string[] {
  return [...listTree(repository, commit, EMPTY, { depth: Infinity })]
    .map((entry) => {
      const type = { 0o040000: "d", 0o120000: "l" }[entry.mode & 0o170000] ?? "-";
      const mode = (entry.mode & 0o7777).toString(8).padStart(5, "0");
      const sums = [entry.checksum, entry.metaChecksum].filter((sum) => sum !== undefined).join(" ");
      const target = type === "l" ? ` -> ${text(entry.target)}` : "";
      const size = String(entry.size).padStart(6);
      return `${type}${mode} ${entry.uid} ${entry.gid} ${size} ${sums} /${text(entry.path)}${target}`.split("\n");
    })
    .flat();
}

function text(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function assertLinked(repository: Repository, file: string): void {
  const links = Number(run("stat", ["-c", "%h", file]).toString());
  assert.ok(links > 1, `${file} is no hard link to ${repository.path}`);
  assert.ok(loadMetadata(repository, "commit", resolveRevision(repository, "x")).length > 0);
  assert.ok(loadCommit(repository, resolveRevision(repository, "x")).timestamp > 0);
}
