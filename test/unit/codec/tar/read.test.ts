import assert from "node:assert/strict";
import { test } from "node:test";
import { readTar } from "../../../../src/codec/tar/read.ts";
import {
  END,
  GNU,
  type RawHeader,
  type ReadEntry,
  V7,
  collect,
  extension,
  header,
  octal,
  padded,
  pax,
  readAll,
  record,
} from "../../../support/tar-archive.ts";

async function readOne(...blocks: readonly Buffer[]): Promise<ReadEntry> {
  const entries = await readAll([...blocks, END]);
  assert.equal(entries.length, 1);
  return entries[0]!;
}

const HEADERS: readonly (readonly [what: string, fields: RawHeader, expected: Partial<ReadEntry>])[] = [
  ["a v7 file", { name: "a", type: "\0", magic: V7 }, { name: "a" as never, type: "file" }],
  ["a v7 folder, known by its slash", { name: "a/", type: "\0", magic: V7 }, { type: "directory" }],
  ["a v7 hard link", { name: "b", type: "1", linkName: "a", magic: V7 }, { type: "hardlink", linkName: "a" as never }],
  ["v7 has no prefix", { name: "a", prefix: "p", magic: V7 }, { name: "a" as never }],
  ["ustar has one", { name: "a", prefix: "p" }, { name: "p/a" as never }],
  [
    "both at full width",
    { name: "n".repeat(100), prefix: "p".repeat(155) },
    { name: `${"p".repeat(155)}/${"n".repeat(100)}` as never },
  ],
  ["GNU tar keeps times in its place", { name: "a", magic: GNU, prefix: "15000000000" }, { name: "a" as never }],
  ["bytes that are no UTF-8", { name: "\xff\xfe" }, { name: "\xff\xfe" as never }],
  ["absolute names and ..", { name: "/../a" }, { name: "/../a" as never }],
  ["mode with a type in it", { name: "a", mode: "0104755\0" }, { mode: 0o4755 }],
  ["octal owner", { name: "a", uid: "0001750\0", gid: "0001751\0" }, { uid: 1000, gid: 1001 }],
  ["binary owner", { name: "a", uid: "\x80\0\0\0\xff\xff\xff\xff", magic: GNU }, { uid: 4294967295 }],
  [
    "a time before 1970",
    { name: "a", mtime: "\xff".repeat(11) + "\xfe", magic: GNU },
    { mtime: { seconds: -2, nanoseconds: 0 } },
  ],
  ["a symlink", { name: "a", type: "2", linkName: "../x" }, { type: "symlink", linkName: "../x" as never }],
  [
    "a character device",
    { name: "a", type: "3", devMajor: octal(1, 8), devMinor: octal(3, 8) },
    { type: "character", devMajor: 1, devMinor: 3 },
  ],
  [
    "a block device",
    { name: "a", type: "4", devMajor: octal(8, 8), devMinor: octal(255, 8) },
    { type: "block", devMajor: 8, devMinor: 255 },
  ],
  ["a FIFO", { name: "a", type: "6" }, { type: "fifo" }],
  ["a contiguous file", { name: "a", type: "7" }, { type: "file" }],
  ["rubbish where no device is", { name: "a", devMajor: "rubbish!", devMinor: "rubbish!" }, { devMajor: 0, devMinor: 0 }],
  [
    "a link that states a size and has no data",
    { name: "b", type: "1", linkName: "a", size: octal(5) },
    { type: "hardlink", size: 0 },
  ],
  ["a folder that states a size", { name: "b/", type: "5", size: octal(4096) }, { type: "directory", size: 0 }],
  ["signed checksums", { name: "\xff\xfe", isSigned: true }, { name: "\xff\xfe" as never }],
];

test("headers of all formats", async (t) => {
  for (const [what, fields, expected] of HEADERS) {
    await t.test(what, async () => {
      const entry = await readOne(header(fields));
      assert.deepEqual({ ...entry, ...expected }, entry);
      assert.deepEqual(entry.warnings, []);
    });
  }
});

