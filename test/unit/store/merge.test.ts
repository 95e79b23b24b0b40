import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { ByteString } from "../../../src/base/byte-string.ts";
import type { Checksum } from "../../../src/codec/ostree/checksum.ts";
import { type CommitOptions, commitTree } from "../../../src/store/commit.ts";
import { findMergeBase } from "../../../src/store/merge/merge-base.ts";
import type { ConflictKind, MergeReport, Side } from "../../../src/store/merge/merge-types.ts";
import { mergeCommits, revertCommit } from "../../../src/store/merge/merge.ts";
import { moveRefs } from "../../../src/store/move-refs.ts";
import { loadCommit } from "../../../src/store/object-files.ts";
import { mergeParentOf } from "../../../src/store/parents.ts";
import { readRef } from "../../../src/store/refs.ts";
import type { Repository } from "../../../src/store/repository.ts";
import { sidecarCommitOf } from "../../../src/store/tree/folder-view.ts";
import { loadWorkingTree } from "../../../src/store/tree/load-working-tree.ts";
import { type Tree, commitFiles, filesOf, objectsOf, refsOf } from "../../support/histories.ts";
import { newRepository, ostree } from "../../support/repositories.ts";
import { requires } from "../../support/requires.ts";
import { scratchFolder } from "../../support/scratch.ts";

interface Sides {
  readonly base: Tree;
  readonly ours: Tree;
  readonly theirs: Tree;
}

interface Case extends Sides {
  /** What the tree is made of then; for a conflict that of the side named. */
  readonly merged?: Record<string, string>;
  readonly conflicts?: readonly (readonly [string, ConflictKind, string, string])[];
  readonly favour?: Partial<Record<Side, Record<string, string>>>;
}

interface Forked {
  readonly repository: Repository;
  readonly scratch: string;
  readonly base: Checksum;
  readonly ours: Checksum;
  readonly theirs: Checksum;
}

/** The branch `main` at ours, `work` at theirs. */
async function fork(t: TestContext, sides: Sides, options: Partial<CommitOptions> = {}): Promise<Forked> {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "archive");
  const base = await commitFiles(repository, scratch, sides.base, { subject: "base" });
  const theirs = await commitFiles(repository, scratch, sides.theirs, {
    branch: "work",
    parent: base,
    subject: "theirs",
    ...options,
  });
  const ours = await commitFiles(repository, scratch, sides.ours, { subject: "ours" });
  return { repository, scratch, base, ours, theirs };
}

function withFolders(files: Record<string, string>, tree: Record<string, string>): void {
  const folders = Object.keys(tree).filter((name) => name.endsWith("/"));
  const expected = { ...Object.fromEntries(folders.map((name) => [name, "755"])), ...files };
  assert.deepEqual(tree, expected);
}

