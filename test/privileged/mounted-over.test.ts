/**
 * What is mounted over a part of a tree changes what is there, and no time tells of it. The judge of a commit is one that knows nothing
 * of the earlier ones, and ostree.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import type { Repository } from "../../src/store/repository.ts";
import { run } from "../support/programs.ts";
import { newRepository, ostreeRoot } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { atEnd, mountedFileSystem, scratchFolder } from "../support/scratch.ts";

const NEEDS = { root: true, programs: ["mount", "umount", "ostree"] };
/** Longer than the granularity of a file system's clock. */
const SETTLED = 80;

interface Place {
  readonly repository: Repository;
  readonly tree: string;
}

test("a folder, a file, and a layer of an overlay that come and go are seen", async (t) => {
  if (!requires(t, { ...NEEDS, filesystems: ["overlay"] })) return;
  const scratch = scratchFolder(t);
  const tree = `${scratch}/tree`;
  for (const name of ["a", "b", "c", "overlay"]) mkdirSync(`${tree}/${name}`, { recursive: true });
  for (const name of ["a/x", "b/x", "c/one", "c/two"]) writeFileSync(`${tree}/${name}`, `content of ${name}`);
  for (const layer of ["lower1", "lower2"]) mkdirSync(`${scratch}/${layer}/d`, { recursive: true });
  writeFileSync(`${scratch}/lower1/d/one`, "one");
  writeFileSync(`${scratch}/lower2/d/two`, "two");
  const place = { repository: newRepository(t, `${scratch}/repo`, "bare"), tree };
  mounted(t, `${tree}/overlay`, "-t", "overlay", "-o", `lowerdir=${scratch}/lower1:${scratch}/lower2`, "overlay");
  await assertSeen(t, place, "at first");
  run("umount", [`${tree}/overlay`]);
  run("mount", ["-t", "overlay", "-o", `lowerdir=${scratch}/lower1:${tree}/c`, "overlay", `${tree}/overlay`]);
  await assertSeen(t, place, "another layer");
  mounted(t, `${tree}/b`, "--bind", `${tree}/a`);
  await assertSeen(t, place, "a folder over a folder");
  run("umount", [`${tree}/b`]);
  await assertSeen(t, place, "and taken away");
  mounted(t, `${tree}/c/two`, "--bind", `${tree}/c/one`);
  await assertSeen(t, place, "a file over a file");
});

test("what is mounted in a left-over of a killed checkout is not touched", async (t) => {
  if (!requires(t, NEEDS)) return;
  const scratch = scratchFolder(t);
  for (const name of ["tree", "mine", ".out.regrow-1-0-deadbeef-0.partial/mnt"])
    mkdirSync(`${scratch}/${name}`, { recursive: true });
  writeFileSync(`${scratch}/mine/file`, "mine");
  writeFileSync(`${scratch}/.out.regrow-1-0-deadbeef-0.partial/left`, "left over");
  const repository = newRepository(t, `${scratch}/repo`, "bare");
  const { commit } = await commitTree(repository, { sources: [{ kind: "dir", path: `${scratch}/tree` }] });
  mounted(t, `${scratch}/.out.regrow-1-0-deadbeef-0.partial/mnt`, "--bind", `${scratch}/mine`);
  await checkoutCommit(repository, commit, `${scratch}/out`);
  assert.deepEqual(readdirSync(`${scratch}/mine`), ["file"]);
  assert.equal(readFileSync(`${scratch}/mine/file`, "utf8"), "mine");
});

test("a snapshot in which a nested subvolume is missing is the same each time", async (t) => {
  if (!requires(t, { root: true, programs: ["btrfs", "mkfs.btrfs", "mount"], filesystems: ["btrfs"] })) return;
  const file = mountedFileSystem(t, "btrfs", 300);
  run("sh", [
    "-c",
    `cd '${file}'; btrfs -q subvolume create live; mkdir live/a; btrfs -q subvolume create live/a/nested; echo x > live/a/file`,
  ]);
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", `${file}/live`, `${file}/snapshot`]);
  const repository = newRepository(t, `${file}/repo`, "bare");
  const options = { sources: [{ kind: "dir", path: `${file}/snapshot` }], branch: "main", skipUnchanged: true } as const;
  const first = await commitTree(repository, options);
  for (let turn = 0; turn < 3; turn++) {
    await setTimeout(SETTLED);
    assert.equal((await commitTree(repository, options)).commit, first.commit, `turn ${turn}`);
  }
});

/** Commits twice, when all that can be known is known, and compares with a commit into a new repository. */
async function assertSeen(t: TestContext, { repository, tree }: Place, what: string): Promise<void> {
  const sources = [{ kind: "dir", path: tree }] as const;
  const fresh = newRepository(t, `${repository.path}-${what.replaceAll(" ", "-")}`, "bare");
  const expected = await commitTree(fresh, { sources });
  for (let turn = 0; turn < 3; turn++) {
    await setTimeout(SETTLED);
    const { commit } = await commitTree(repository, { sources });
    assert.deepEqual(ostreeRoot(repository.path, commit), ostreeRoot(fresh.path, expected.commit), `${what}, turn ${turn}`);
  }
}

function mounted(t: TestContext, target: string, ...options: readonly string[]): void {
  run("mount", [...options, target]);
  atEnd(t, () => run("sh", ["-c", `umount '${target}' 2>/dev/null || true`]));
}
