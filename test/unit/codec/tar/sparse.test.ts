import assert from "node:assert/strict";
import { test } from "node:test";
import type { TarExtent } from "../../../../src/codec/tar/entry.ts";
import { layOut, widenExtents } from "../../../../src/codec/tar/layout.ts";
import { END, GNU, bytes, extension, header, octal, padded, pax, readAll, record } from "../../../support/tar-archive.ts";

const EXTENTS: readonly TarExtent[] = [
  { offset: 512, length: 512 },
  { offset: 4096, length: 100 },
];
const DATA = Buffer.concat([Buffer.alloc(512, 1), Buffer.alloc(100, 2)]);

function oldGnu(extents: readonly TarExtent[], more: readonly (readonly TarExtent[])[], size: number, stored: number): Buffer[] {
  const patches: Record<number, string> = { 482: more.length > 0 ? "\x01" : "\0", 483: octal(size) };
  extents.forEach(({ offset, length }, index) => (patches[386 + 24 * index] = octal(offset) + octal(length)));
  const blocks = more.map((list, index) => {
    const block = Buffer.alloc(512);
    list.forEach(({ offset, length }, at) => block.write(octal(offset) + octal(length), 24 * at, "latin1"));
    block[504] = index + 1 < more.length ? 1 : 0;
    return block;
  });
  return [header({ name: "s", type: "S", magic: GNU, size: octal(stored), patches }), ...blocks];
}

async function assertSparse(blocks: readonly Buffer[], size: number, extents: readonly TarExtent[], data: Buffer): Promise<void> {
  const [entry, after] = await readAll([...blocks, header({ name: "after" }), END]);
  assert.equal(entry?.type, "file");
  assert.equal(entry?.name, "s");
  assert.equal(entry?.size, size);
  assert.deepEqual(entry?.sparse, extents);
  assert.deepEqual(entry?.data, data);
  assert.equal(after?.name, "after");
}

test("old GNU: the map in the header", async () => {
  await assertSparse([...oldGnu([...EXTENTS, { offset: 9000, length: 0 }], [], 9000, 612), padded(DATA)], 9000, EXTENTS, DATA);
});

test("old GNU: the map goes on in blocks behind the header", async () => {
  const all = Array.from({ length: 4 + 21 + 5 }, (_, index) => ({ offset: index * 1024, length: 512 }));
  const data = Buffer.alloc(all.length * 512, 7);
  await assertSparse([...oldGnu(all.slice(0, 4), [all.slice(4, 25), all.slice(25)], 40000, data.length), data], 40000, all, data);
});

test("PAX 0.0: repeated keys", async () => {
  const records = [
    ["GNU.sparse.size", "9000"],
    ["GNU.sparse.numblocks", "2"],
  ] as [string, string][];
  for (const { offset, length } of EXTENTS)
    records.push(["GNU.sparse.offset", `${offset}`], ["GNU.sparse.numbytes", `${length}`]);
  await assertSparse([pax(...records), header({ name: "s", size: octal(612) }), padded(DATA)], 9000, EXTENTS, DATA);
});

test("PAX 0.1: the map as one value, the name apart", async () => {
  const before = pax(
    ["GNU.sparse.size", "9000"],
    ["GNU.sparse.name", "s"],
    ["GNU.sparse.map", "512,512,4096,100,9000,0"],
    ["path", "stand-in"],
  );
  await assertSparse([before, header({ name: "stand-in", size: octal(612) }), padded(DATA)], 9000, EXTENTS, DATA);
});

test("PAX 1.0: the map in front of the data", async () => {
  const before = pax(
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.name", "s"],
    ["GNU.sparse.realsize", "9000"],
  );
  const map = padded("3\n512\n512\n4096\n100\n9000\n0\n");
  await assertSparse([before, header({ name: "x", size: octal(512 + 612) }), map, padded(DATA)], 9000, EXTENTS, DATA);
});

test("PAX 1.0: a map of several blocks, a number of it across two", async () => {
  const all = Array.from({ length: 300 }, (_, index) => ({ offset: index * 2048, length: 512 }));
  const map = padded(`300\n${all.map(({ offset, length }) => `${offset}\n${length}\n`).join("")}`);
  assert.ok(map.length > 1024);
  const data = Buffer.alloc(300 * 512, 9);
  const before = pax(
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.name", "s"],
    ["GNU.sparse.realsize", "700000"],
  );
  await assertSparse([before, header({ name: "x", size: octal(map.length + data.length) }), map, data], 700000, all, data);
});

test("a file that is one hole", async () => {
  const before = pax(
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.name", "s"],
    ["GNU.sparse.realsize", "9000"],
  );
  await assertSparse([before, header({ name: "x", size: octal(512) }), padded("1\n9000\n0\n")], 9000, [], Buffer.alloc(0));
  await assertSparse([before, header({ name: "x", size: octal(512) }), padded("0\n")], 9000, [], Buffer.alloc(0));
});

const pairs = (...numbers: readonly number[]): string => numbers.join(",");