const CASES: Record<string, Case> = {
  "changes of different files": {
    base: { "etc/a": "1", "etc/b": "1", "usr/c": "1" },
    ours: { "etc/a": "2", "etc/b": "1", "usr/c": "1", "usr/new": "ours" },
    theirs: { "etc/a": "1", "etc/b": "3", "usr/c": "1", "opt/new": "theirs" },
    merged: { "etc/a": "644 2", "etc/b": "644 3", "usr/c": "644 1", "usr/new": "644 ours", "opt/new": "644 theirs" },
  },
  "the same change on both sides": {
    base: { a: "1", gone: "x" },
    ours: { a: "2", added: "y" },
    theirs: { a: "2", added: "y" },
    merged: { a: "644 2", added: "644 y" },
  },
  "a deletion of what the other side left alone": {
    base: { a: "1", "d/b": "1", "d/c": "1", e: "1" },
    ours: { "d/b": "1", "d/c": "1", e: "2" },
    theirs: { a: "1", e: "1" },
    merged: { e: "644 2" },
  },
  "new permissions here, new content there": {
    base: { a: "1", b: "1" },
    ours: { a: { mode: 0o755, data: "1" }, b: "2" },
    theirs: { a: "2", b: { mode: 0o600, data: "1" } },
    merged: { a: "755 2", b: "600 2" },
  },
  "a file that becomes a link there, and changes its permissions here": {
    base: { a: "1" },
    ours: { a: { mode: 0o600, data: "1" } },
    theirs: { a: { link: "elsewhere" } },
    merged: { a: "-> elsewhere" },
  },
  "a file added to a folder that the other side deleted": {
    base: { "d/old": "1", "d/deep/old": "1", keep: "1" },
    ours: { "d/old": "1", "d/deep/old": "1", "d/deep/new": "1", keep: "1" },
    theirs: { keep: "1" },
    merged: { "d/deep/new": "644 1", keep: "644 1" },
  },
  "different contents": {
    base: { "etc/a": "1", b: "1" },
    ours: { "etc/a": "ours", b: "1" },
    theirs: { "etc/a": "theirs", b: "2" },
    conflicts: [["etc/a", "content", "file", "file"]],
    favour: {
      ours: { "etc/a": "644 ours", "etc/a.theirs": "644 theirs", b: "644 2" },
      theirs: { "etc/a": "644 theirs", "etc/a.ours": "644 ours", b: "644 2" },
    },
  },
  "different files of one name, beside names that are taken": {
    base: { "a.theirs": "1" },
    ours: { "a.theirs": "1", a: "ours" },
    theirs: { "a.theirs": "1", a: "theirs" },
    conflicts: [["a", "content", "file", "file"]],
    favour: { ours: { a: "644 ours", "a.theirs": "644 1", "a.theirs.2": "644 theirs" } },
  },
  "changed here, deleted there": {
    base: { a: "1", keep: "1" },
    ours: { a: "2", keep: "1" },
    theirs: { keep: "1" },
    conflicts: [["a", "deleted", "file", "absent"]],
    favour: { ours: { a: "644 2", keep: "644 1" }, theirs: { "a.ours": "644 2", keep: "644 1" } },
  },
  "changed in a folder that was deleted there": {
    base: { "d/e/a": "1", "d/b": "1", keep: "1" },
    ours: { "d/e/a": "2", "d/b": "1", keep: "1" },
    theirs: { keep: "1" },
    conflicts: [["d/e/a", "deleted", "file", "absent"]],
    favour: { ours: { "d/e/a": "644 2", keep: "644 1" }, theirs: { "d/e/a.ours": "644 2", keep: "644 1" } },
  },
  "a file here, a folder there": {
    base: { a: "1" },
    ours: { a: "2" },
    theirs: { "a/inside": "3" },
    conflicts: [["a", "kind", "file", "folder"]],
    favour: { ours: { a: "644 2", "a.theirs/inside": "644 3" }, theirs: { "a/inside": "644 3", "a.ours": "644 2" } },
  },
  "a folder that became a file here and was changed there": {
    base: { "d/a": "1" },
    ours: { d: "file" },
    theirs: { "d/a": "2" },
    conflicts: [["d", "kind", "file", "folder"]],
    favour: { ours: { d: "644 file", "d.theirs/a": "644 2" } },
  },
  "different permissions": {
    base: { a: "1" },
    ours: { a: { mode: 0o755, data: "1" } },
    theirs: { a: { mode: 0o600, data: "2" } },
    conflicts: [["a", "metadata", "file", "file"]],
    favour: { ours: { a: "755 2" }, theirs: { a: "600 2" } },
  },
};

