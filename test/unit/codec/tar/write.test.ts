import assert from "node:assert/strict";
import { test } from "node:test";
import type { TarWriteEntry } from "../../../../src/codec/tar/entry.ts";
import { readTar } from "../../../../src/codec/tar/read.ts";
import { writeTar } from "../../../../src/codec/tar/write.ts";
import { bytes, collect, readAll, withHoles } from "../../../support/tar-archive.ts";

const PLAIN: TarWriteEntry = {
  name: bytes("a"),
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 1, nanoseconds: 0 },
};

async function typeFlags(entry: TarWriteEntry): Promise<string> {
  const archive = await collect(writeTar([entry]));
  return archive[156] === 0x78 ? "x" : "plain";
}

test("an entry that fits is one plain header", async () => {
  const cases: readonly Partial<TarWriteEntry>[] = [
    {},
    { name: bytes("n".repeat(100)) },
    { name: bytes(`${"p".repeat(155)}/${"n".repeat(100)}`) },
    { name: bytes(`${"p".repeat(90)}/${"n".repeat(90)}/`), type: "directory" },
    { type: "symlink", linkName: bytes("l".repeat(100)) },
    { uid: 0o7777777, gid: 0o7777777, mtime: { seconds: 0o77777777777, nanoseconds: 0 } },
    { type: "block", devMajor: 4095, devMinor: 1048575 },
    { size: 3, sparse: [{ offset: 0, length: 3 }], content: [Buffer.from("abc")] },
  ];
  for (const change of cases) assert.equal(await typeFlags({ ...PLAIN, ...change }), "plain", JSON.stringify(change));
});

test("an entry that doesn't fit has a PAX header", async () => {
  const cases: readonly Partial<TarWriteEntry>[] = [
    { name: bytes("n".repeat(101)) },
    { name: bytes(`${"p".repeat(156)}/${"n".repeat(99)}`) },
    { name: bytes(`/${"n".repeat(101)}`) },
    { name: bytes(`${"n".repeat(101)}/`), type: "directory" },
    { name: bytes("\xc3\xbc") },
    { name: bytes("\xff") },
    { type: "symlink", linkName: bytes("l".repeat(101)) },
    { uid: 0o10000000 },
    { gid: 4294967295 },
    { mtime: { seconds: -1, nanoseconds: 0 } },
    { mtime: { seconds: 0, nanoseconds: 1 } },
    { mtime: { seconds: 0o100000000000, nanoseconds: 0 } },
    { xattrs: [{ name: bytes("user.a"), value: Buffer.alloc(0) }] },
    { size: 3, sparse: [] },
  ];
  for (const change of cases) assert.equal(await typeFlags({ ...PLAIN, ...change }), "x", JSON.stringify(change));
});

test("the bytes of an archive are always the same", async () => {
  const xattrs = [
    { name: bytes("user.b"), value: Buffer.from("2") },
    { name: bytes("user.a"), value: Buffer.from("1") },
  ];
  const one = await collect(writeTar([{ ...PLAIN, name: bytes("d/\xff"), xattrs, size: 2, content: [Buffer.from("xy")] }]));
  const two = await collect(
    writeTar([
      { ...PLAIN, name: bytes("d/\xff"), xattrs: xattrs.toReversed(), size: 2, content: [Buffer.from("x"), Buffer.from("y")] },
    ]),
  );
  assert.deepEqual(one, two);
  assert.equal(one.toString("latin1", 0, 20).replace(/\0+$/, ""), "PaxHeaders/_");
  assert.equal(one.length, 512 + 512 + 512 + 512 + 1024);
});

test("a name that a plain header can't hold has a stand-in there that no reader takes for a folder or for root's", async () => {
  const archive = await collect(writeTar([{ ...PLAIN, name: bytes(`${"\xff".repeat(120)}/b\xff`), uid: 4294967295 }]));
  const plain = archive.subarray(-1024 - 512);
  assert.equal(plain.toString("latin1", 0, 4), "b_\0\0");
  assert.equal(plain.toString("latin1", 108, 116), "7777777\0");
});

