/**
 * Real archivers against the codec. GNU tar is the judge in both directions: what it extracts from an archive of ours must be
 * the tree that was written; an archive of another archiver, read and written again by the codec, must extract to what it
 * extracts to itself.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import type { ByteString } from "../../src/base/byte-string.ts";
import { encodeEntryHeaders } from "../../src/codec/tar/encode-entry.ts";
import type { TarEntry } from "../../src/codec/tar/entry.ts";
import { readTar } from "../../src/codec/tar/read.ts";
import { writeTar } from "../../src/codec/tar/write.ts";
import { requires } from "../support/requires.ts";
import { collect, withHoles } from "../support/tar-archive.ts";
import { type TreeParts, entriesFromDisk, isRootUser, makeTree } from "../support/tar-tree.ts";
import { type FileFacts, fileExtents, treeFacts } from "../support/tree-facts.ts";

const BASIC: TreeParts = { isRich: false, hasOldFractions: false, isRoot: false };
const RICH: TreeParts = { isRich: true, hasOldFractions: true, isRoot: isRootUser() };
const SECOND = 1_000_000_000n;
const ENV = { ...process.env, LC_ALL: "C.UTF-8" };
const EXTRACT = [
  "--extract",
  "--preserve-permissions",
  "--delay-directory-restore",
  "--numeric-owner",
  "--xattrs",
  "--xattrs-include=*",
];

const GNU_ARCHIVES: readonly (readonly [what: string, parts: TreeParts, options: readonly string[]])[] = [
  ["v7", BASIC, ["--format=v7"]],
  ["ustar", BASIC, ["--format=ustar"]],
  ["oldgnu", RICH, ["--format=oldgnu"]],
  ["gnu", RICH, ["--format=gnu"]],
  ["gnu with holes", RICH, ["--format=gnu", "--sparse"]],
  ["pax", RICH, ["--format=pax"]],
  ["pax with attributes", RICH, ["--format=pax", "--xattrs", "--xattrs-include=*"]],
  ["pax with attributes and ACLs", RICH, ["--format=pax", "--xattrs", "--acls", "--xattrs-include=*"]],
  ["pax with holes 0.0", RICH, ["--format=pax", "--sparse", "--sparse-version=0.0"]],
  ["pax with holes 0.1", RICH, ["--format=pax", "--sparse", "--sparse-version=0.1"]],
  ["pax with holes 1.0", RICH, ["--format=pax", "--sparse", "--sparse-version=1.0", "--xattrs", "--xattrs-include=*"]],
  ["pax with a global header", RICH, ["--format=pax", "--pax-option=globexthdr.name=g,comment=made by a test,uname=nobody"]],
  ["gnu with a volume label", RICH, ["--format=gnu", "--label=test"]],
  ["gnu incremental", RICH, ["--format=gnu", "--listed-incremental=FOLDER/snapshot"]],
];

for (const [what, parts, options] of GNU_ARCHIVES) {
  test(`GNU tar's archives are read: ${what}`, async (t) => {
    if (!requires(t, { programs: ["tar"] })) return;
    const folder = temporary(t);
    makeTree(`${folder}/tree`, parts);
    run("tar", [
      "--create",
      `--file=${folder}/theirs.tar`,
      "--sort=name",
      "--numeric-owner",
      ...options.map((option) => option.replace("FOLDER", folder)),
      "--directory",
      `${folder}/tree`,
      ".",
    ]);
    await assertReadAsTheyDo(folder, `${folder}/theirs.tar`);
    // An incremental archive has another order, and so another name of two for the hard link.
    if (!what.includes("incremental")) await assertEntriesAre(`${folder}/theirs.tar`, `${folder}/tree`, options);
  });
}

for (const format of ["USTAR", "GNU", "PAX"]) {
  test(`Python's archives are read: ${format}`, async (t) => {
    if (!requires(t, { programs: ["tar", "python3"] })) return;
    const folder = temporary(t);
    makeTree(`${folder}/tree`, format === "USTAR" ? BASIC : RICH);
    run("python3", ["-c", PYTHON_CREATE, `${folder}/theirs.tar`, `${folder}/tree`, format]);
    await assertReadAsTheyDo(folder, `${folder}/theirs.tar`);
  });
}

for (const format of ["v7tar", "ustar", "gnutar", "pax"]) {
  test(`bsdtar's archives are read: ${format}`, async (t) => {
    if (!requires(t, { programs: ["tar", "bsdtar"] })) return;
    const folder = temporary(t);
    makeTree(`${folder}/tree`, format === "v7tar" || format === "ustar" ? BASIC : { ...RICH, hasOldFractions: false });
    run("bsdtar", ["--create", "--file", `${folder}/theirs.tar`, "--format", format, "-C", `${folder}/tree`, "."]);
    await assertReadAsTheyDo(folder, `${folder}/theirs.tar`);
  });
}

test("GNU tar extracts the codec's archives, in any locale", async (t) => {
  if (!requires(t, { programs: ["tar"] })) return;
  const folder = temporary(t);
  makeTree(`${folder}/tree`, RICH);
  await writeArchive(`${folder}/ours.tar`, entriesFromDisk(`${folder}/tree`));
  for (const locale of ["C", "C.UTF-8"]) {
    extract(`${folder}/ours.tar`, `${folder}/${locale}`, { ...ENV, LC_ALL: locale });
    assertSameTree(`${folder}/${locale}`, `${folder}/tree`);
  }
});

test("GNU tar finds nothing that differs between the codec's archive and the disk", async (t) => {
  if (!requires(t, { programs: ["tar"] })) return;
  const folder = temporary(t);
  makeTree(`${folder}/tree`, RICH);
  await writeArchive(`${folder}/ours.tar`, entriesFromDisk(`${folder}/tree`));
  const compare = (): string =>
    run("tar", ["--compare", `--file=${folder}/ours.tar`, "--numeric-owner", "--directory", `${folder}/tree`]);
  assert.equal(compare(), "");
  writeFileSync(`${folder}/tree/plain`, "other");
  assert.throws(compare, ({ stdout }: { stdout: string }) => /^plain: /m.test(stdout));
});

test("bsdtar extracts the codec's archives", async (t) => {
  if (!requires(t, { programs: ["bsdtar"] })) return;
  const folder = temporary(t);
  makeTree(`${folder}/tree`, { ...RICH, hasOldFractions: false });
  await writeArchive(`${folder}/ours.tar`, entriesFromDisk(`${folder}/tree`));
  mkdirSync(`${folder}/theirs`);
  run("bsdtar", ["-x", "-p", "--numeric-owner", "-f", `${folder}/ours.tar`, "-C", `${folder}/theirs`]);
  // It does not decode `%3D` and `%25` in the names of attributes, which GNU tar writes.
  const asBsdtar = (name: string): string => name.replaceAll("%", "%25").replaceAll("=", "%3D");
  assertSameFacts(
    comparable(`${folder}/theirs`),
    comparable(`${folder}/tree`, ({ xattrs, ...facts }) => ({ ...facts, xattrs: mapKeys(xattrs, asBsdtar) })),
  );
});

test("Python extracts the codec's archives", async (t) => {
  if (!requires(t, { programs: ["python3"] })) return;
  const folder = temporary(t);
  makeTree(`${folder}/tree`, RICH);
  await writeArchive(`${folder}/ours.tar`, entriesFromDisk(`${folder}/tree`));
  run("python3", ["-c", PYTHON_EXTRACT, `${folder}/ours.tar`, `${folder}/theirs`]);
  // It knows no attributes, keeps times as floating point numbers, and sets none on symlinks.
  const asPython = ({ mtime, ...facts }: FileFacts): object => ({
    ...facts,
    xattrs: {},
    mtime: facts.type === "symlink" ? 0n : (mtime + 500n) / 1000n,
  });
  assertSameFacts(comparable(`${folder}/theirs`, asPython), comparable(`${folder}/tree`, asPython));
});

test("files beyond 8 GiB and a sparse file of 1 TiB are listed with their sizes", async (t) => {
  if (!requires(t, { programs: ["tar", "python3"] })) return;
  const folder = temporary(t);
  const size = 9 * 2 ** 30 + 1;
  const facts = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 }, type: "file" } as const;
  const headers = encodeEntryHeaders({ ...facts, name: "large" as ByteString, size }, size, false);
  const sparse = {
    ...facts,
    name: "sparse" as ByteString,
    size: 2 ** 40,
    sparse: [{ offset: 2 ** 39, length: 4 }],
    content: [Buffer.from("data")],
  };
  const rest = await collect(writeTar([sparse]));
  const file = openSync(`${folder}/ours.tar`, "w");
  writeSync(file, headers, 0);
  writeSync(file, rest, 0, rest.length, headers.length + size + 511);
  closeSync(file);
  truncateSync(`${folder}/ours.tar`, headers.length + size + 511 + rest.length);
  const listing = run("tar", ["--list", "--verbose", "--seek", "--numeric-owner", `--file=${folder}/ours.tar`]);
  assert.deepEqual(listing.match(/\d{9,}/g), [`${size}`, `${2 ** 40}`]);
  const python = "import sys,tarfile\nfor m in tarfile.open(sys.argv[1]): print(m.name, m.size)";
  assert.equal(run("python3", ["-c", python, `${folder}/ours.tar`]), `large ${size}\nsparse ${2 ** 40}\n`);
});

const PYTHON_CREATE = `
import sys, tarfile
with tarfile.open(sys.argv[1], "w", format=getattr(tarfile, sys.argv[3] + "_FORMAT")) as archive:
    archive.add(sys.argv[2], arcname=".")
`;

const PYTHON_EXTRACT = `
import sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    archive.extraction_filter = staticmethod(lambda member, path: member)
    archive.extractall(sys.argv[2], numeric_owner=True)
`;

function temporary(t: TestContext): string {
  const folder = mkdtempSync(`${tmpdir()}/regrow-tar-`);
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Its standard output; standard error, which has GNU tar's remarks on old times, only where it fails. */
function run(program: string, options: readonly string[], env: NodeJS.ProcessEnv = ENV): string {
  return execFileSync(program, options, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 26 });
}