for (const [name, { merged, conflicts, favour, ...sides }] of Object.entries(CASES)) {
  test(`merge: ${name}`, async (t) => {
    const { repository, base, ours, theirs } = await fork(t, sides);
    const before = objectsOf(repository.path);
    const planned = await mergeCommits(repository, { ours, theirs, branch: "main", dryRun: true });
    assert.deepEqual(objectsOf(repository.path), before, "a dry run writes nothing");
    const report = await mergeCommits(repository, { ours, theirs, branch: "main" });
    assert.equal(report.base, base);
    assert.deepEqual(planned, { ...report, dryRun: true, commit: undefined });
    assert.deepEqual(describe(report), conflicts ?? []);
    if (merged !== undefined) {
      assert.equal(report.outcome, "merged");
      withFolders(merged, filesOf(repository, report.commit!));
      checkMergeCommit(repository, report.commit!, ours, theirs);
    } else {
      assert.equal(report.outcome, "conflicts");
      assert.deepEqual(
        [objectsOf(repository.path), readRef(repository, "main")],
        [before, ours],
        "refused before anything was written",
      );
    }
    for (const [side, expected] of Object.entries(favour ?? {})) {
      const favoured = await mergeCommits(repository, { ours, theirs, favour: side as Side });
      withFolders(expected, filesOf(repository, favoured.commit!));
      for (const { keptAs } of favoured.conflicts) {
        assert.ok(keptAs === undefined || Object.keys(expected).some((path) => path === keptAs || path.startsWith(`${keptAs}/`)));
      }
    }
  });
}

function describe({ conflicts }: MergeReport): unknown[] {
  return conflicts.map(({ path, kind, ours, theirs }) => [path, kind, ours, theirs]);
}

function checkMergeCommit(repository: Repository, commit: Checksum, ours: Checksum, theirs: Checksum): void {
  const object = loadCommit(repository, commit);
  assert.deepEqual([object.parent, mergeParentOf(object)], [ours, theirs]);
  assert.deepEqual(refsOf(repository)["main"], commit);
  assert.equal(refsOf(repository)["regrow/sidecar/main"], sidecarCommitOf(object));
}

test("a branch goes forward where it can, and stays where it has it all", async (t) => {
  const { repository, base, ours, theirs } = await fork(t, { base: { a: "1" }, ours: { a: "2" }, theirs: { a: "3" } });
  const upToDate = await mergeCommits(repository, { ours, theirs: base, branch: "main" });
  assert.deepEqual([upToDate.outcome, upToDate.commit, readRef(repository, "main")], ["up-to-date", ours, ours]);
  await moveRefs(repository, [{ name: "main", commit: base }]);
  const planned = await mergeCommits(repository, { ours: base, theirs, branch: "main", dryRun: true });
  assert.deepEqual([planned.outcome, readRef(repository, "main")], ["fast-forward", base]);
  const made = await mergeCommits(repository, { ours: base, theirs, fastForward: false });
  assert.equal(made.outcome, "merged");
  assert.equal(loadCommit(repository, made.commit!).tree, loadCommit(repository, theirs).tree);
  const forward = await mergeCommits(repository, { ours: base, theirs, branch: "main" });
  assert.deepEqual([forward.outcome, forward.commit, readRef(repository, "main")], ["fast-forward", theirs, theirs]);
  assert.equal(refsOf(repository)["regrow/sidecar/main"], sidecarCommitOf(loadCommit(repository, theirs)));
});

test("a branch that moved while it was merged keeps its new commit", async (t) => {
  const { repository, scratch, ours, theirs } = await fork(t, { base: { a: "1" }, ours: { b: "2" }, theirs: { a: "1", c: "3" } });
  const moved = await commitFiles(repository, scratch, { b: "4" });
  await assert.rejects(mergeCommits(repository, { ours, theirs, branch: "main" }), { code: "conflict" });
  assert.equal(readRef(repository, "main"), moved);
});

