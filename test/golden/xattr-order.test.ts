/**
 * Objects whose attributes ostree took from an archive as they stood there: in any order, from bsdtar's archives each twice. Their
 * checksums are over those very bytes, so that what is copied has to keep them; ostree's own fsck is the judge.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { EMPTY } from "../../src/base/byte-string.ts";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import { diffCommitFolder, diffCommits } from "../../src/store/diff/diff.ts";
import { checkRepository, isSound } from "../../src/store/fsck/fsck.ts";
import { listTree } from "../../src/store/list-tree.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import { repositorySource } from "../../src/store/pull/object-source.ts";
import { pull } from "../../src/store/pull/pull.ts";
import { type Repository, closeRepository, openRepository } from "../../src/store/repository.ts";
import { diskFacts, factDifferences } from "../support/disk-facts.ts";
import { runText } from "../support/programs.ts";
import { newOstreeRepository, newRepository, ostree, tryOstree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { atEnd, scratchFolder } from "../support/scratch.ts";
import { END, header, octal, padded, pax } from "../support/tar-archive.ts";
import { commitFolder, exported } from "../support/tar-store.ts";

const NEEDS = { programs: ["ostree", "python3"] };
/** More than is held in memory, so that every way of copying is taken. */
const LARGE = 34 * 2 ** 20;
const UNSORTED = [
  ["SCHILY.xattr.user.z", "1"],
  ["SCHILY.xattr.user.b", "2"],
  ["SCHILY.xattr.user.m", "3"],
] as const;
/** As bsdtar writes each: raw and in base64. */
const TWICE = [
  ["SCHILY.xattr.user.z", "1"],
  ["LIBARCHIVE.xattr.user.z", "MQ"],
  ["SCHILY.xattr.user.b", "2"],
  ["LIBARCHIVE.xattr.user.b", "Mg"],
  ["SCHILY.xattr.user.m", "3"],
  ["LIBARCHIVE.xattr.user.m", "Mw"],
] as const;

