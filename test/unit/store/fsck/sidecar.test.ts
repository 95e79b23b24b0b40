/** Sidecars that can't be right, put together by hand: fsck names the object, the commits and the folder, and leaves the rest alone. */
import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { ByteString } from "../../../../src/base/byte-string.ts";
import type { Checksum } from "../../../../src/codec/ostree/checksum.ts";
import type { EntryRecord } from "../../../../src/codec/sidecar/folder-record.ts";
import { type FsckReport, checkRepository } from "../../../../src/store/fsck/fsck.ts";
import { withRepository } from "../../../../src/store/repository.ts";
import { rawDirTree } from "../../../support/raw-objects.ts";
import { type RawRepository, makeRawRepository } from "../../../support/raw-repository.ts";
import { scratchFolder } from "../../../support/scratch.ts";

const time = { seconds: 1, nanoseconds: 0 };

interface Stage {
  readonly repository: RawRepository;
  /** Of the folder `etc`, which has the file `hosts` and the folder `apt`. */
  readonly etc: Checksum;
  readonly root: Checksum;
}

function stageFor(t: TestContext): Stage {
  const repository = makeRawRepository(`${scratchFolder(t)}/repo`);
  const { meta } = repository;
  const apt = repository.metadata("dirtree", rawDirTree([], []));
  const etc = repository.metadata(
    "dirtree",
    rawDirTree([{ name: "hosts", checksum: repository.file("h\n") }], [{ name: "apt", tree: apt, meta }]),
  );
  return { repository, etc, root: repository.metadata("dirtree", rawDirTree([], [{ name: "etc", tree: etc, meta }])) };
}

/** The sidecar's folder for `etc`, of the record and of more entries. */
function sidecarOf(
  { repository }: Stage,
  record: Checksum,
  files: { name: string; checksum: string }[] = [],
  dirs: { name: string; tree: string }[] = [],
): { root: Checksum; etc: Checksum } {
  const { meta } = repository;
  const all = [{ name: "%", checksum: record as string }, ...files];
  const etc = repository.metadata(
    "dirtree",
    rawDirTree(
      all,
      dirs.map((dir) => ({ ...dir, meta })),
    ),
  );
  const own = repository.file("rgs1");
  return {
    etc,
    root: repository.metadata("dirtree", rawDirTree([{ name: "%", checksum: own }], [{ name: "etc", tree: etc, meta }])),
  };
}

/** A name and its fields as docs/format.md has them; the numbers are below 128. */
function entry(name: string, fields: number, ...rest: number[]): Buffer {
  return Buffer.from([name.length, ...Buffer.from(name), fields, ...rest]);
}

function recordOf({ repository }: Stage, ...entries: Buffer[]): Checksum {
  return repository.file(Buffer.concat([Buffer.from("rgs1"), ...entries]));
}

const check = (repository: RawRepository, options = {}): Promise<FsckReport> =>
  withRepository(repository.path, (open) => checkRepository(open, { workers: 1, ...options }));

const TIME = [2, 0];
const NODE = [0xa4, 0x23, 0, 0, 0, 0, 0];

test("a sidecar that fits is right", async (t) => {
  const stage = stageFor(t);
  const odd = stage.repository.metadata("dirtree", rawDirTree([{ name: "x%ff", checksum: stage.repository.file("odd") }], []));
  const record = recordOf(stage, entry("", 1, ...TIME), entry("fifo", 17, ...TIME, ...NODE), entry("hosts", 1, ...TIME));
  const { root } = sidecarOf(
    stage,
    record,
    [{ name: "apt", checksum: recordOf(stage, entry("", 1, ...TIME)) }],
    [{ name: "%.names", tree: odd }],
  );
  stage.repository.commit(stage.root, root);
  assert.deepEqual((await check(stage.repository)).bad, []);
});

const RECORDS: readonly (readonly [what: string, record: (stage: Stage) => Checksum, reason: RegExp])[] = [
  ["no record at all", ({ repository }) => repository.file("nothing of the kind"), /its mark/],
  ["a record that is cut short", (stage) => recordOf(stage, entry("hosts", 1, 2)), /too early/],
  ["a field of the future", (stage) => recordOf(stage, entry("hosts", 64)), /does not know/],
  ["names out of order", (stage) => recordOf(stage, entry("hosts", 1, ...TIME), entry("a", 17, ...TIME, ...NODE)), /order/],
  ["a file that is not there", (stage) => recordOf(stage, entry("passwd", 1, ...TIME)), /"passwd", and there is no such file/],
  ["a folder's name", (stage) => recordOf(stage, entry("apt", 1, ...TIME)), /"apt", and there is no such file/],
  [
    "a FIFO in a file's place",
    (stage) => recordOf(stage, entry("hosts", 17, ...TIME, ...NODE)),
    /"hosts", which is there already/,
  ],
  ["a FIFO in a folder's place", (stage) => recordOf(stage, entry("apt", 17, ...TIME, ...NODE)), /"apt", which is there already/],
  ["a symbolic link", ({ repository }) => repository.link("rgs1"), /its mark/],
];

