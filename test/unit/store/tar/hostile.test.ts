/**
 * Archives made to do harm, and damaged ones: each is refused with the right kind of error, the repository is as it was, and nothing
 * outside it has changed.
 */
import assert from "node:assert/strict";
import { createWriteStream, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { createGzip, gzipSync } from "node:zlib";
import { once } from "node:events";
import type { ByteString } from "../../../../src/base/byte-string.ts";
import { RegrowError } from "../../../../src/base/errors.ts";
import { commitTree } from "../../../../src/store/commit.ts";
import { listRefs } from "../../../../src/store/refs.ts";
import { loadWorkingTree } from "../../../../src/store/tree/load-working-tree.ts";
import { END, header, octal, padded, pax } from "../../../support/tar-archive.ts";
import { newRepository } from "../../../support/repositories.ts";
import { scratchFolder } from "../../../support/scratch.ts";
import { commitTar } from "../../../support/tar-store.ts";
import { treeFacts } from "../../../support/tree-facts.ts";

const DIR = { type: "5", mode: octal(0o755, 8) };
const root = header({ name: "./", ...DIR });
const file = (name: string, data = "evil"): Buffer => Buffer.concat([header({ name, size: octal(data.length) }), padded(data)]);
const symlink = (name: string, linkName: string): Buffer => header({ name, type: "2", linkName });
const hardlink = (name: string, linkName: string): Buffer => header({ name, type: "1", linkName });
const device = (name: string): Buffer =>
  header({ name, type: "3", devMajor: octal(1, 8), devMinor: octal(3, 8), mode: octal(0o666, 8) });

const CASES: readonly (readonly [what: string, blocks: readonly Buffer[], code: string, message: RegExp])[] = [
  ["absolute name", [file("/CANARY/new")], "hostile", /^\/.*\/new: .* absolute/],
  ["absolute folder", [header({ name: "/CANARY/", ...DIR })], "hostile", /absolute/],
  ["name that leads upwards", [file("../canary/file")], "hostile", /leads upwards/],
  ["name that leads upwards later on", [file("a/b/../../../canary/file")], "hostile", /leads upwards/],
  ["name that is nothing but upwards", [header({ name: "..", ...DIR })], "hostile", /leads upwards/],
  ["PAX name that leads upwards", [pax(["path", "a/../../canary/file"]), file("harmless")], "hostile", /leads upwards/],
  ["symlink, then a file through it", [symlink("a", "CANARY"), file("a/file")], "hostile", /through a, which is a link/],
  ["symlink, then a folder below it", [symlink("a", ".."), header({ name: "a/b/", ...DIR })], "hostile", /through a,/],
  ["symlink below a folder, then a device through it", [symlink("d/a", "CANARY"), device("d/a/x")], "hostile", /through d\/a,/],
  ["symlink, then a hard link through it", [symlink("a", "CANARY"), hardlink("b", "a/file")], "corrupt", /hard link to a\/file/],
  ["symlink, then a hard link behind it", [file("f"), symlink("a", "CANARY"), hardlink("a/g", "f")], "hostile", /through a,/],
  ["file, then a file below it", [file("a"), file("a/b")], "hostile", /through a,/],
  ["device, then a file below it", [device("a"), file("a/b")], "hostile", /through a,/],
  ["hard link to an absolute name", [hardlink("a", "/CANARY/file")], "hostile", /absolute/],
  ["hard link that leads upwards", [hardlink("a", "../canary/file")], "hostile", /leads upwards/],
  ["hard link to what comes later", [hardlink("a", "b"), file("b")], "corrupt", /a: is a hard link to b, which is no file/],
  ["hard link to itself", [hardlink("a", "a")], "corrupt", /hard link to a/],
  ["hard link to a folder", [header({ name: "d", ...DIR }), hardlink("a", "d")], "corrupt", /hard link to d/],
  ["hard link to the root", [hardlink("a", "./")], "corrupt", /hard link to/],
  ["file in the root's place", [file("./.")], "hostile", /the tree's root/],
  ["device in the root's place", [device(".")], "hostile", /the tree's root/],
  ["hard link in the root's place", [file("a"), hardlink(".", "a")], "hostile", /the tree's root/],
  ["name of 256 bytes", [pax(["path", "n".repeat(256)]), file("n")], "unsupported", /more than 255 bytes/],
  ["target of 4096 bytes", [pax(["linkpath", "t".repeat(4096)]), symlink("n", "t")], "unsupported", /more than 4095 bytes/],
  ["path of 500,000 folders", [pax(["path", `${"a/".repeat(500_000)}f`]), file("n")], "unsupported", /more than 2048 folders/],
  ["cut in a header", [file("a"), header({ name: "b" }).subarray(0, 100)], "corrupt", /ends in the middle/],
  ["cut in a content", [header({ name: "a", size: octal(5000) }), Buffer.alloc(600)], "corrupt", /ends in the middle/],
  ["cut in a content of 40 MiB", [header({ name: "a", size: octal(40 * 2 ** 20) }), Buffer.alloc(600)], "corrupt", /middle/],
  ["no archive at all", [Buffer.from("#!/bin/sh\necho hello\n".repeat(40))], "corrupt", /checksum/],
];

for (const [what, blocks, code, message] of CASES) {
  test(`refused: ${what}`, async (t) => {
    const place = prepare(t);
    const whole = Buffer.concat([
      root,
      file("before"),
      ...blocks,
      ...(code === "corrupt" && message.source.includes("middle") ? [] : [END]),
    ]);
    for (const [name, data] of [
      ["plain", withCanary(whole, place.canary)],
      ["packed", gzipSync(withCanary(whole, place.canary))],
    ] as const) {
      writeFileSync(`${place.folder}/${name}`, data);
      await place.refused(name, (error) => {
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
      });
    }
  });
}

test("refused: a .gz that unpacks to more than there is room, before anything is written", async (t) => {
  const place = prepare(t);
  // A sparse file's holes cost an archive nothing at all; 8 EiB of them are hashed by nobody.
  const size = `${Number.MAX_SAFE_INTEGER}`;
  const sparse = pax(["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"], ["GNU.sparse.realsize", size]);
  const map = padded(`1\n${size}\n0\n`);
  writeFileSync(`${place.folder}/holes`, Buffer.concat([root, sparse, header({ name: "a", size: octal(map.length) }), map, END]));
  const large = header({ name: "a", size: `\x80\0\0\0\0\0\x08\0\0\0\0\0` });
  writeFileSync(`${place.folder}/bomb.gz`, gzipSync(Buffer.concat([root, large, Buffer.alloc(2 ** 20)])));
  for (const name of ["holes", "bomb.gz"])
    await place.refused(name, (error) => assert.equal(error.code, "no-space", error.message));
});

test("a .gz of 500 MB of zeroes behind the archive's end is read in bounded memory", async (t) => {
  const place = prepare(t);
  const packer = createGzip({ level: 1 });
  const out = packer.pipe(createWriteStream(`${place.folder}/bomb.gz`));
  packer.write(Buffer.concat([root, file("a"), END]));
  const zeroes = Buffer.alloc(2 ** 20);
  for (let piece = 0; piece < 500; piece++) if (!packer.write(zeroes)) await once(packer, "drain");
  packer.end();
  await once(out, "finish");
  const before = process.memoryUsage().rss;
  await commitTar(place.repository, `${place.folder}/bomb.gz`);
  assert.ok(process.memoryUsage().rss - before < 100 * 2 ** 20);
});

test("refused: more folders than memory should hold", async (t) => {
  const place = prepare(t);
  // Each of these entries makes 2000 folders and costs a packed archive a few dozen bytes.
  const blocks: Buffer[] = [root];
  for (let entry = 0; entry < 140; entry++) blocks.push(pax(["path", `${entry}/${"a/".repeat(2000)}f`]), file("n"));
  writeFileSync(`${place.folder}/names.gz`, gzipSync(Buffer.concat(blocks), { level: 1 }));
  await place.refused("names.gz", (error) => assert.match(error.message, /more than 262144 folders/));
});

test("what looks dangerous and is not, is taken as it stands", async (t) => {
  const place = prepare(t);
  const blocks = [
    root,
    symlink("a", `${place.canary}/file`),
    symlink("b", "../../../../etc/passwd"),
    file("..."),
    file(".//c/./d"),
    header({ name: "a", ...DIR }),
    file("a/file"),
    device("null"),
    hardlink("zero", "null"),
    file("e"),
    header({ name: "e/", ...DIR }),
    hardlink("c/./d", "./c//d"),
    END,
  ];
  writeFileSync(`${place.folder}/plain`, Buffer.concat(blocks));
  const { commit } = await commitTar(place.repository, `${place.folder}/plain`);
  const tree = loadWorkingTree(place.repository, commit);
  assert.deepEqual([...tree.dirs.keys()].toSorted(), ["a", "c", "e"]);
  assert.deepEqual([...tree.files.keys()].toSorted(), ["...", "b"]);
  assert.deepEqual([...tree.nodes.keys()].toSorted(), ["null", "zero"]);
  assert.deepEqual([...tree.dirs.get("c" as ByteString)!.files.keys()], ["d"]);
  place.assertUntouched();
});

interface Prepared {
  readonly folder: string;
  readonly canary: string;
  readonly repository: ReturnType<typeof newRepository>;
  refused(name: string, check: (error: RegrowError) => void): Promise<void>;
  assertUntouched(): void;
}

/** A repository with the canary beside it; the archives' names and targets lead to the canary. */
function prepare(t: TestContext): Prepared {
  const folder = scratchFolder(t);
  const canary = `${folder}/canary`;
  mkdirSync(`${canary}/folder`, { recursive: true });
  writeFileSync(`${canary}/file`, "alive");
  symlinkSync("file", `${canary}/link`);
  const before = treeFacts(canary);
  const repository = newRepository(t, `${folder}/repository`, "archive");
  const assertUntouched = (): void => assert.deepEqual(treeFacts(canary), before);
  const refused = async (name: string, check: (error: RegrowError) => void): Promise<void> => {
    const objects = treeFacts(`${folder}/repository/objects`);
    await assert.rejects(
      commitTree(repository, { branch: "main", sources: [{ kind: "tar", path: `${folder}/${name}` }], workers: 1 }),
      (error) => {
        assert.ok(error instanceof RegrowError, String(error));
        check(error);
        return true;
      },
    );
    assertUntouched();
    assert.deepEqual(treeFacts(`${folder}/repository/objects`), objects);
    assert.deepEqual(listRefs(repository), []);
    assert.deepEqual(readdirSync(`${folder}/repository/tmp`), ["cache"]);
  };
  return { folder, canary, repository, refused, assertUntouched };
}

/** CANARY stands for the canary's path, in a field that has room for it: the header's sum is made anew. */
function withCanary(archive: Buffer, canary: string): Buffer {
  const copy = Buffer.from(archive);
  for (let at = 0; at + 512 <= copy.length; at += 512) {
    const block = copy.subarray(at, at + 512);
    if (block.toString("latin1", 257, 262) !== "ustar") continue;
    for (const start of [0, 157]) {
      const text = block.toString("latin1", start, start + 100).replace(/\0.*$/s, "");
      if (!text.includes("CANARY")) continue;
      block.fill(0, start, start + 100);
      block.write(text.replace(/\/?CANARY/, canary), start, "latin1");
    }
    block.fill(" ", 148, 156);
    let sum = 0;
    for (const byte of block) sum += byte;
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  }
  return copy;
}
