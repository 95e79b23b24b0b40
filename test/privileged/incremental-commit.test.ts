/**
 * What an incremental commit touches, and what it does where something is wrong: it follows the changes and not the tree, falls back to
 * a full scan where it must, and publishes nothing where it is stopped or found to be wrong.
 */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { ByteString } from "../../src/base/byte-string.ts";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { looseName } from "../../src/codec/ostree/object-name.ts";
import { commitSnapshot } from "../../src/machine/capture/commit-snapshot.ts";
import { commitTree } from "../../src/store/commit.ts";
import { commitChanges } from "../../src/store/incremental/commit-changes.ts";
import { markPartial } from "../../src/store/partial-commits.ts";
import { readRef } from "../../src/store/refs.ts";
import type { Repository } from "../../src/store/repository.ts";
import { loadDirTree } from "../../src/store/object-files.ts";
import { namesOfInode } from "../../src/sys/btrfs.ts";
import { CWD, O, closeFd, openAt } from "../../src/sys/open.ts";
import { readSnapshotChanges } from "../../src/volume/btrfs/snapshot-changes.ts";
import { run, runText } from "../support/programs.ts";
import { newRepository } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem } from "../support/scratch.ts";

const NEEDS = { root: true, programs: ["btrfs", "mkfs.btrfs", "mount"], filesystems: ["btrfs"] };

test("the cost is that of the changes", async (t) => {
  if (!requires(t, NEEDS)) return;
  const costs = [];
  for (const folders of [20, 200]) {
    const { live, repository, snapshot } = prepare(t, folders);
    const before = snapshot("before");
    const base = await commitSnapshot(repository, { branch: "x", after: before });
    assert.equal(base.counts.files, folders * 10 + 1);
    // No folder but those that change and those above may be asked for: the others are not even there.
    forgetFolders(repository, base.tree, ["d0", "d1", "d2"]);
    change(live);
    const after = snapshot("after");
    const next = await commitSnapshot(repository, { branch: "x", after, base: { commit: base.commit, snapshot: before } });
    assert.equal(next.obstacle, undefined);
    const { counts, foldersLoaded, lookedBelowMoved } = next;
    costs.push({ hashed: counts.hashed, files: counts.files, folders: counts.folders, foldersLoaded, lookedBelowMoved });
    const whole = await commitTree(repository, { branch: "whole", sources: [{ kind: "dir", path: after }], useCache: false });
    assert.equal(next.tree, whole.tree);
    assert.equal(whole.counts.folders, folders + 1);
  }
  t.diagnostic(JSON.stringify(costs[0]));
  assert.deepEqual(costs[0], costs[1]);
  // The root, d0 and d1 have changed; d2 has moved, and there is a file with two names in it.
  assert.deepEqual(costs[0], { hashed: 1, files: 2, folders: 3, foldersLoaded: 4, lookedBelowMoved: 11 });
});

test("a full scan where nothing can be built upon", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { live, repository, snapshot } = prepare(t, 5);
  const before = snapshot("before");
  const dir = { kind: "dir", path: before } as const;
  const base = await commitSnapshot(repository, { after: before });
  const other = await commitSnapshot(repository, { after: before, ownerUid: 7 });
  const plain = await commitTree(repository, { sources: [dir] });
  const bare = await commitTree(repository, { sources: [dir], sidecar: false });
  const partial = await commitSnapshot(repository, { after: before, subject: "partial" });
  markPartial(repository, partial.commit);
  change(live);
  const after = snapshot("after");
  run("btrfs", ["-q", "subvolume", "create", `${live}-other`]);
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", `${live}-other`, `${live}-unrelated`]);
  const expected = (await commitTree(repository, { sources: [{ kind: "dir", path: after }], useCache: false })).tree;
  const cases: readonly (readonly [RegExp, { commit: Checksum; snapshot: string }])[] = [
    [/other options/, { commit: other.commit, snapshot: before }],
    [/does not say how/, { commit: plain.commit, snapshot: before }],
    [/no sidecar/, { commit: bare.commit, snapshot: before }],
    [/not all there/, { commit: partial.commit, snapshot: before }],
    [/not all there/, { commit: "0".repeat(64) as Checksum, snapshot: before }],
    [/no such file/, { commit: base.commit, snapshot: `${before}-gone` }],
    [/./, { commit: base.commit, snapshot: live }],
    [/./, { commit: base.commit, snapshot: `${live}-unrelated` }],
  ];
  for (const [why, wrong] of cases) {
    const said: string[] = [];
    const result = await commitSnapshot(
      repository,
      { after, base: wrong, verify: true },
      { onEvent: (event) => event.kind === "notice" && said.push(event.code) },
    );
    assert.equal(result.tree, expected);
    assert.ok(!result.isIncremental);
    assert.match(result.obstacle ?? "", why);
    assert.deepEqual(said, ["full-scan"]);
  }
  await assert.rejects(commitSnapshot(repository, { after: live }), { code: "refused" });
});

