/**
 * Repositories that were made to do harm. Whatever they hold, reading them fails with a typed error in a bounded time, and
 * nothing outside the target of a checkout is made, changed or removed.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { deflateRawSync } from "node:zlib";
import type { ByteString } from "../../../src/base/byte-string.ts";
import { RegrowError } from "../../../src/base/errors.ts";
import type { Checksum } from "../../../src/codec/ostree/checksum.ts";
import { encodeFilezHeader } from "../../../src/codec/ostree/content.ts";
import type { EntryRecord } from "../../../src/codec/sidecar/folder-record.ts";
import { type CheckoutOptions, checkoutCommit } from "../../../src/store/checkout/checkout.ts";
import { commitTree } from "../../../src/store/commit.ts";
import { diffCommits } from "../../../src/store/diff/diff.ts";
import { listTree } from "../../../src/store/list-tree.ts";
import { withRepository } from "../../../src/store/repository.ts";
import { fastFolder } from "../../support/fast-folder.ts";
import { rawDirTree } from "../../support/raw-objects.ts";
import { REGULAR, type RawRepository, contentChecksum, makeRawRepository } from "../../support/raw-repository.ts";
import { treeFacts } from "../../support/tree-facts.ts";

interface Stage {
  readonly home: string;
  readonly repository: RawRepository;
}

/** A repository, a tree outside that must not change, and a target full of links that lead there. */
function stageFor(t: TestContext): Stage {
  const home = mkdtempSync(path.join(fastFolder(), "regrow-hostile-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  mkdirSync(`${home}/outside/folder`, { recursive: true });
  writeFileSync(`${home}/outside/file`, "keep me\n");
  writeFileSync(`${home}/outside/folder/inner`, "keep me too\n");
  return { home, repository: makeRawRepository(`${home}/repo`) };
}

function fillTarget({ home }: Stage, target: string): void {
  mkdirSync(`${target}/real`, { recursive: true });
  symlinkSync(`${home}/outside`, `${target}/x`);
  symlinkSync("../../outside/folder", `${target}/real/up`);
  symlinkSync(`${home}/outside/file`, `${target}/a`);
  writeFileSync(`${target}/mine`, "mine\n");
}

const refused = (error: unknown): boolean => {
  assert.ok(error instanceof RegrowError, `not typed: ${error instanceof Error ? error.stack : String(error)}`);
  assert.ok(["corrupt", "hostile", "exists", "not-found", "unsupported"].includes(error.code), `${error.code}: ${error.message}`);
  return true;
};

/** Every way to read the commit is refused, or ends within the target; nothing outside is touched. */
async function assertHarmless(stage: Stage, commit: Checksum, { mustRefuse = true } = {}): Promise<void> {
  const { home, repository } = stage;
  const outside = treeFacts(`${home}/outside`);
  const names = readdirSync(home).toSorted();
  await withRepository(repository.path, async (open) => {
    const ways: readonly (readonly [string, (target: string) => Promise<unknown>])[] = [
      ["checkout", (target) => checkoutCommit(open, commit, target, {})],
      ["checkout of a folder", (target) => checkoutCommit(open, commit, target, { subpath: "real" })],
      ["union", (target) => checkoutOver(stage, open, commit, target, {})],
      ["union without the sidecar", (target) => checkoutOver(stage, open, commit, target, { sidecar: false })],
      ["list", async () => [...listTree(open, commit, "" as ByteString, { depth: Infinity })]],
      ["diff", () => diffCommits(open, commit, commitOf(repository, []))],
      ["commit", () => commitTree(open, { sources: [{ kind: "commit", commit }] })],
    ];
    for (const [index, [way, run]] of ways.entries()) {
      const target = `${home}/target-${index}`;
      let error: unknown;
      await run(target).catch((failure: unknown) => {
        error = failure;
      });
      if (error !== undefined) assert.ok(refused(error), way);
      else if (mustRefuse && way === "checkout") assert.fail("it was checked out");
      if (error !== undefined && way.startsWith("checkout")) assert.ok(!readdirSync(home).includes(path.basename(target)), way);
      rmSync(target, { recursive: true, force: true });
      assert.deepEqual(treeFacts(`${home}/outside`), outside, way);
      assert.deepEqual(readdirSync(home).toSorted(), names, way);
    }
  });
}

function checkoutOver(
  stage: Stage,
  open: Parameters<typeof checkoutCommit>[0],
  commit: Checksum,
  target: string,
  options: CheckoutOptions,
): Promise<unknown> {
  fillTarget(stage, target);
  return checkoutCommit(open, commit, target, { ...options, union: true });
}

function commitOf(
  repository: RawRepository,
  files: Parameters<typeof rawDirTree>[0],
  dirs: Parameters<typeof rawDirTree>[1] = [],
): Checksum {
  return repository.commit(repository.metadata("dirtree", rawDirTree(files, dirs)));
}

for (const name of ["..", ".", "a/b", "", "../outside/file", "/etc/passwd", "a\0b", "bad\xff"]) {
  test(`a file or folder called ${JSON.stringify(name)}`, async (t) => {
    const stage = stageFor(t);
    const { repository } = stage;
    const checksum = repository.file("evil\n");
    const tree = repository.metadata("dirtree", rawDirTree([{ name: "inner", checksum }], []));
    await assertHarmless(stage, commitOf(repository, [{ name, checksum }]));
    await assertHarmless(stage, commitOf(repository, [], [{ name, tree, meta: repository.meta }]));
  });
}

test("the same name twice, as files, as folders, as both, and out of order", async (t) => {
  const stage = stageFor(t);
  const { repository } = stage;
  const evil = repository.file("evil\n");
  const out = repository.link(`${stage.home}/outside`);
  const tree = repository.metadata("dirtree", rawDirTree([{ name: "file", checksum: evil }], []));
  const x = { name: "x", tree, meta: repository.meta };
  const link = { name: "x", checksum: out };
  for (const commit of [
    commitOf(repository, [link, { name: "x", checksum: evil }]),
    commitOf(repository, [], [x, x]),
    commitOf(repository, [link], [x]),
    commitOf(repository, [{ name: "y", checksum: evil }, link]),
  ]) {
    await assertHarmless(stage, commit);
  }
});

test("folders and files where the target has links that lead out", async (t) => {
  const stage = stageFor(t);
  const { repository, home } = stage;
  const checksum = repository.file("new\n");
  const inner = repository.metadata(
    "dirtree",
    rawDirTree(
      [
        { name: "file", checksum },
        { name: "inner", checksum },
      ],
      [],
    ),
  );
  const real = repository.metadata("dirtree", rawDirTree([], [{ name: "up", tree: inner, meta: repository.meta }]));
  const commit = commitOf(
    repository,
    [{ name: "a", checksum }],
    [
      { name: "real", tree: real, meta: repository.meta },
      { name: "x", tree: inner, meta: repository.meta },
    ],
  );
  await assertHarmless(stage, commit, { mustRefuse: false });
  await withRepository(repository.path, async (open) => {
    await assert.rejects(checkoutOver(stage, open, commit, `${home}/target`, {}), { code: "exists" });
    // A link in a file's place is replaced, never followed.
    const file = commitOf(repository, [{ name: "a", checksum }]);
    await checkoutCommit(open, file, `${home}/target`, { union: true });
  });
  assert.equal(readFileSync(`${home}/target/a`, "utf8"), "new\n");
  assert.equal(readFileSync(`${home}/outside/file`, "utf8"), "keep me\n");
});

test("a path through a link of the commit, or up, as a part to check out", async (t) => {
  const stage = stageFor(t);
  const { repository, home } = stage;
  const commit = commitOf(repository, [{ name: "x", checksum: repository.link("../outside") }]);
  await withRepository(repository.path, async (open) => {
    for (const subpath of ["x/folder", "x/..", "..", "../outside", "x/../../outside"]) {
      await assert.rejects(checkoutCommit(open, commit, `${home}/target`, { subpath }), { code: "not-found" }, subpath);
    }
  });
});

const FIFO = { mode: 0o010644, uid: 0, gid: 0, major: 0, minor: 0, xattrs: [] };
const SIDECARS: readonly [what: string, entries: EntryRecord[]][] = [
  ["a node called ..", [{ name: ".." as ByteString, node: FIFO }]],
  ["a node with a path for a name", [{ name: "../outside/pipe" as ByteString, node: FIFO }]],
  ["a node over a file", [{ name: "file" as ByteString, node: FIFO }]],
  ["a node over a folder", [{ name: "real" as ByteString, node: FIFO }]],
  [
    "a link as a node over a folder",
    [{ name: "real" as ByteString, node: { ...FIFO, mode: 0o120777, target: "../outside" as ByteString } }],
  ],
  ["a hard link up and out", [{ name: "file" as ByteString, linkTo: "../../etc/passwd" as ByteString }]],
  ["a hard link from the root of the system", [{ name: "file" as ByteString, linkTo: "/etc/passwd" as ByteString }]],
  [
    "names out of order",
    [
      { name: "z" as ByteString, node: FIFO },
      { name: "b" as ByteString, node: FIFO },
    ],
  ],
];

for (const [what, entries] of SIDECARS) {
  test(`a sidecar with ${what}`, async (t) => {
    const stage = stageFor(t);
    const { repository, home } = stage;
    const checksum = repository.file("file\n");
    const other = repository.file("other\n");
    const out = repository.link(`${home}/outside`);
    const real = repository.metadata("dirtree", rawDirTree([{ name: "inner", checksum }], []));
    const files = [
      { name: "file", checksum },
      { name: "other", checksum: other },
      { name: "out", checksum: out },
    ];
    const tree = repository.metadata("dirtree", rawDirTree(files, [{ name: "real", tree: real, meta: repository.meta }]));
    await assertHarmless(stage, repository.commit(tree, repository.sidecar(entries)));
  });
}

for (const linkTo of ["other", "out/file", "nowhere", "real", "file", "real/inner/x"]) {
  test(`a hard link in the sidecar to ${linkTo}, which is not the same file: the content counts`, async (t) => {
    const stage = stageFor(t);
    const { repository, home } = stage;
    const checksum = repository.file("file\n");
    const real = repository.metadata("dirtree", rawDirTree([{ name: "inner", checksum: repository.file("inner\n") }], []));
    const files = [
      { name: "file", checksum },
      { name: "other", checksum: repository.file("other\n") },
      { name: "out", checksum: repository.link(`${home}/outside`) },
    ];
    const tree = repository.metadata("dirtree", rawDirTree(files, [{ name: "real", tree: real, meta: repository.meta }]));
    const commit = repository.commit(tree, repository.sidecar([{ name: "file" as ByteString, linkTo: linkTo as ByteString }]));
    await assertHarmless(stage, commit, { mustRefuse: false });
    await withRepository(repository.path, (open) => checkoutCommit(open, commit, `${home}/target`));
    assert.equal(readFileSync(`${home}/target/file`, "utf8"), "file\n");
    assert.equal(readFileSync(`${home}/target/other`, "utf8"), "other\n");
  });
}

for (const name of ["%2e%2e", "%2f", "..%2foutside", "%00", "%61", "%FF", "file", "real", "%"]) {
  test(`an odd name in the sidecar that is ${name}`, async (t) => {
    const stage = stageFor(t);
    const { repository } = stage;
    const checksum = repository.file("file\n");
    const real = repository.metadata("dirtree", rawDirTree([{ name: "inner", checksum }], []));
    const dirs = [{ name: "real", tree: real, meta: repository.meta }];
    const tree = repository.metadata("dirtree", rawDirTree([{ name: "file", checksum }], dirs));
    const asFile = repository.metadata("dirtree", rawDirTree([{ name, checksum }], []));
    const asFolder = repository.metadata("dirtree", rawDirTree([], [{ name, tree: real, meta: repository.meta }]));
    for (const odd of [asFile, asFolder]) await assertHarmless(stage, repository.commit(tree, repository.sidecar([], odd)));
  });
}

test("holes that the content does not have: the content counts", async (t) => {
  const stage = stageFor(t);
  const { repository, home } = stage;
  const payload = Buffer.alloc(300_000, "content ");
  const tree = repository.metadata("dirtree", rawDirTree([{ name: "file", checksum: repository.file(payload) }], []));
  for (const data of [[], [{ offset: 4096, length: 10 }], [{ offset: 500_000, length: 10 }]]) {
    const commit = repository.commit(tree, repository.sidecar([{ name: "file" as ByteString, data }]));
    await withRepository(repository.path, (open) => checkoutCommit(open, commit, `${home}/target`));
    assert.ok(readFileSync(`${home}/target/file`).equals(payload));
    rmSync(`${home}/target`, { recursive: true });
  }
});

const MIB = 2 ** 20;

test("content that unpacks to more than its header says, or claims to be huge", async (t) => {
  const stage = stageFor(t);
  const { repository } = stage;
  const bomb = deflateRawSync(Buffer.alloc(300 * MIB), { level: 1 });
  const claims: readonly [string, number, Buffer][] = [
    ["a bomb behind a small header", 1000, bomb],
    ["a bomb behind a large header", 40 * MIB, bomb],
    ["2^50 bytes in a few", 2 ** 50, deflateRawSync(Buffer.alloc(10))],
    ["2^50 bytes in a bomb", 2 ** 50, bomb],
    ["less than its header says", 1000, deflateRawSync(Buffer.alloc(10))],
    ["no deflated data at all", 1000, Buffer.alloc(0)],
    ["noise", 1000, Buffer.alloc(500, 0xff)],
    ["bytes after the end", 1000, Buffer.concat([deflateRawSync(Buffer.alloc(1000)), Buffer.alloc(10)])],
    [
      "bytes after the end of a large one",
      40 * MIB,
      Buffer.concat([deflateRawSync(Buffer.alloc(40 * MIB), { level: 1 }), Buffer.alloc(2 * MIB)]),
    ],
  ];
  const before = process.memoryUsage().rss;
  for (const [index, [what, size, packed]] of claims.entries()) {
    const checksum = repository.filez(
      index.toString(16).padStart(64, "0"),
      Buffer.concat([encodeFilezHeader(REGULAR, size), packed]),
    );
    const startedAt = Date.now();
    await withRepository(repository.path, (open) =>
      assert.rejects(
        checkoutCommit(open, commitOf(repository, [{ name: "file", checksum }]), `${stage.home}/target`),
        refused,
        what,
      ),
    );
    assert.ok(Date.now() - startedAt < 20_000, what);
  }
  const grown = (process.memoryUsage().rss - before) / MIB;
  t.diagnostic(`${grown.toFixed(0)} MiB more`);
  assert.ok(grown < 400);
});

test("a content file of a terabyte of holes", async (t) => {
  const stage = stageFor(t);
  const { repository } = stage;
  const data = Buffer.concat([encodeFilezHeader(REGULAR, 10), deflateRawSync(Buffer.alloc(10))]);
  const checksum = repository.filez(contentChecksum(REGULAR, Buffer.alloc(10)), data);
  truncateSync(`${repository.path}/objects/${checksum.slice(0, 2)}/${checksum.slice(2)}.filez`, 2 ** 40);
  await withRepository(repository.path, (open) =>
    assert.rejects(checkoutCommit(open, commitOf(repository, [{ name: "file", checksum }]), `${stage.home}/target`), {
      code: "corrupt",
    }),
  );
});

test("a checksum that the content does not have is found where it is asked for", async (t) => {
  const stage = stageFor(t);
  const { repository } = stage;
  const honest = repository.file("honest\n");
  const evil = repository.file("evil\n", { mode: 0o104755 });
  const file = (checksum: string): string => `${repository.path}/objects/${checksum.slice(0, 2)}/${checksum.slice(2)}.filez`;
  writeFileSync(file(honest), readFileSync(file(evil)));
  const commit = commitOf(repository, [{ name: "file", checksum: honest }]);
  await withRepository(repository.path, (open) =>
    assert.rejects(checkoutCommit(open, commit, `${stage.home}/target`, { verify: true }), { code: "corrupt" }),
  );
});

for (const depth of [300, 1000, 2000]) {
  test(`a tree of ${depth} folders in each other`, async (t) => {
    const stage = stageFor(t);
    const { repository } = stage;
    let tree = repository.metadata("dirtree", rawDirTree([{ name: "file", checksum: repository.file("deep\n") }], []));
    for (let level = 0; level < depth; level++) {
      tree = repository.metadata("dirtree", rawDirTree([], [{ name: "d", tree, meta: repository.meta }]));
    }
    await assertHarmless(stage, repository.commit(tree), { mustRefuse: false });
  });
}
