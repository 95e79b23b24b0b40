import assert from "node:assert/strict";
import { test } from "node:test";
import { type ByteString, bytesOf, isUtf8 } from "../../../../src/base/byte-string.ts";
import { type EntryRecord, decodeFolderRecord, encodeFolderRecord } from "../../../../src/codec/sidecar/folder-record.ts";
import { ODD_NAMES, RECORD_NAME, escapeName, unescapeName } from "../../../../src/codec/sidecar/sidecar-name.ts";

const CORRUPT = { name: "RegrowError", code: "corrupt" };
const raw = (hex: string): Buffer => Buffer.concat([Buffer.from("rgs1"), Buffer.from(hex.replaceAll(" ", ""), "hex")]);
const name = (text: string): ByteString => text as ByteString;

/** The format, byte by byte: a change of any of these breaks every sidecar there is. */
const GOLDEN: readonly [what: string, entry: EntryRecord, hex: string][] = [
  ["nothing but a name", { name: name("a") }, "01 61 00"],
  ["the folder's own time", { name: name(""), time: { seconds: 1, nanoseconds: 5 } }, "00 01 02 05"],
  ["a time before 1970", { name: name("a"), time: { seconds: -1, nanoseconds: 999_999_999 } }, "01 61 01 01 ff93ebdc03"],
  ["inode flags", { name: name("a"), flags: 0x80000010 }, "01 61 02 9080808008"],
  [
    "a sparse file",
    {
      name: name("a"),
      data: [
        { offset: 4096, length: 8192 },
        { offset: 16384, length: 1 },
      ],
    },
    "01 61 04 02 8020 8040 8020 01",
  ],
  ["a file that is one hole", { name: name("a"), data: [] }, "01 61 04 00"],
  ["a hard link", { name: name("b"), linkTo: name("d/a") }, "01 62 08 03 642f61"],
  [
    "a device node with an attribute",
    {
      name: name("null"),
      node: {
        mode: 0o020666,
        uid: 1000,
        gid: 2,
        major: 1,
        minor: 3,
        xattrs: [{ name: name("user.x"), value: Buffer.from("v") }],
      },
    },
    "04 6e756c6c 10 b643 e807 02 01 03 01 06 757365722e78 01 76",
  ],
];

for (const [what, entry, hex] of GOLDEN) {
  test(`a record of ${what}`, () => {
    assert.deepEqual(encodeFolderRecord([entry]), raw(hex));
    const [read] = decodeFolderRecord(raw(hex));
    const known = Object.fromEntries(Object.entries(read!).filter(([, value]) => value !== undefined));
    assert.deepEqual(known, entry);
  });
}

const REFUSED: readonly [what: string, data: Buffer][] = [
  ["another mark", Buffer.from("rgs2")],
  ["no mark", Buffer.alloc(0)],
  ["a name that leads up", raw("02 2e2e 00")],
  ["a name that is the folder", raw("01 2e 00")],
  ["a name with a slash", raw("03 612f62 00")],
  ["a name with a NUL", raw("02 6100 00")],
  ["names out of order", raw("01 62 00 01 61 00")],
  ["a name twice", raw("01 61 00 01 61 00")],
  ["a field from the future", raw("01 61 20")],
  ["a number not in its shortest form", raw("01 61 8000")],
  ["a number without an end", raw("01 61 01 ffffffffffffffffffffff01 00")],
  ["a number beyond 2^53", raw("01 61 02 80808080808080 80 01")],
  ["a time with too many nanoseconds", raw("01 61 01 02 8094ebdc03")],
  ["flags of zero", raw("01 61 02 00")],
  ["flags of 33 bits", raw("01 61 02 8080808010")],
  ["more stretches than bytes", raw("01 61 04 ffff03")],
  ["an empty stretch", raw("01 61 04 01 00 00")],
  ["a stretch beyond 2^53", raw("01 61 04 01 ffffffffffffff0f ffffffffffffff0f")],
  ["a link that leads up", raw("01 61 08 09 2e2e2f2e2e2f657463")],
  ["a link from the root of the system", raw("01 61 08 04 2f657463")],
  ["a link to nothing", raw("01 61 08 00")],
  ["a link with a doubled slash", raw("01 61 08 04 612f2f62")],
  ["a link of the folder itself", raw("00 08 01 61")],
  ["a node that is a regular file", raw("01 61 10 a48302 00 00 00 00 00")],
  ["a node that is a link", raw("01 61 10 ffc302 00 00 00 00 00")],
  ["a node with an owner beyond 2^32", raw("01 61 10 b643 8080808010 00 01 03 00")],
  ["a node whose attributes are out of order", raw("01 61 10 b643 00 00 01 03 02 01 62 00 01 61 00")],
  ["a node in place of the folder itself", raw("00 10 b643 00 00 01 03 00")],
  ["an end within an entry", raw("05 61")],
];

for (const [what, data] of REFUSED) {
  test(`refused as corrupt: ${what}`, () => {
    assert.throws(() => decodeFolderRecord(data), CORRUPT);
  });
}

test("a count that can't be true reserves no memory", () => {
  const before = process.memoryUsage().rss;
  assert.throws(() => decodeFolderRecord(raw("01 61 04 ffffffffffffff0f")), CORRUPT);
  assert.throws(() => decodeFolderRecord(raw("ffffffffffffff0f 61")), CORRUPT);
  assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20);
});

test("names in the sidecar's tree", () => {
  const cases: readonly [plain: string, escaped: string][] = [
    ["plain", "plain"],
    ["%", "%25"],
    ["100%", "100%25"],
    ["%.names", "%25.names"],
    ["%ff", "%25ff"],
    ["bad\xff", "bad%ff"],
    [`${bytesOf("ü")}\xc3`, `${bytesOf("ü")}%c3`],
    ["\xf0\x9f\x98", "%f0%9f%98"],
    [bytesOf("😀"), bytesOf("😀")],
  ];
  for (const [plain, escaped] of cases) {
    assert.equal(escapeName(name(plain)), escaped);
    assert.equal(unescapeName(name(escaped)), plain);
    assert.ok(isUtf8(name(escaped)));
    assert.ok(escaped !== RECORD_NAME && escaped !== ODD_NAMES);
  }
  for (const escaped of ["%2e%2e", "%2f", "%00", "%61", "%", "%2", "%zz", "%FF", "%C3%BC", "%c3%bc", "a%"]) {
    assert.throws(() => unescapeName(name(escaped)), CORRUPT, escaped);
  }
});