const EXTENDED: readonly (readonly [what: string, before: readonly Buffer[], fields: RawHeader, expected: Partial<ReadEntry>])[] =
  [
    ["a GNU long name", [extension("L", "long\0")], { name: "short" }, { name: "long" as never }],
    [
      "GNU long name and link",
      [extension("K", "target\0"), extension("L", "long\0")],
      { type: "2", linkName: "t" },
      { name: "long" as never, linkName: "target" as never },
    ],
    ["PAX before GNU", [extension("L", "gnu\0"), pax(["path", "pax"])], { name: "short" }, { name: "pax" as never }],
    ["PAX link", [pax(["linkpath", "l\xff"])], { name: "a", type: "2" }, { linkName: "l\xff" as never }],
    [
      "PAX numbers",
      [pax(["uid", "4000000000"], ["gid", "3000000"], ["mtime", "-1.5"])],
      { name: "a" },
      { uid: 4000000000, gid: 3000000, mtime: { seconds: -2, nanoseconds: 500000000 } },
    ],
    [
      "PAX number over rubbish",
      [pax(["uid", "5"], ["mtime", "7"])],
      { name: "a", uid: "rubbish!", mtime: "rubbish!" },
      { uid: 5, mtime: { seconds: 7, nanoseconds: 0 } },
    ],
    ["the last of two records", [pax(["path", "a"], ["path", "b"])], { name: "c" }, { name: "b" as never }],
    ["the last of two headers", [pax(["path", "a"]), pax(["path", "b"])], { name: "c" }, { name: "b" as never }],
    ["an empty value takes back", [pax(["path", "a"], ["path", ""])], { name: "c" }, { name: "c" as never }],
    ["a global header", [extension("g", record("comment", "x") + record("uid", "7"))], { name: "a" }, { uid: 7 }],
    ["own before global", [extension("g", record("uid", "7")), pax(["uid", "8"])], { name: "a" }, { uid: 8 }],
    [
      "an empty value takes back what is global",
      [extension("g", record("uid", "7")), pax(["uid", ""])],
      { name: "a", uid: "0000011\0" },
      { uid: 9 },
    ],
    ["an empty global header", [extension("g", "")], { name: "a" }, { name: "a" as never }],
    ["Solaris' own PAX", [extension("X", record("path", "sun"))], { name: "a" }, { name: "sun" as never }],
    ["a volume label is no entry", [header({ name: "label", type: "V", magic: GNU })], { name: "a" }, { name: "a" as never }],
    [
      "an attribute with an empty value",
      [pax(["SCHILY.xattr.user.a", ""])],
      { name: "a" },
      { xattrs: [{ name: "user.a" as never, value: Buffer.alloc(0) }] },
    ],
    [
      "SCHILY's device numbers",
      [pax(["SCHILY.devmajor", "4095"], ["SCHILY.devminor", "1048575"])],
      { name: "a", type: "4" },
      { devMajor: 4095, devMinor: 1048575 },
    ],
    [
      "an ACL",
      [pax(["SCHILY.acl.access", "user::rw-"])],
      { name: "a" },
      { warnings: ["its access ACL, in text form, is left out"] },
    ],
    ["binary names", [pax(["hdrcharset", "BINARY"], ["path", "\xff"])], { name: "a" }, { name: "\xff" as never, warnings: [] }],
    [
      "names in another character set",
      [pax(["hdrcharset", "ISO-IR 8859 1 1998"])],
      { name: "a" },
      { warnings: ["its names are in the character set ISO-IR 8859 1 1998 and were kept as they are"] },
    ],
  ];

test("headers that extend others", async (t) => {
  for (const [what, before, fields, expected] of EXTENDED) {
    await t.test(what, async () => {
      const entry = await readOne(...before, header(fields));
      assert.deepEqual({ ...entry, ...expected }, entry);
    });
  }
});

test("what extends an entry does not reach the next one; what is global does", async () => {
  const entries = await readAll([
    extension("g", record("gid", "9")),
    extension("L", "long\0"),
    pax(["uid", "8"], ["SCHILY.xattr.user.a", "1"]),
    header({ name: "a" }),
    header({ name: "b" }),
    END,
  ]);
  assert.deepEqual(
    entries.map(({ name, uid, gid, xattrs }) => [name, uid, gid, xattrs.length]),
    [
      ["long", 8, 9, 1],
      ["b", 0, 9, 0],
    ],
  );
});