test("what was merged once is the base of the next merge", async (t) => {
  const { repository, scratch, base, ours, theirs } = await fork(t, {
    base: { a: "1" },
    ours: { a: "ours" },
    theirs: { a: "theirs" },
  });
  const first = await mergeCommits(repository, { ours, theirs, branch: "main", favour: "ours" });
  const more = await commitFiles(repository, scratch, { a: "theirs", b: "more" }, { branch: "work" });
  const second = await mergeCommits(repository, { ours: first.commit!, theirs: more, branch: "main" });
  assert.deepEqual([second.base, second.outcome], [theirs, "merged"]);
  assert.equal(filesOf(repository, second.commit!)["a"], "644 ours");
  assert.equal(filesOf(repository, second.commit!)["b"], "644 more");
  assert.equal(findMergeBase(repository, second.commit!, base), base);
});

test("histories without a common commit are not merged, but for a base that is given", async (t) => {
  const { repository, scratch, base, ours } = await fork(t, { base: { a: "1" }, ours: { a: "1", b: "1" }, theirs: {} });
  const stranger = await commitFiles(repository, scratch, { a: "1", c: "1" }, { branch: "stranger" });
  await assert.rejects(mergeCommits(repository, { ours, theirs: stranger }), { code: "not-found" });
  const { commit } = await mergeCommits(repository, { ours, theirs: stranger, base });
  assert.deepEqual(filesOf(repository, commit!), { a: "644 1", b: "644 1", c: "644 1" });
});

test("where two commits could be the base, the newer one is", async (t) => {
  const { repository, scratch } = await fork(t, { base: { a: "1" }, ours: { a: "1" }, theirs: { a: "1" } });
  const at = (timestamp: number, parent: Checksum | null, name: string): Promise<Checksum> =>
    commitFiles(repository, scratch, { [name]: "1" }, { branch: `b-${name}`, parent, timestamp });
  const root = await at(1000, null, "root");
  const [left, right] = [await at(2000, root, "left"), await at(3000, root, "right")];
  const join = (ours: Checksum, theirs: Checksum): Promise<MergeReport> =>
    mergeCommits(repository, { ours, theirs, favour: "ours", timestamp: 4000 });
  const [one, other] = [await join(left, right), await join(right, left)];
  assert.equal(findMergeBase(repository, one.commit!, other.commit!), right);
});

test("a revert takes the changes of one commit back and leaves later ones", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "archive");
  const first = await commitFiles(repository, scratch, { a: "1", b: "1" }, { subject: "first" });
  const bad = await commitFiles(repository, scratch, { a: "bad", b: "1", extra: "bad" }, { subject: "bad idea" });
  const later = await commitFiles(repository, scratch, { a: "bad", b: "later", extra: "bad" });
  const report = await revertCommit(repository, { commit: bad, ours: later, branch: "main" });
  assert.deepEqual(filesOf(repository, report.commit!), { a: "644 1", b: "644 later" });
  const { subject, body, parent, metadata } = loadCommit(repository, report.commit!);
  assert.deepEqual([subject, body, parent], ['Revert "bad idea"', `This reverts commit ${bad}.`, later]);
  assert.ok(!metadata.some(([key]) => key === "regrow.merge-parent"));
  const again = await revertCommit(repository, { commit: bad, ours: report.commit!, branch: "main" });
  assert.deepEqual([again.outcome, again.commit, readRef(repository, "main")], ["up-to-date", report.commit, report.commit]);
  const clash = await revertCommit(repository, {
    commit: bad,
    ours: await commitFiles(repository, scratch, { a: "new" }),
    branch: "main",
  });
  assert.equal(clash.outcome, "conflicts");
  await assert.rejects(revertCommit(repository, { commit: first, ours: later }), { code: "usage" });
});

test("metadata of the commit comes along, but what is about one tree", async (t) => {
  const { repository, scratch, theirs } = await fork(t, {
    base: { a: "1" },
    ours: { a: "1", b: "1" },
    theirs: { a: "1", c: "1" },
  });
  const metadata = [
    ["ostree.bootable", { type: "b", value: true }],
    ["version", { type: "s", value: "7" }],
  ] as const;
  const ours = await commitFiles(repository, scratch, { a: "1", b: "1" }, { metadata });
  const { commit } = await mergeCommits(repository, { ours, theirs, branch: "main" });
  assert.deepEqual(
    loadCommit(repository, commit!).metadata.map(([key]) => key),
    ["ostree.bootable", "regrow.merge-parent", "regrow.sidecar"],
  );
});