const REFUSED: readonly (readonly [what: string, change: Partial<TarWriteEntry>, message: RegExp])[] = [
  ["no name", { name: bytes("") }, /its name is empty/],
  ["NUL in a name", { name: bytes("a\0b") }, /NUL/],
  ["a file that would be read as a folder", { name: bytes("a/") }, /slash/],
  ["a link without a target", { type: "symlink" }, /target/],
  ["a target without a link", { linkName: bytes("x") }, /no link/],
  ["NUL in a target", { type: "hardlink", linkName: bytes("a\0") }, /target/],
  ["a mode with a type", { mode: 0o100644 }, /mode/],
  ["a negative owner", { uid: -1 }, /owner/],
  ["an owner that is too large", { gid: 2 ** 32 }, /owner/],
  ["a fraction of a size", { size: 0.5 }, /size/],
  ["a size over 2^53", { size: 2 ** 53 }, /size/],
  ["a folder with content", { type: "directory", size: 1 }, /size/],
  ["a whole second of nanoseconds", { mtime: { seconds: 0, nanoseconds: 1e9 } }, /mtime/],
  ["a file with a device number", { devMajor: 1 }, /device number/],
  ["a device number that is too large", { type: "block", devMinor: 2 ** 21 }, /device number/],
  [
    "an attribute twice",
    {
      xattrs: [
        { name: bytes("user.a"), value: Buffer.alloc(0) },
        { name: bytes("user.a"), value: Buffer.alloc(0) },
      ],
    },
    /twice/,
  ],
  ["an attribute without a name", { xattrs: [{ name: bytes(""), value: Buffer.alloc(0) }] }, /attribute/],
  ["attributes over 1 MiB", { xattrs: [{ name: bytes("user.a"), value: Buffer.alloc(2 ** 20) }] }, /1 MiB/],
  ["a folder with a sparse map", { type: "directory", sparse: [] }, /no file/],
  [
    "extents out of order",
    {
      size: 9,
      sparse: [
        { offset: 5, length: 1 },
        { offset: 0, length: 1 },
      ],
    },
    /out of order/,
  ],
  ["extents beyond the end", { size: 9, sparse: [{ offset: 5, length: 5 }] }, /beyond its end/],
  ["a negative extent", { size: 9, sparse: [{ offset: 5, length: -1 }] }, /out of order/],
];

test("what an archive can't hold is refused before its first byte", async (t) => {
  for (const [what, change, message] of REFUSED) {
    await t.test(what, async () => {
      const chunks: Uint8Array[] = [];
      const write = async (): Promise<void> => {
        for await (const chunk of writeTar([{ ...PLAIN, ...change }])) chunks.push(chunk);
      };
      await assert.rejects(write(), { code: "unsupported", message });
      assert.deepEqual(chunks, []);
    });
  }
});

test("content of another length than announced is torn, and its source is closed", async () => {
  let closed = 0;
  async function* content(text: string): AsyncGenerator<Uint8Array> {
    try {
      for (const character of text) yield Buffer.from(character);
    } finally {
      closed++;
    }
  }
  await assert.rejects(collect(writeTar([{ ...PLAIN, size: 4, content: content("abc") }])), {
    code: "torn",
    message: /^a: its content is shorter/,
  });
  await assert.rejects(collect(writeTar([{ ...PLAIN, size: 2, content: content("abc") }])), { code: "torn", message: /longer/ });
  await assert.rejects(collect(writeTar([{ ...PLAIN, size: 0, content: content("a") }])), { code: "torn", message: /longer/ });
  await assert.rejects(collect(writeTar([{ ...PLAIN, size: 2 }])), { code: "torn", message: /shorter/ });
  await assert.rejects(
    collect(writeTar([{ ...PLAIN, size: 900, sparse: [{ offset: 600, length: 3 }], content: content("ab") }])),
    { code: "torn" },
  );
  assert.equal(closed, 4);
});

test("an archive of no entries is the end marker", async () => {
  assert.deepEqual(await collect(writeTar([])), Buffer.alloc(1024));
});

test("small pieces come in large chunks, large ones as they are", async () => {
  const large = Buffer.alloc(200_000, 1);
  const entries = Array.from({ length: 1000 }, (_, index) => ({ ...PLAIN, name: bytes(`f${index}`) }));
  const sizes: number[] = [];
  const archive: Buffer[] = [];
  for await (const chunk of writeTar([...entries, { ...PLAIN, size: large.length, content: [large] }])) {
    sizes.push(chunk.length);
    archive.push(Buffer.from(chunk));
  }
  assert.ok(sizes.length < 15, `${sizes.length} chunks`);
  assert.ok(sizes.includes(large.length));
  const read = await readAll(archive);
  assert.equal(read.length, 1001);
  assert.deepEqual(read.at(-1)?.data, large);
});

test("a sparse file keeps its bytes where its extents are not whole blocks", async () => {
  const sparse = [
    { offset: 100, length: 10 },
    { offset: 600, length: 10 },
    { offset: 8990, length: 10 },
  ];
  const data = Buffer.from("a".repeat(10) + "b".repeat(10) + "c".repeat(10));
  const [entry] = await readAll(writeTar([{ ...PLAIN, size: 9000, sparse, content: [data] }]));
  assert.deepEqual(withHoles(entry!.data, 9000, entry!.sparse), withHoles(data, 9000, sparse));
  assert.equal(entry!.name, "a");
});

test("what was read can be written as it is", async () => {
  const first = await collect(
    writeTar([
      { ...PLAIN, name: bytes("\xff"), size: 3, content: [Buffer.from("abc")] },
      { ...PLAIN, name: bytes("d/"), type: "directory" },
    ]),
  );

  assert.deepEqual(await collect(writeTar(readTar([first]))), first);
});