function extract(archive: string, folder: string, env: NodeJS.ProcessEnv = ENV): void {
  mkdirSync(folder);
  run("tar", [...EXTRACT, `--file=${archive}`, "--directory", folder], env);
}

async function writeArchive(path: string, entries: Parameters<typeof writeTar>[0]): Promise<void> {
  writeFileSync(path, await collect(writeTar(entries)));
}

async function assertReadAsTheyDo(folder: string, archive: string): Promise<void> {
  await writeArchive(`${folder}/ours.tar`, readTar(createReadStream(archive, { highWaterMark: 1000 }), { requireEnd: true }));
  extract(archive, `${folder}/theirs`);
  extract(`${folder}/ours.tar`, `${folder}/ours`);
  assertSameTree(`${folder}/ours`, `${folder}/theirs`);
}

function assertSameTree(actual: string, expected: string): void {
  assert.ok(treeFacts(expected).size > 5);
  assertSameFacts(comparable(actual), comparable(expected));
  for (const [name, { type }] of treeFacts(expected)) {
    if (type === "file") assert.deepEqual(fileExtents(actual, name), fileExtents(expected, name), `holes of ${name}`);
  }
}

/** What the reader says, against what the disk says, as far as the format has it. */
async function assertEntriesAre(archive: string, tree: string, options: readonly string[]): Promise<void> {
  const expected = treeFacts(tree);
  const actual = new Map<string, object>();
  for await (const entry of readTar(createReadStream(archive))) {
    const name = onDisk(entry.name);
    if (name === "") continue;
    actual.set(name, await factsOfEntry(entry));
    const isSparse = options.includes("--sparse") && name.startsWith("sparse-");
    assert.deepEqual(entry.sparse, isSparse ? fileExtents(tree, name) : undefined, name);
  }
  assertSameFacts(actual, new Map([...expected].map(([name, facts]) => [name, asArchived(facts, options)])));
}

