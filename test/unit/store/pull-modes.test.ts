import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Checksum } from "../../../src/codec/ostree/checksum.ts";
import { commitTree } from "../../../src/store/commit.ts";
import { repositorySource } from "../../../src/store/pull/object-source.ts";
import { pull } from "../../../src/store/pull/pull.ts";
import { type Repository, closeRepository, openRepository } from "../../../src/store/repository.ts";
import type { RepositoryMode } from "../../../src/store/repository-config.ts";
import { commitFiles, objectsOf, refsOf } from "../../support/histories.ts";
import { makeNastyTree } from "../../support/nasty-tree.ts";
import { MODES, newOstreeRepository, newRepository, ostree } from "../../support/repositories.ts";
import { requires } from "../../support/requires.ts";
import { scratchFolder } from "../../support/scratch.ts";

/** A commit with everything that the mode can hold. */
async function filled(repository: Repository, scratch: string, options: { readonly canonical: boolean }): Promise<Checksum> {
  const tree = `${scratch}/tree`;
  makeNastyTree(tree, { root: true, odd: true, nodes: true });
  const { canonical } = options;
  const sources = [{ kind: "dir", path: tree }] as const;
  const { commit } = await commitTree(repository, {
    branch: "main",
    sources,
    canonicalPermissions: canonical,
    noXattrs: canonical,
  });
  return commit;
}

function checkCopy(source: Repository, target: Repository, commit: Checksum): void {
  assert.match(ostree(target.path, "fsck"), /no errors/);
  assert.deepEqual(refsOf(target), refsOf(source));
  const plain = (path: string): string[] => objectsOf(path).map((name) => name.replace(/\.filez$/, ".file"));
  assert.deepEqual(plain(target.path), plain(source.path));
  assert.equal(ostree(target.path, "ls", "-R", "-C", "-X", commit), ostree(source.path, "ls", "-R", "-C", "-X", commit));
}

async function checkPulls(source: Repository, commit: Checksum, targets: readonly Repository[], least = 50): Promise<void> {
  for (const target of targets) {
    const first = await pull(target, repositorySource(source));
    assert.equal(first.commits, 1);
    assert.ok(first.contentObjects >= least && first.writtenBytes > 0, `${first.contentObjects} objects`);
    checkCopy(source, target, commit);
    const again = await pull(target, repositorySource(source));
    assert.deepEqual([again.commits, again.metadataObjects, again.contentObjects], [0, 0, 0]);
    assert.equal(again.refs[0]!.kind, "same");
  }
}

const FULL: readonly RepositoryMode[] = ["bare", "bare-user", "archive"];

for (const mode of FULL) {
  test(`what ${mode} holds comes into bare, bare-user and archive as it is`, async (t) => {
    if (!requires(t, { root: true, programs: ["ostree", "python3", "setfattr"] })) return;
    const scratch = scratchFolder(t);
    const source = newRepository(t, `${scratch}/source`, mode);
    const commit = await filled(source, scratch, { canonical: false });
    const targets = FULL.map((target) => newRepository(t, `${scratch}/to-${target}`, target));
    await checkPulls(source, commit, targets);
  });
}

for (const mode of MODES) {
  test(`canonical content comes from ${mode} into bare-user-only, and back into every mode`, async (t) => {
    if (!requires(t, { root: true, programs: ["ostree", "python3", "setfattr"] })) return;
    const scratch = scratchFolder(t);
    const source = newRepository(t, `${scratch}/source`, mode);
    const commit = await filled(source, scratch, { canonical: true });
    const middle = newRepository(t, `${scratch}/middle`, "bare-user-only");
    await checkPulls(source, commit, [middle]);
    if (mode !== "bare-user-only") await checkPulls(middle, commit, [newRepository(t, `${scratch}/back`, mode)]);
  });
}

test("files that are too large for memory pass between all modes", async (t) => {
  if (!requires(t, { root: true, programs: ["ostree"] })) return;
  const scratch = scratchFolder(t);
  const data = Buffer.alloc(33 * 1024 * 1024 + 17);
  randomBytes(300_000).copy(data, 20_000_000);
  randomBytes(100).copy(data, data.length - 100);
  const first = newRepository(t, `${scratch}/bare`, "bare");
  const commit = await commitFiles(
    first,
    scratch,
    { "a/large": data, small: "x" },
    { canonicalPermissions: true, noXattrs: true },
  );
  for (const mode of MODES) {
    const source = mode === "bare" ? first : newRepository(t, `${scratch}/${mode}`, mode);
    if (mode !== "bare") await checkPulls(first, commit, [source], 4);
    await checkPulls(
      source,
      commit,
      MODES.map((target) => newRepository(t, `${scratch}/${mode}-${target}`, target)),
      4,
    );
  }
});

test("ostree takes from ours what it would take from its own, and we from ostree's", async (t) => {
  if (!requires(t, { root: true, programs: ["ostree", "python3", "setfattr"] })) return;
  const scratch = scratchFolder(t);
  const tree = `${scratch}/tree`;
  makeNastyTree(tree, { root: true });
  for (const from of FULL) {
    const theirs = newOstreeRepository(`${scratch}/ostree-${from}`, from);
    const commit = ostree(theirs, "commit", "-b", "main", "-s", "by ostree", tree) as Checksum;
    const source = openRepository(theirs);
    t.after(() => closeRepository(source));
    for (const to of FULL) {
      const ours = newRepository(t, `${scratch}/ours-${from}-${to}`, to);
      await pull(ours, repositorySource(source));
      checkCopy(source, ours, commit);
      const back = newOstreeRepository(`${scratch}/back-${from}-${to}`, from);
      ostree(back, "pull-local", "--untrusted", ours.path, "main");
      assert.match(ostree(back, "fsck"), /no errors/);
      assert.equal(ostree(back, "rev-parse", "main"), commit);
    }
  }
});
