/** Arbitrary names, attributes and records of a commit, as the codecs take them. */
import fc from "fast-check";
import { type ByteString, bytesOf } from "../../src/base/byte-string.ts";
import { type Checksum } from "../../src/codec/ostree/checksum.ts";
import type { TreeDir, TreeFile } from "../../src/codec/ostree/dirtree.ts";
import { isEntryName } from "../../src/codec/ostree/dirtree.ts";
import type { XattrRecord } from "../../src/codec/ostree/xattrs.ts";
import type { EntryRecord, NodeRecord, Stretch } from "../../src/codec/sidecar/folder-record.ts";

/** A plain object, as the codecs make them. */
export function record<Model extends object>(model: { [Key in keyof Model]: fc.Arbitrary<Model[Key]> }): fc.Arbitrary<Model> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<Model>;
}

export const checksums = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex") as Checksum);

/** Any bytes but NUL and slash. */
export const byteNames = fc
  .oneof(
    { weight: 8, arbitrary: fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 8 }) },
    fc.array(fc.constantFrom(0x25, 0x2e, 0xff, 0xc3, 0xbc, 0x61), { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 180, max: 255 }).map((length) => Array.from({ length }, () => 0x6e)),
  )
  .map((codes) => String.fromCharCode(...codes) as ByteString)
  .filter(isEntryName);

export const utf8Names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).map(bytesOf).filter(isEntryName);

export const values = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));

export const xattrLists: fc.Arbitrary<XattrRecord[]> = fc
  .uniqueArray(record<XattrRecord>({ name: byteNames, value: values }), { selector: ({ name }) => name, maxLength: 4 })
  .map(sortedByName);

export const unsigned = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** Files and folders with no name twice, sorted. */
export const treeEntries: fc.Arbitrary<{ files: TreeFile[]; dirs: TreeDir[] }> = fc
  .uniqueArray(fc.tuple(utf8Names, fc.boolean(), checksums, checksums), { selector: ([name]) => name, maxLength: 12 })
  .map((entries) => ({
    files: sortedByName(entries.filter(([, isDir]) => !isDir).map(([name, , checksum]) => ({ name, checksum }))),
    dirs: sortedByName(entries.filter(([, isDir]) => isDir).map(([name, , tree, meta]) => ({ name, tree, meta }))),
  }));

const stretches: fc.Arbitrary<Stretch[]> = fc
  .array(fc.tuple(fc.nat({ max: 2 ** 40 }), fc.integer({ min: 1, max: 2 ** 40 })), { maxLength: 5 })
  .map((pairs) => {
    let end = 0;
    return pairs.map(([gap, length]) => {
      const offset = end + gap;
      end = offset + length;
      return { offset, length };
    });
  });

const nodes: fc.Arbitrary<NodeRecord> = record<NodeRecord>({
  mode: fc.tuple(fc.constantFrom(0o010000, 0o020000, 0o060000), fc.nat({ max: 0o7777 })).map(([type, mode]) => type | mode),
  uid: unsigned,
  gid: unsigned,
  major: unsigned,
  minor: unsigned,
  xattrs: xattrLists,
});

const option = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const timeRecords = record({
  seconds: fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })),
  nanoseconds: fc.nat({ max: 999_999_999 }),
});

/** Sorted by name, perhaps with the folder itself first. */
export const entryRecords: fc.Arbitrary<EntryRecord[]> = fc
  .tuple(
    option(record<EntryRecord>({ name: fc.constant("" as ByteString), time: option(timeRecords) } as never)),
    fc.uniqueArray(
      record<EntryRecord>({
        name: byteNames,
        time: option(timeRecords),
        flags: option(fc.integer({ min: 1, max: 2 ** 32 - 1 })),
        data: option(stretches),
        linkTo: option(fc.array(byteNames, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join("/") as ByteString)),
        node: option(nodes),
      } as never),
      { selector: ({ name }) => name, maxLength: 6 },
    ),
  )
  .map(([self, entries]) => [...(self === undefined ? [] : [self]), ...sortedByName(entries)]);

function sortedByName<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return list.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
