import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPaxRecord, parsePaxRecords } from "../../../../src/codec/tar/pax-records.ts";
import { paxFromXattrs, xattrsFromPax } from "../../../../src/codec/tar/pax-xattrs.ts";
import { bytes } from "../../../support/tar-archive.ts";

const PLACE = { offset: 0 };

function parse(text: string): [string, string][] {
  return parsePaxRecords(Buffer.from(text, "latin1"), PLACE).map(({ key, value }) => [key, value]);
}

test("records are read by their length, whatever bytes the value has", () => {
  assert.deepEqual(parse("30 mtime=1700000000.123456789\n"), [["mtime", "1700000000.123456789"]]);
  assert.deepEqual(parse("12 path=a\nb\n"), [["path", "a\nb"]]);
  assert.deepEqual(parse("12 path=a=b\n8 size=\n"), [
    ["path", "a=b"],
    ["size", ""],
  ]);
  assert.deepEqual(parse("011 path=a\n8 size=\n"), [
    ["path", "a"],
    ["size", ""],
  ]);
  assert.deepEqual(parse("9 path=a\n\0\0\0"), [["path", "a"]]);
  assert.deepEqual(parse(""), []);
});

const BROKEN = [
  "path=a\n",
  "8 path=a\n",
  "11 path=a\n",
  "9 path=a ",
  "9\tpath=a\n",
  "4 =\n",
  "5 =a\n",
  "8 path!\n",
  "0 path=a\n",
  "2 \n",
  "99999999 path=a\n",
  "999999999999999999999 path=a\n",
  "9 path=a\n\0x",
  "9 path=a\n9 path=b",
];

test("records whose lengths don't fit together are refused", () => {
  for (const text of BROKEN)
    assert.throws(() => parse(text), { code: "corrupt", message: /byte 0: .*extended header/ }, JSON.stringify(text));
});

test("a record's length counts its own digits", () => {
  for (let width = 0; width < 1100; width++) {
    const text = formatPaxRecord({ key: bytes("k"), value: bytes("v".repeat(width)) });
    assert.equal(Number.parseInt(text, 10), text.length);
    assert.deepEqual(parse(text), [["k", "v".repeat(width)]]);
  }
});

test("extended attributes are read in all three spellings, sorted by name", () => {
  const values = new Map([
    ["SCHILY.xattr.user.b", bytes("\x00\xff\n")],
    ["SCHILY.xattr.user.a%3Db%25", bytes("")],
    ["LIBARCHIVE.xattr.user.%C3%BC", bytes("AP8")],
    ["RHT.security.selinux", bytes("system_u:object_r:etc_t:s0")],
    ["mtime", bytes("1")],
  ]);
  assert.deepEqual(xattrsFromPax(values, PLACE), [
    { name: "security.selinux", value: Buffer.from("system_u:object_r:etc_t:s0\0") },
    { name: "user.a=b%", value: Buffer.alloc(0) },
    { name: "user.b", value: Buffer.from([0, 255, 10]) },
    { name: "user.\xc3\xbc", value: Buffer.from([0, 255]) },
  ]);
});

test("an attribute that bsdtar wrote twice, with the name encoded twice, is one", () => {
  const values = new Map([
    ["LIBARCHIVE.xattr.user.%C3%BC", bytes("b2Rk")],
    ["SCHILY.xattr.user.%C3%BC", bytes("odd")],
    ["SCHILY.xattr.user.=", bytes("old")],
    ["LIBARCHIVE.xattr.user.%3D", bytes("b2xk")],
  ]);
  assert.deepEqual(xattrsFromPax(values, PLACE), [
    { name: "user.=", value: Buffer.from("old") },
    { name: "user.\xc3\xbc", value: Buffer.from("odd") },
  ]);
});

test("attributes without a usable name or value are refused", () => {
  for (const [key, value] of [
    ["SCHILY.xattr.", "a"],
    ["SCHILY.xattr.user.\0", "a"],
    ["LIBARCHIVE.xattr.user.%00", "AP8"],
    ["LIBARCHIVE.xattr.user.a", "A*8"],
  ] as const) {
    assert.throws(
      () => xattrsFromPax(new Map([[key, bytes(value)]]), PLACE),
      { code: "corrupt", message: /extended attribute/ },
      key,
    );
  }
});

test("attributes are written sorted, with names that GNU tar decodes", () => {
  const records = paxFromXattrs([
    { name: bytes("user.b"), value: Buffer.from([0, 255]) },
    { name: bytes("user.a=%"), value: Buffer.alloc(0) },
  ]);
  assert.deepEqual(records, [
    { key: "SCHILY.xattr.user.a%3D%25", value: "" },
    { key: "SCHILY.xattr.user.b", value: "\0\xff" },
  ]);
});
