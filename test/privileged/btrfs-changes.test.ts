/**
 * What a send stream is said to tell of changes, against an independent comparison of the two snapshots: nothing that differs may
 * be missed, and what is told beyond that must have been written. Random changes of all kinds; the seed and the counts are printed.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { readSnapshotChanges } from "../../src/volume/btrfs/snapshot-changes.ts";
import { randomSource, seed, times } from "../support/property.ts";
import { run } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem, scratchFolder } from "../support/scratch.ts";
import { partsOf } from "../support/send-streams.ts";
import { changeSubvolume, factsOfTree, judgeChanges, kindsOfChanges } from "../support/subvolume-changes.ts";

const NEEDS = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mount", "python3", "setfacl", "fallocate"],
  filesystems: ["btrfs"],
};

test("no change between two snapshots is missed", { timeout: 1_200_000 }, async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 1500);
  const random = randomSource(7);
  const counts = new Map<string, number>();
  const needless = new Map<string, number>();
  let [rounds, differences, told, expanded] = [0, 0, 0, 0];
  for (let tree = 0; tree < times(3); tree++) {
    const folder = `${mounted}/live${tree}`;
    run("btrfs", ["-q", "subvolume", "create", folder]);
    changeSubvolume(folder, tree * 1000, 150, counts, true);
    let before = takeSnapshot(folder, `${mounted}/${tree}-0`);
    let a = factsOfTree(before);
    for (let round = 1; round <= 16; round++, rounds++) {
      changeSubvolume(folder, tree * 1000 + round, 1 + random(random(3) === 0 ? 120 : 25), counts, true);
      const after = takeSnapshot(folder, `${mounted}/${tree}-${round}`);
      const b = factsOfTree(after);
      const { changes, touched, streamVersion } = await readSnapshotChanges(before, after);
      assert.equal(streamVersion, 2);
      const judged = judgeChanges(a, b, changes, touched);
      const where = `seed ${seed} (FC_SEED), tree ${tree}, round ${round}`;
      assert.deepEqual(judged.missed, [], `missed: ${where}`);
      assert.deepEqual(judged.unexplained, [], `unexplained: ${where}`);
      for (const [aspect, count] of judged.needless) needless.set(aspect, (needless.get(aspect) ?? 0) + count);
      differences += judged.differences;
      told += changes.length;
      expanded += changes.filter(({ kind }) => kind === "modified").length;
      run("btrfs", ["-q", "subvolume", "delete", before]);
      [before, a] = [after, b];
    }
  }
  t.diagnostic(`seed ${seed} (FC_SEED), ${rounds} rounds, ${differences} paths that differ, ${told} changes told`);
  t.diagnostic(`modified ${expanded}; told without a difference: ${JSON.stringify(Object.fromEntries(needless))}`);
  t.diagnostic(`changes made: ${[...counts].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
  assert.deepEqual(
    kindsOfChanges().filter((kind) => (counts.get(kind) ?? 0) === 0),
    [],
    "kinds of changes that were never made",
  );
});

test("a write through one of many names is told of all of them", async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 300);
  const folder = `${mounted}/live`;
  run("btrfs", ["-q", "subvolume", "create", folder]);
  mkdirSync(`${folder}/deep/folder`, { recursive: true });
  run("sh", [
    "-c",
    `echo x > '${folder}/file'; for n in $(seq 1500); do ln '${folder}/file' "${folder}/deep/folder/a-rather-long-name-$n"; done`,
  ]);
  const before = takeSnapshot(folder, `${mounted}/before`);
  run("sh", ["-c", `mv '${folder}/deep/folder' '${folder}/moved'; echo y >> '${folder}/file'`]);
  const after = takeSnapshot(folder, `${mounted}/after`);
  const { changes } = await readSnapshotChanges(before, after);
  const names = changes
    .filter((change) => change.kind === "modified" && change.what.includes("content"))
    .map(({ path }) => path as string);
  assert.deepEqual(names, ["file", ...Array.from({ length: 1500 }, (_, n) => `moved/a-rather-long-name-${n + 1}`)].toSorted());
});

test("nested subvolumes that come and go while the folder's time stays", async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 300);
  const folder = `${mounted}/live`;
  run("btrfs", ["-q", "subvolume", "create", folder]);
  mkdirSync(`${folder}/with/in`, { recursive: true });
  run("btrfs", ["-q", "subvolume", "create", `${folder}/with/old`]);
  const before = takeSnapshot(folder, `${mounted}/before`);
  run("btrfs", ["-q", "subvolume", "create", `${folder}/with/new`]);
  run("btrfs", ["-q", "subvolume", "delete", `${folder}/with/old`]);
  run("touch", ["-r", `${before}/with`, `${folder}/with`]);
  const after = takeSnapshot(folder, `${mounted}/after`);
  const { changes } = await readSnapshotChanges(before, after);
  assert.deepEqual(
    changes.map(({ kind, path, type }) => `${kind} ${path} ${type}`),
    ["added with/new folder", "removed with/old folder"],
  );
});

test("a nested subvolume has the owner of the folder that it is in", async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 300);
  const folder = `${mounted}/live`;
  run("btrfs", ["-q", "subvolume", "create", folder]);
  for (const name of ["one", "other"]) {
    mkdirSync(`${folder}/${name}`);
    run("btrfs", ["-q", "subvolume", "create", `${folder}/${name}/nested`]);
  }
  const before = takeSnapshot(folder, `${mounted}/before`);
  run("chown", ["7:9", `${folder}/one`]);
  run("mv", [`${folder}/one`, `${folder}/moved`]);
  run("chmod", ["0700", `${folder}/other`]);
  const after = takeSnapshot(folder, `${mounted}/after`);
  const owner = run("stat", ["-c", "%u:%g", `${before}/one/nested`, `${after}/moved/nested`]).toString();
  assert.equal(owner, "0:0\n7:9\n", "this kernel doesn't do so: the test shows nothing any more");
  const { changes } = await readSnapshotChanges(before, after);
  assert.deepEqual(
    changes.flatMap((change) =>
      change.path.endsWith("nested") ? [[change.kind, change.path, "from" in change && change.from]] : [],
    ),
    [["modified", "moved/nested", "one/nested"]],
  );
});

test("a folder that is removed together with a nested subvolume", async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 300);
  const folder = `${mounted}/live`;
  run("btrfs", ["-q", "subvolume", "create", folder]);
  mkdirSync(`${folder}/gone/inner`, { recursive: true });
  // Linux takes the subvolume's number for an inode's that it has not come to yet.
  for (let number = 0; number < 20; number++) run("btrfs", ["-q", "subvolume", "create", `${mounted}/other${number}`]);
  for (const name of ["gone/nested", "gone/inner/nested"]) run("btrfs", ["-q", "subvolume", "create", `${folder}/${name}`]);
  const before = takeSnapshot(folder, `${mounted}/before`);
  for (const name of ["gone/nested", "gone/inner/nested"]) run("btrfs", ["-q", "subvolume", "delete", `${folder}/${name}`]);
  run("rm", ["-r", `${folder}/gone`]);
  const after = takeSnapshot(folder, `${mounted}/after`);
  const dump = run("sh", ["-c", 'btrfs -q send --no-data -p "$0" "$1" | btrfs receive --dump', before, after]).toString();
  assert.doesNotMatch(dump, /rmdir/, "this kernel tells of it: the test shows nothing any more");
  const { changes } = await readSnapshotChanges(before, after);
  assert.deepEqual(
    changes.map(({ kind, path }) => `${kind} ${path}`),
    ["modified ", "removed gone", "removed gone/inner", "removed gone/inner/nested", "removed gone/nested"],
  );
});

test("snapshots that can't be compared", async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 300);
  for (const name of ["one", "other"]) run("btrfs", ["-q", "subvolume", "create", `${mounted}/${name}`]);
  const one = takeSnapshot(`${mounted}/one`, `${mounted}/one-0`);
  const other = takeSnapshot(`${mounted}/other`, `${mounted}/other-0`);
  await assert.rejects(readSnapshotChanges(one, `${mounted}/one`), { code: "unsupported" });
  await assert.rejects(readSnapshotChanges(one, `${mounted}/nowhere`), { code: "not-found" });
  await assert.rejects(readSnapshotChanges(one, one, AbortSignal.abort()), { code: "cancelled" });
  const { changes } = await readSnapshotChanges(one, takeSnapshot(one, `${mounted}/öne-1`));
  assert.deepEqual(changes, []);
  // Not related; there is nothing in either, so that there is nothing to miss.
  await assert.doesNotReject(
    readSnapshotChanges(one, other).catch((error: { code: string }) => assert.equal(error.code, "unsupported")),
  );
});

test("every stream that btrfs send makes is read to its end", { timeout: 600_000 }, (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 1500);
  run("mount", ["-o", "remount,compress-force=zstd", mounted]);
  const folder = `${mounted}/live`;
  run("btrfs", ["-q", "subvolume", "create", folder]);
  const counts = new Map<string, number>();
  const kinds = new Map<string, number>();
  const file = `${scratchFolder(t)}/stream`;
  let [streams, commands, bytes] = [0, 0, 0];
  changeSubvolume(folder, 1, 150, counts);
  run("sh", ["-c", `yes text | head -c 400000 > '${folder}/text'`]);
  let before = takeSnapshot(folder, `${mounted}/0`);
  for (let round = 1; round <= times(4); round++) {
    changeSubvolume(folder, 100 + round, 80, counts);
    run("cp", ["--reflink=always", `${mounted}/0/text`, `${folder}/text-${round}`]);
    const after = takeSnapshot(folder, `${mounted}/${round}`);
    for (const options of STREAMS) {
      run("btrfs", [
        "-q",
        "send",
        "-f",
        file,
        ...options.flatMap((option) => (option === "A" ? [before] : option === "B" ? [after] : [option])),
      ]);
      const data = readFileSync(file);
      const parts = partsOf(data, [1 + round * 1000]);
      assert.equal(parts.at(-1)!.kind, "end");
      for (const { kind } of parts) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      streams++;
      commands += parts.length;
      bytes += data.length;
    }
    before = after;
  }
  t.diagnostic(`seed ${seed} (FC_SEED), ${streams} streams, ${commands} commands, ${bytes} bytes`);
  t.diagnostic([...kinds].map(([kind, count]) => `${kind} ${count}`).join(", "));
  for (const kind of [
    "encoded-write",
    "update-extent",
    "fileattr",
    "clone",
    "snapshot",
    "subvol",
    "truncate",
    "link",
    "mksock",
  ]) {
    assert.ok((kinds.get(kind) ?? 0) > 0, `no ${kind}`);
  }
});

const STREAMS: readonly (readonly string[])[] = [
  ["A"],
  ["-p", "A", "B"],
  ["--proto", "2", "A"],
  ["--proto", "2", "-p", "A", "B"],
  ["--no-data", "B"],
  ["--no-data", "-p", "A", "B"],
  ["--no-data", "--proto", "2", "-p", "A", "B"],
  ["--compressed-data", "B"],
  ["--compressed-data", "-p", "A", "B"],
  ["-c", "A", "B"],
  ["A", "B"],
  ["-e", "A", "B"],
  ["-e", "--proto", "2", "-c", "A", "A", "B"],
];

function takeSnapshot(folder: string, name: string): string {
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", folder, name]);
  return name;
}