async function factsOfEntry(entry: TarEntry): Promise<object> {
  const data = withHoles(await collect(entry.content), entry.size, entry.sparse);
  return {
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: BigInt(entry.mtime.seconds) * SECOND + BigInt(entry.mtime.nanoseconds),
    size: entry.size,
    sha256: entry.type === "file" ? createHash("sha256").update(data).digest("hex") : undefined,
    target: entry.type === "symlink" ? entry.linkName : undefined,
    device: entry.type === "character" || entry.type === "block" ? `${entry.devMajor}:${entry.devMinor}` : undefined,
    sameAs: entry.type === "hardlink" ? onDisk(entry.linkName) : undefined,
    xattrs: Object.fromEntries(entry.xattrs.map(({ name, value }) => [name, value.toString("hex")])),
  };
}

function asArchived(facts: FileFacts, options: readonly string[]): object {
  const fraction = options.includes("--format=pax") ? 0n : ((facts.mtime % SECOND) + SECOND) % SECOND;
  const isLink = facts.sameAs !== undefined;
  return {
    type: isLink ? "hardlink" : facts.type,
    mode: facts.mode,
    uid: facts.uid,
    gid: facts.gid,
    mtime: facts.mtime - fraction,
    size: isLink ? 0 : facts.size,
    sha256: isLink ? undefined : facts.sha256,
    target: facts.target,
    device: facts.device,
    sameAs: facts.sameAs,
    xattrs: options.includes("--xattrs") && !isLink ? facts.xattrs : {},
  };
}

function onDisk(name: ByteString): string {
  return name.replace(/^\.\/|\/$/g, "").replace(/^\.$/, "");
}

function comparable(root: string, change: (facts: FileFacts) => object = (facts) => facts): Map<string, object> {
  return new Map([...treeFacts(root)].map(([name, facts]) => [name, change(facts)]));
}

function assertSameFacts(actual: ReadonlyMap<string, object>, expected: ReadonlyMap<string, object>): void {
  for (const [name, facts] of expected)
    assert.deepEqual(actual.get(name), facts, `${name} differs:\n${inspect(actual.get(name))}\n${inspect(facts)}`);
  assert.deepEqual(new Set(actual.keys()), new Set(expected.keys()));
}

function mapKeys(values: Readonly<Record<string, string>>, change: (key: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [change(key), value]));
}