test("what is missing or damaged of the base is read again", async (t) => {
  if (!requires(t, NEEDS)) return;
  for (const damage of ["missing", "damaged"]) {
    const { live, repository, snapshot } = prepare(t, 5);
    const before = snapshot("before");
    const base = await commitSnapshot(repository, { branch: "x", after: before });
    change(live);
    const after = snapshot("after");
    const object = `${repository.path}/objects/${looseName(base.tree, "dirtree")}`;
    if (damage === "missing") rmSync(object);
    else writeFileSync(object, "something else");
    const next = await commitSnapshot(repository, { branch: "x", after, base: { commit: base.commit, snapshot: before } });
    assert.match(next.obstacle ?? "", damage === "missing" ? /is missing/ : /is damaged/);
    const whole = await commitTree(repository, { sources: [{ kind: "dir", path: after }], useCache: false });
    assert.equal(next.tree, whole.tree);
  }
});

test("nothing is published where it is stopped or found to be wrong", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { live, repository, snapshot } = prepare(t, 5);
  const before = snapshot("before");
  const base = await commitSnapshot(repository, { branch: "x", after: before });
  change(live);
  const after = snapshot("after");
  const objects = (): string => runText("find", [`${repository.path}/objects`, `${repository.path}/tmp`]);
  const [wasThere, options] = [objects(), { branch: "x", after, base: { commit: base.commit, snapshot: before } }];
  for (const phase of ["scan", "write"]) {
    const abort = new AbortController();
    const observer = {
      signal: abort.signal,
      onEvent: (event: { kind: string; phase?: string }) => event.phase === phase && abort.abort(),
    };
    await assert.rejects(commitSnapshot(repository, options, observer), { code: "cancelled" }, phase);
  }
  // Changes that leave out a file that was written, or the other names of one.
  const { changes } = await readSnapshotChanges(before, after);
  const fd = openAt(CWD, after, O.RDONLY | O.DIRECTORY);
  try {
    const commit = (told: typeof changes, namesOf: (ino: number) => readonly ByteString[]): Promise<unknown> =>
      commitChanges(repository, {
        branch: "x",
        path: after,
        verify: true,
        base: { commit: base.commit, changes: { changes: told, relinked: [], namesOf } },
      });
    const written = changes.filter(({ path }) => path !== "d0/f5");
    assert.equal(written.length, changes.length - 1);
    await assert.rejects(
      commit(written, (ino) => namesOfInode(fd, ino)),
      { code: "verification", path: "d0/f5" },
    );
    await assert.rejects(
      commit(changes, () => []),
      { code: "verification", path: "a-moved/twin" },
    );
  } finally {
    closeFd(fd);
  }
  assert.equal(readRef(repository, "x"), base.commit);
  assert.equal(objects(), wasThere);
  const right = await commitSnapshot(repository, { ...options, verify: true });
  assert.ok(right.isIncremental);
  assert.equal(readRef(repository, "x"), right.commit);
});

test("an increment without any change, and the same again without a new commit", async (t) => {
  if (!requires(t, NEEDS)) return;
  const { repository, snapshot } = prepare(t, 5);
  const before = snapshot("before");
  const base = await commitSnapshot(repository, { branch: "x", after: before });
  const same = { branch: "x", after: snapshot("after"), base: { commit: base.commit, snapshot: before }, verify: true };
  const next = await commitSnapshot(repository, { ...same, skipUnchanged: true });
  assert.deepEqual([next.commit, next.isNew, next.foldersLoaded], [base.commit, false, 0]);
  assert.equal(next.counts.hashed, 0);
});

interface Prepared {
  readonly live: string;
  readonly repository: Repository;
  snapshot(name: string): string;
}

function prepare(t: TestContext, folders: number): Prepared {
  const mounted = mountedFileSystem(t, "btrfs", 500);
  const live = `${mounted}/live`;
  run("btrfs", ["-q", "subvolume", "create", live]);
  for (let folder = 0; folder < folders; folder++) {
    mkdirSync(`${live}/d${folder}`);
    for (let file = 0; file < 10; file++) writeFileSync(`${live}/d${folder}/f${file}`, `${folder} ${file}`);
  }
  run("ln", [`${live}/d2/f0`, `${live}/d2/twin`]);
  const snapshot = (name: string): string => {
    run("btrfs", ["-q", "subvolume", "snapshot", "-r", live, `${mounted}/${name}`]);
    return `${mounted}/${name}`;
  };
  return { live, repository: newRepository(t, `${mounted}/repository`, "bare"), snapshot };
}

/** One file is written, one is renamed, and a folder with a file of two names moves, so that another of the two is the first. */
function change(live: string): void {
  writeFileSync(`${live}/d0/f5`, "another content");
  run("mv", [`${live}/d0/f6`, `${live}/d1/moved`]);
  run("mv", [`${live}/d2`, `${live}/a-moved`]);
}

/** Removes the dirtrees of all folders but those named. */
function forgetFolders(repository: Repository, root: Checksum, kept: readonly string[]): void {
  for (const { name, tree } of loadDirTree(repository, root).dirs) {
    if (!kept.includes(name)) rmSync(`${repository.path}/objects/${looseName(tree, "dirtree")}`, { force: true });
  }
}