test("content is what is stored, and PAX's size goes before the header's", async () => {
  const entries = await readAll([
    header({ name: "a", size: octal(3) }),
    padded("abc"),
    pax(["size", "600"]),
    header({ name: "b", size: octal(1) }),
    padded("b".repeat(600)),
    header({ name: "c", size: octal(512) }),
    padded("c".repeat(512)),
    header({ name: "d" }),
    END,
  ]);
  assert.deepEqual(
    entries.map(({ name, size, data }) => [name, size, data.toString()]),
    [
      ["a", 3, "abc"],
      ["b", 600, "b".repeat(600)],
      ["c", 512, "c".repeat(512)],
      ["d", 0, ""],
    ],
  );
});

test("an incremental archive's folder is a folder, and its list of names is passed over", async () => {
  const entries = await readAll([
    header({ name: "d/", type: "D", size: octal(7), magic: GNU }),
    padded("Yname\0\0"),
    header({ name: "a" }),
    END,
  ]);
  assert.deepEqual(
    entries.map(({ name, type, size, data, warnings }) => [name, type, size, data.length, warnings.length]),
    [
      ["d/", "directory", 0, 0, 1],
      ["a", "file", 0, 0, 0],
    ],
  );
});

test("content that is not asked for, or only begun, is passed over", async () => {
  const archive = [
    header({ name: "a", size: octal(1500) }),
    padded("a".repeat(1500)),
    header({ name: "b", size: octal(2) }),
    padded("bb"),
    END,
  ];
  const seen: string[] = [];
  for await (const entry of readTar(archive)) {
    if (entry.name === "b") seen.push((await collect(entry.content)).toString());
    else for await (const _ of entry.content) break;
  }
  assert.deepEqual(seen, ["bb"]);
});

test("content that is asked for too late is refused, not empty", async () => {
  const archive = [header({ name: "a", size: octal(3) }), padded("abc"), header({ name: "b" }), END];
  const contents: AsyncIterable<Uint8Array>[] = [];
  for await (const { content, name } of readTar(archive)) {
    if (name === "a") contents.push(content);
    else await assert.rejects(collect(contents[0]!), { code: "refused", message: /^a: .*after the next entry/ });
  }
  await assert.rejects(collect(contents[0]!), { code: "refused" });
  for await (const { content } of readTar(archive)) {
    contents.push(content);
    break;
  }
  await assert.rejects(collect(contents[1]!), { code: "refused" });
});

test("an archive ends by two zero blocks, by one, or by just stopping", async () => {
  const entry = header({ name: "a" });
  for (const end of [Buffer.alloc(1024), Buffer.alloc(512), Buffer.alloc(10240), Buffer.alloc(0)]) {
    assert.equal((await readAll([entry, end])).length, 1);
  }
  for (const end of [Buffer.alloc(1024), Buffer.alloc(512)])
    assert.equal((await readAll([entry, end], { requireEnd: true })).length, 1);
  await assert.rejects(readAll([entry], { requireEnd: true }), {
    code: "corrupt",
    message: /byte 512: the archive has no end marker/,
  });
  assert.deepEqual(await readAll([]), []);
  await assert.rejects(readAll([], { requireEnd: true }), { code: "corrupt" });
});

test("the source is read to its end behind the end marker, and told when no more is wanted", async () => {
  const events: string[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield header({ name: "a", size: octal(3) });
      yield padded("abc");
      yield END;
      yield Buffer.from("not part of the archive");
      events.push("drained");
    } finally {
      events.push("closed");
    }
  }
  assert.equal((await readAll(source())).length, 1);
  assert.deepEqual(events, ["drained", "closed"]);
  events.length = 0;
  for await (const _ of readTar(source())) break;
  assert.deepEqual(events, ["closed"]);
});

test("an error of the source comes through as it is", async () => {
  const failure = new Error("the disk is gone");
  function* source(): Generator<Uint8Array> {
    yield header({ name: "a", size: octal(3) });
    throw failure;
  }
  await assert.rejects(readAll(source()), failure);
});