for (const [what, make, reason] of RECORDS) {
  test(`a record that can't be right: ${what}`, async (t) => {
    const stage = stageFor(t);
    const record = make(stage);
    const hurt = stage.repository.commit(stage.root, sidecarOf(stage, record).root);
    const innocent = stage.repository.commit(
      stage.repository.metadata("dirtree", rawDirTree([{ name: "same", checksum: record }], [])),
    );
    const { bad } = await check(stage.repository);
    assert.equal(bad.length, 1, JSON.stringify(bad));
    assert.deepEqual(
      { ...bad[0], reason: undefined },
      {
        kind: "file",
        checksum: record,
        problem: "misplaced",
        reason: undefined,
        commits: [hurt],
        refs: [],
        path: "etc",
        outcome: "found",
      },
    );
    assert.match(bad[0]!.reason, reason);
    assert.ok(!bad[0]!.commits.includes(innocent));
    // Removing it would hurt the other commit, and fetching it brings the same again.
    const after = await withRepository(stage.repository.path, (repairFrom) =>
      check(stage.repository, { delete: true, repairFrom }),
    );
    assert.deepEqual(
      after.bad.map(({ outcome }) => outcome),
      ["found"],
    );
    assert.ok(existsSync(`${stage.repository.path}/objects/${record.slice(0, 2)}/${record.slice(2)}.filez`));
    assert.deepEqual(after.partial, []);
  });
}

const FOLDERS: readonly (readonly [what: string, name: string, reason: RegExp])[] = [
  ["the record of a folder that is not there", "usr", /holds "usr", and there is no such folder/],
  ["a broken name", "%zz", /broken/],
  ["a name that is escaped without need", "%61pt", /one form/],
];

for (const [what, name, reason] of FOLDERS) {
  test(`a sidecar's folder that can't be right: ${what}`, async (t) => {
    const stage = stageFor(t);
    const record = recordOf(stage, entry("", 1, ...TIME));
    const { root, etc } = sidecarOf(stage, record, [{ name, checksum: record }]);
    const hurt = stage.repository.commit(stage.root, root);
    const { bad } = await check(stage.repository);
    assert.deepEqual(
      bad.map(({ kind, checksum, commits, path, problem }) => [kind, checksum, commits, path, problem]),
      [["dirtree", etc, [hurt], "etc", "misplaced"]],
    );
    assert.match(bad[0]!.reason, reason);
  });
}

test("odd names that are not odd", async (t) => {
  const stage = stageFor(t);
  const odd = stage.repository.metadata("dirtree", rawDirTree([{ name: "plain", checksum: stage.repository.file("x") }], []));
  const hurt = stage.repository.commit(stage.root, sidecarOf(stage, recordOf(stage), [], [{ name: "%.names", tree: odd }]).root);
  const { bad } = await check(stage.repository);
  assert.deepEqual(
    bad.map(({ checksum, commits, path }) => [checksum, commits, path]),
    [[odd, [hurt], "etc"]],
  );
});

test("what a sidecar lacks touches the commit that it belongs to, under the path of its folder", async (t) => {
  const stage = stageFor(t);
  const record = recordOf(stage, entry("", 1, ...TIME));
  const hurt = stage.repository.commit(stage.root, sidecarOf(stage, record).root);
  rmSync(`${stage.repository.path}/objects/${record.slice(0, 2)}/${record.slice(2)}.filez`);
  const { bad } = await check(stage.repository);
  assert.deepEqual(
    bad.map(({ checksum, problem }) => [checksum, problem]),
    [[record, "missing"]],
  );
  assert.equal(bad[0]!.commits.length, 2);
  assert.ok(bad[0]!.commits.includes(hurt));
  assert.deepEqual(
    (await check(stage.repository, { quick: true })).bad.map(({ checksum }) => checksum),
    [record],
  );
});

test("the same record may fit one folder and not another", async (t) => {
  const stage = stageFor(t);
  const { repository } = stage;
  const tree = repository.metadata("dirtree", rawDirTree([{ name: "a", checksum: repository.file("1") }], []));
  const entries: EntryRecord[] = [{ name: "a" as ByteString, time }];
  const good = repository.commit(tree, repository.sidecar(entries));
  const bad = repository.commit(
    repository.metadata("dirtree", rawDirTree([{ name: "b", checksum: repository.file("1") }], [])),
    repository.sidecar(entries),
  );
  const report = await check(repository);
  assert.deepEqual(
    report.bad.map(({ commits }) => commits),
    [[bad]],
  );
  assert.notEqual(good, bad);
});
