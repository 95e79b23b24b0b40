import assert from "node:assert/strict";
import { test } from "node:test";
import { readTar } from "../../../../src/codec/tar/read.ts";
import { END, GNU, V7, extension, header, octal, padded, pax, readAll, record } from "../../../support/tar-archive.ts";

const good = header({ name: "a", size: octal(3) });
const rest = [header({ name: "last" }), END];

const CASES: readonly (readonly [what: string, blocks: readonly Buffer[], message: RegExp])[] = [
  ["wrong checksum", [header({ name: "a", checksumOffBy: 1 })], /byte 0: the checksum/],
  ["wrong checksum later on", [good, padded("abc"), header({ name: "b", checksumOffBy: -1 })], /byte 1024: the checksum/],
  ["rubbish for a header", [Buffer.alloc(512, 0x41)], /byte 0: the checksum/],
  ["half a header", [good, padded("abc"), header({ name: "b" }).subarray(0, 200)], /byte 1024: the archive ends/],
  ["half a content", [good, Buffer.from("ab")], /byte 0 \(a\): the archive ends/],
  ["content without padding", [good, Buffer.from("abc")], /byte 0 \(a\): the archive ends/],
  ["a lone zero block", [good, padded("abc"), Buffer.alloc(512), ...rest], /byte 1024: a lone zero block/],
  ["negative size", [header({ name: "a", size: "\xff".repeat(12) })], /byte 0 \(a\): its size is -1/],
  ["size over 2^53", [header({ name: "a", size: `\x80${"\xff".repeat(11)}` })], /\(a\): the header's size is not a number/],
  [
    "size of 2^53 - 1 and no content",
    [header({ name: "a", size: "\x80\0\0\0\0\x1f\xff\xff\xff\xff\xff\xff" })],
    /\(a\): the archive ends/,
  ],
  [
    "PAX size over 2^53",
    [pax(["size", "9007199254740992"]), header({ name: "a" })],
    /size of the extended header is not a number/,
  ],
  ["PAX size with a sign", [pax(["size", "-1"]), header({ name: "a" })], /size of the extended header is not a number/],
  ["PAX size of a thousand digits", [pax(["size", "9".repeat(1000)]), header({ name: "a" })], /size of the extended header/],
  ["PAX owner over 2^32", [pax(["uid", "4294967296"]), header({ name: "a" })], /its uid is 4294967296/],
  ["negative owner", [header({ name: "a", gid: "\xff".repeat(8) })], /its gid is -1/],
  ["PAX time that is none", [pax(["mtime", "yesterday"]), header({ name: "a" })], /mtime of the extended header/],
  ["mode that is no number", [header({ name: "a", mode: "rwxr-xr-" })], /the header's mode/],
  ["PAX record with a huge length", [extension("x", "99999999 path=a\n"), header({ name: "a" })], /byte 0 .*wrong length/],
  ["PAX record of length 0", [extension("x", "0 path=a\n"), header({ name: "a" })], /wrong length/],
  ["PAX record without a key", [extension("x", "5 =a\n"), header({ name: "a" })], /no key/],
  ["PAX header over 1 MiB", [header({ name: "p", type: "x", size: octal(2 ** 20 + 1) })], /larger than 1 MiB/],
  ["PAX header of 8 GiB", [header({ name: "p", type: "x", size: "77777777777\0" })], /larger than 1 MiB/],
  ["GNU long name of 8 GiB", [header({ name: "p", type: "L", size: "77777777777\0" })], /larger than 1 MiB/],
  ["negative PAX header", [header({ name: "p", type: "x", size: "\xff".repeat(12) })], /larger than 1 MiB/],
  ["PAX headers that add up", Array.from({ length: 20 }, () => pax(["comment", "c".repeat(60000)])), /larger than 1 MiB/],
  [
    "global headers that add up",
    Array.from({ length: 9 }, (_, i) => extension("g", record(`SCHILY.xattr.user.${i}`, "v".repeat(9000)))),
    /larger than 64 KiB/,
  ],
  [
    "a PAX header and the end",
    [good, padded("abc"), pax(["path", "b"]), END],
    /byte 2048: the archive ends behind an extended header/,
  ],
  ["an empty PAX header and the end", [extension("x", ""), END], /behind an extended header/],
  ["a long name and just nothing", [extension("L", "b\0")], /behind an extended header/],
  ["no name", [header({ name: "" })], /the entry has no name/],
  ["an empty long name", [extension("L", "\0\0"), header({ name: "a" })], /the entry has no name/],
  ["NUL in a PAX name", [pax(["path", "a\0b"]), header({ name: "a" })], /\(a\\x00b\): the entry's name has a NUL/],
  ["NUL in a long name", [extension("L", "a\0b"), header({ name: "a" })], /name has a NUL/],
  ["NUL in a sparse name", [pax(["GNU.sparse.name", "a\0"]), header({ name: "a" })], /name has a NUL/],
  ["a symlink to nothing", [header({ name: "a", type: "2" })], /no target/],
  ["a hard link to nothing", [header({ name: "a", type: "1" })], /no target/],
  ["NUL in a target", [pax(["linkpath", "a\0b"]), header({ name: "a", type: "2" })], /target has a NUL/],
  ["a folder with content", [header({ name: "a/", size: octal(3) }), padded("abc")], /folder's and it has content/],
  ["a folder with content by PAX", [pax(["size", "3"]), header({ name: "a/" }), padded("abc")], /folder's and it has content/],
  ["a v7 device", [header({ name: "a", type: "3", magic: V7 })], /no device numbers/],
  ["a negative device", [header({ name: "a", type: "3", devMajor: "\xff".repeat(8) })], /its devMajor is -1/],
];

test("damaged and hostile archives", async (t) => {
  for (const [what, blocks, message] of CASES) {
    await t.test(what, async () => {
      const isCut = /half|without padding|nothing$|no content/.test(what);
      await assert.rejects(
        readAll([...blocks, ...(isCut ? [] : rest)]),
        (error: Error & { code?: string; exitCode?: number; hint?: string }) => {
          assert.match(error.message, message);
          assert.match(error.message, /^tar archive, byte \d+/);
          assert.ok(error.hint);
          assert.equal(error.exitCode, 12);
          return error.code === "corrupt";
        },
      );
    });
  }
});

test("what no common archiver writes is refused as unsupported, not guessed at", async () => {
  for (const type of ["M", "A", "N", "\xff"]) {
    await assert.rejects(
      readAll([header({ name: "a", type, magic: GNU }), END]),
      { code: "unsupported", message: /byte 0 \(a\)/ },
      type,
    );
  }
});

test("an endless name does not make an endless message", async () => {
  const name = "n".repeat(100_000);
  await assert.rejects(
    readAll([pax(["path", name], ["uid", "-1"]), header({ name: "a" }), END]),
    (error: Error) => error.message.length < 400,
  );
});

/** An archive that never ends, and how much of it was taken. */
function endless(start: readonly Buffer[], repeat: Buffer): { source: Generator<Uint8Array>; taken: () => number } {
  let taken = 0;
  function* source(): Generator<Uint8Array> {
    for (const block of start) {
      taken += block.length;
      yield block;
    }
    for (;;) {
      taken += repeat.length;
      yield repeat;
    }
  }
  return { source: source(), taken: () => taken };
}

test("endless extended headers and sparse maps are given up on within their limits", async () => {
  const chunk = Buffer.alloc(65536, 0x31);
  const map = Buffer.from("0\n0\n".repeat(16384));
  const sparse = pax(["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"], ["GNU.sparse.realsize", "9"]);
  const extended = Buffer.alloc(512 * 128);
  for (let at = 0; at < extended.length; at += 512) {
    for (let pair = 0; pair < 21; pair++) extended.write("00000000000\x0000000000000\0", at + 24 * pair, "latin1");
    extended[at + 504] = 1;
  }
  const cases: readonly (readonly [string, readonly Buffer[], Buffer, number])[] = [
    ["PAX headers", [], pax(["comment", "c".repeat(9000)]), 2 ** 21],
    ["long names", [], extension("L", "l".repeat(9000)), 2 ** 21],
    ["a number in a sparse map", [sparse, header({ name: "s", size: "77777777777\0" })], chunk, 2 ** 20],
    ["old GNU's sparse map", [header({ name: "s", type: "S", patches: { 482: "\x01" } })], extended, 2 ** 26],
    ["a sparse map", [sparse, header({ name: "s", size: "77777777777\0" }), padded("9999999\n")], map, 2 ** 26],
  ];
  for (const [what, start, repeat, most] of cases) {
    const { source, taken } = endless(start, repeat);
    await assert.rejects(readAll(source), { code: "corrupt" }, what);
    assert.ok(taken() <= most, `${what}: ${taken()} bytes taken`);
  }
});

test("an archive's content is never held: 1 GiB goes by in a few megabytes", async () => {
  const chunk = Buffer.alloc(2 ** 20);
  function* source(): Generator<Uint8Array> {
    yield header({ name: "a", size: octal(2 ** 30) });
    for (let count = 0; count < 1024; count++) yield chunk;
    yield END;
  }
  const before = process.memoryUsage();
  let bytes = 0;
  for await (const { content } of readTar(source())) for await (const part of content) bytes += part.length;
  const after = process.memoryUsage();
  assert.equal(bytes, 2 ** 30);
  assert.ok(
    after.arrayBuffers - before.arrayBuffers < 2 ** 24,
    `${after.arrayBuffers - before.arrayBuffers} bytes more in buffers`,
  );
});