test("a side without a sidecar has not removed what a sidecar keeps", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "archive");
  const tree = `${scratch}/tree`;
  mkdirSync(`${tree}/run`, { recursive: true });
  writeFileSync(`${tree}/run/file`, "1");
  linkSync(`${tree}/run/file`, `${tree}/run/second`);
  writeFileSync(Buffer.from(`${tree}/odd-\xff`, "latin1"), "odd");
  execFileSync("mkfifo", [`${tree}/run/fifo`]);
  execFileSync("touch", ["-d", "2001-02-03T04:05:06Z", `${tree}/run/file`]);
  const take = async (options: Partial<CommitOptions>): Promise<Checksum> =>
    (await commitTree(repository, { sources: [{ kind: "dir", path: tree }], ...options })).commit;
  const base = await take({});
  writeFileSync(`${tree}/ours`, "ours");
  const ours = await take({ parent: base });
  execFileSync("rm", [`${tree}/ours`]);
  writeFileSync(`${tree}/theirs`, "theirs");
  const theirs = await take({ parent: base, sidecar: false });
  const { commit, outcome } = await mergeCommits(repository, { ours, theirs });
  assert.equal(outcome, "merged");
  const root = loadWorkingTree(repository, commit!);
  const run = root.dirs.get("run" as ByteString)!;
  assert.deepEqual([...root.files.keys()].sort(), ["odd-\xff", "ours", "theirs"]);
  assert.ok(run.nodes.has("fifo" as ByteString));
  const [file, second] = ["file", "second"].map((name) => run.files.get(name as ByteString)!.extras);
  assert.equal(file!.time?.seconds, Date.UTC(2001, 1, 3, 4, 5, 6) / 1000);
  assert.ok(file!.group !== undefined && file!.group === second!.group, "still one file with two names");
});

test("hard links stay together only where the content does", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "archive");
  let count = 0;
  const linked = async (groups: readonly (readonly string[])[], parent?: Checksum): Promise<Checksum> => {
    const tree = `${scratch}/tree-${count++}`;
    mkdirSync(tree);
    for (const [data, first, ...others] of groups) {
      writeFileSync(`${tree}/${first}`, data!);
      for (const other of others) linkSync(`${tree}/${first}`, `${tree}/${other}`);
    }
    return (await commitTree(repository, { sources: [{ kind: "dir", path: tree }], parent: parent ?? null })).commit;
  };
  const base = await linked([["1", "a", "b"]]);
  const ours = await linked([["2", "a", "b"]], base);
  const theirs = await linked([["1", "a", "b", "c"]], base);
  const { commit } = await mergeCommits(repository, { ours, theirs });
  assert.deepEqual(filesOf(repository, commit!), { a: "644 2", b: "644 2", c: "644 1" });
  const { files } = loadWorkingTree(repository, commit!);
  const [a, b, c] = ["a", "b", "c"].map((name) => files.get(name as ByteString)!.extras.group);
  assert.ok(a !== undefined && a === b);
  assert.equal(c, undefined);
});

test("what comes out is a commit in ostree's eyes", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const sides = { base: { "etc/a": "1" }, ours: { "etc/a": { mode: 0o700, data: "1" } }, theirs: { "etc/a": "2" } };
  const { repository, ours, theirs } = await fork(t, sides);
  const { commit } = await mergeCommits(repository, { ours, theirs, branch: "main" });
  assert.match(ostree(repository.path, "fsck"), /no errors/);
  assert.equal(ostree(repository.path, "rev-parse", "main"), commit);
  assert.match(ostree(repository.path, "ls", "main", "/etc/a"), /-00700 /);
});