for (const [what, attributes] of [["out of order", UNSORTED] as const, ["twice", TWICE] as const]) {
  for (const mode of ["archive", "bare-user"] as const) {
    test(`attributes ${what}: what ostree made in ${mode} is read, listed, checked, checked out and compared`, async (t) => {
      if (!requires(t, NEEDS)) return;
      const { folder, commit, repository } = fromOstree(t, mode, attributes);
      const names = [...listTree(repository, commit, EMPTY, { depth: Infinity })]
        .find(({ path }) => path === "d/small")
        ?.xattrs.map(({ name }) => name);
      assert.notDeepEqual(names, [...new Set(names)].sort(), "ostree took them as they stood");
      const report = await checkRepository(repository);
      assert.ok(isSound(report), JSON.stringify(report.bad));
      for (const [args, options] of [
        [["--force-copy"], {}],
        [["-U", "--force-copy"], { userMode: true }],
      ] as const) {
        if (args.length === 1 && process.geteuid!() !== 0) continue;
        const [theirs, ours] = [`${folder}/theirs${args.length}`, `${folder}/ours${args.length}`];
        ostree(repository.path, "checkout", ...args, "x", theirs);
        await checkoutCommit(repository, commit, ours, options);
        assert.deepEqual(factDifferences(diskFacts(theirs), diskFacts(ours), { except: ["mtime", "same"] }), []);
      }
      if (process.geteuid!() !== 0) return;
      // The folder's own commit has them in order: other objects, the same state.
      assert.deepEqual((await diffCommitFolder(repository, commit, `${folder}/ours1`)).changes, []);
      const again = await commitFolder(repository, `${folder}/ours1`, { sidecar: false });
      assert.notEqual(again.tree, loadCommit(repository, commit).tree);
      assert.deepEqual((await diffCommits(repository, commit, again.commit)).changes, []);
    });

    for (const target of ["archive", "bare-user"] as const) {
      test(`attributes ${what}: pulled from ${mode} into ${target}, the bytes stay`, async (t) => {
        if (!requires(t, NEEDS)) return;
        const { folder, commit, repository } = fromOstree(t, mode, attributes);
        const copy = newRepository(t, `${folder}/copy`, target);
        await pull(copy, repositorySource(repository), { refs: [{ from: "x", to: "x" }] });
        ostree(copy.path, "fsck");
        assert.equal(ostree(copy.path, "ls", "-RXC", "x"), ostree(repository.path, "ls", "-RXC", "x"));
        // A tree that is committed as it is keeps its root too.
        const { commit: same } = await commitTree(copy, { sources: [{ kind: "commit", commit }], sidecar: false });
        assert.equal(loadCommit(copy, same).tree, loadCommit(copy, commit).tree);
      });
    }
  }

  test(`attributes ${what}: mode bare can't keep them, and says so instead of storing what is damaged`, async (t) => {
    if (!requires(t, { ...NEEDS, root: true })) return;
    const { folder, repository } = fromOstree(t, "archive", attributes);
    const bare = newRepository(t, `${folder}/bare`, "bare");
    await assert.rejects(pull(bare, repositorySource(repository), { refs: [{ from: "x", to: "x" }] }), {
      code: "unsupported",
      message: /bare/,
    });
    assert.ok(isSound(await checkRepository(bare)));
  });

  test(`attributes ${what}: what ostree put into a bare repository is damaged for both, and can be checked out by both`, async (t) => {
    if (!requires(t, { ...NEEDS, root: true })) return;
    const { folder, commit, repository } = fromOstree(t, "bare", attributes);
    const theirs = tryOstree({}, repository.path, "fsck", "-a");
    const named = theirs.stderr.match(/(?<=content object )[0-9a-f]{64}/g) ?? [];
    const { bad } = await checkRepository(repository);
    assert.deepEqual(bad.map(({ checksum }) => checksum).sort(), [...new Set(named)].sort());
    assert.equal(bad.length, 2);
    ostree(repository.path, "checkout", "--force-copy", "x", `${folder}/theirs`);
    await checkoutCommit(repository, commit, `${folder}/ours`, {});
    const found = factDifferences(diskFacts(`${folder}/theirs`), diskFacts(`${folder}/ours`), { except: ["mtime", "same"] });
    assert.deepEqual(found, []);
  });

  test(`attributes ${what}: an archive of the commit names each once, and GNU tar takes it`, async (t) => {
    if (!requires(t, { root: true, programs: ["ostree", "tar", "python3"] })) return;
    const { folder, commit, repository } = fromOstree(t, "archive", attributes);
    writeFileSync(`${folder}/out.tar`, await exported(repository, commit));
    runText("mkdir", [`${folder}/unpacked`]);
    runText("tar", ["-C", `${folder}/unpacked`, "--xattrs", "--xattrs-include=*", "-xf", `${folder}/out.tar`]);
    ostree(repository.path, "checkout", "--force-copy", "x", `${folder}/theirs`);
    const found = factDifferences(diskFacts(`${folder}/theirs`), diskFacts(`${folder}/unpacked`), { except: ["mtime", "same"] });
    assert.deepEqual(found, []);
    assert.equal(readFileSync(`${folder}/out.tar`, "latin1").split("SCHILY.xattr.user.z=").length - 1, 3);
  });
}

function fromOstree(
  t: TestContext,
  mode: "archive" | "bare" | "bare-user",
  attributes: readonly (readonly [string, string])[],
): { folder: string; commit: Checksum; repository: Repository } {
  const folder = scratchFolder(t);
  const extra = pax(...attributes);
  const blocks = [
    header({ name: "./", type: "5", mode: octal(0o755, 8) }),
    ...[extra, header({ name: "./d/", type: "5", mode: octal(0o755, 8) })],
    ...[extra, header({ name: "./d/small", size: octal(5) }), padded("small")],
    ...[extra, header({ name: "./d/large", size: octal(LARGE) }), padded("some data, ".repeat(LARGE / 11 + 1).slice(0, LARGE))],
    END,
  ];
  writeFileSync(`${folder}/a.tar`, Buffer.concat(blocks));
  const path = newOstreeRepository(`${folder}/repository`, mode);
  const commit = ostree(path, "commit", "-b", "x", "-s", "s", `--tree=tar=${folder}/a.tar`) as Checksum;
  const repository = openRepository(path);
  atEnd(t, () => closeRepository(repository));
  return { folder, commit, repository };
}