test("maps that can't be are refused", async (t) => {
  const sized = (map: string, stored: number, size = "9000"): Buffer[] => [
    pax(["GNU.sparse.size", size], ["GNU.sparse.map", map]),
    header({ name: "s", size: octal(stored) }),
    padded(Buffer.alloc(stored)),
  ];
  const inData = (text: string, stored: number, ...records: [string, string][]): Buffer[] => [
    pax(["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"], ["GNU.sparse.realsize", "9000"], ...records),
    header({ name: "s", size: octal(stored) }),
    padded(text),
  ];
  const cases: readonly (readonly [string, readonly Buffer[], RegExp])[] = [
    ["out of order", sized(pairs(4096, 100, 0, 100), 200), /out of order or overlaps/],
    ["overlapping", sized(pairs(0, 1024, 512, 100), 1124), /out of order or overlaps/],
    ["beyond the end", sized(pairs(8999, 2), 2), /beyond the end/],
    ["empty beyond the end", sized(pairs(9001, 0), 0), /beyond the end/],
    ["offset that wraps", sized("9007199254740991,9007199254740991", 0), /beyond the end/],
    ["over 2^53", sized("9007199254740993,1", 1), /not a number/],
    ["size over 2^53", sized(pairs(0, 1), 1, "9007199254740993"), /not a number/],
    ["negative", sized("-1,1", 1), /not a number/],
    ["odd", sized("0,1,2", 1), /offset without its length/],
    ["empty number", sized("0,,2", 1), /offset without its length|not a number/],
    ["less than stored", sized(pairs(0, 1), 2), /1 bytes of data and the archive 2/],
    ["more than stored", sized(pairs(0, 600), 512), /600 bytes of data and the archive 512/],
    ["no size", [pax(["GNU.sparse.map", "0,1"]), header({ name: "s", size: octal(1) }), padded("x")], /no size/],
    ["0.0 out of turn", [pax(["GNU.sparse.numbytes", "1"]), header({ name: "s" })], /offset without its length/],
    [
      "0.0 unfinished",
      [pax(["GNU.sparse.size", "9"], ["GNU.sparse.offset", "1"]), header({ name: "s" })],
      /offset without its length/,
    ],
    ["on a folder", [pax(["GNU.sparse.size", "9"], ["GNU.sparse.map", ""]), header({ name: "s", type: "5" })], /no file/],
    [
      "in a global header",
      [extension("g", record("GNU.sparse.size", "9")), header({ name: "s" })],
      /global header has GNU.sparse.size/,
    ],
    ["1.0 of no stored byte", inData("", 0), /larger than what is stored/],
    [
      "1.0 that never ends",
      inData("9\n" + "1\n1\n".repeat(9), 512 + 9)
        .slice(0, 2)
        .concat(padded("\n")),
      /not a number/,
    ],
    ["1.0 longer than what is stored", inData(`400\n${"1000\n".repeat(102)}`, 512), /larger than what is stored/],
    ["1.0 of a million million extents", inData("1000000000000\n", 512), /more than 1048576 extents/],
    ["1.0 of endless digits", inData("1".repeat(512), 512), /not a list of numbers/],
    ["1.0 of letters", inData("two\n", 512), /not a number/],
    [
      "old GNU with rubbish",
      [header({ name: "s", type: "S", patches: { 386: "rubbish\0\0\0\0\0rubbish\0\0\0\0\0" } })],
      /not a number/,
    ],
    ["old GNU with a negative size", [header({ name: "s", type: "S", patches: { 483: "\xff".repeat(12) } })], /not a number/],
    ["old GNU that is cut short", [header({ name: "s", type: "S", patches: { 482: "\x01" } })], /ends in the middle/],
  ];
  for (const [what, blocks, message] of cases) {
    await t.test(what, async () => {
      const tail = what.includes("cut short") ? [] : [END];
      await assert.rejects(readAll([...blocks, ...tail]), (error: Error & { code?: string }) => {
        assert.match(error.message, message);
        assert.match(error.message, /^tar archive, byte \d+/);
        return error.code === "corrupt";
      });
    });
  }
});

test("a map of a version to come is not guessed at", async () => {
  const blocks = [
    pax(["GNU.sparse.major", "2"], ["GNU.sparse.minor", "0"], ["GNU.sparse.realsize", "9"]),
    header({ name: "s" }),
    END,
  ];
  await assert.rejects(readAll(blocks), { code: "unsupported", message: /version 2\.0/ });
});

test("extents are widened to whole blocks and joined where they then touch", () => {
  const widen = (size: number, ...extents: [number, number][]): number[][] =>
    widenExtents(
      extents.map(([offset, length]) => ({ offset, length })),
      size,
    ).map(({ offset, length }) => [offset, length]);
  assert.deepEqual(widen(9000, [4096, 4096]), [[4096, 4096]]);
  assert.deepEqual(widen(9000, [100, 10]), [[0, 512]]);
  assert.deepEqual(widen(9000, [100, 10], [600, 10], [2000, 10]), [
    [0, 1024],
    [1536, 512],
  ]);
  assert.deepEqual(widen(9000, [8990, 10]), [[8704, 296]]);
  assert.deepEqual(widen(9000), []);
});

test("segments have all the content's bytes, and as many bytes as the map says", () => {
  const entry = {
    name: bytes("s"),
    type: "file",
    mode: 0,
    uid: 0,
    gid: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    size: 9000,
  } as const;
  const { map, segments, stored } = layOut({
    ...entry,
    sparse: [
      { offset: 100, length: 10 },
      { offset: 600, length: 10 },
      { offset: 8990, length: 10 },
    ],
  });
  assert.equal(map.toString("latin1").replace(/\0+$/, ""), "2\n0\n1024\n8704\n296\n");
  assert.deepEqual(
    segments.map(({ isData, length }) => (isData ? length : -length)),
    [-100, 10, -490, 10, -414, -286, 10],
  );
  assert.equal(stored, 512 + 1024 + 296);
  assert.equal(layOut({ ...entry, sparse: [{ offset: 0, length: 9000 }] }).map.length, 0);
  assert.equal(
    layOut({ ...entry, sparse: [] })
      .map.toString("latin1")
      .replace(/\0+$/, ""),
    "1\n9000\n0\n",
  );
});
