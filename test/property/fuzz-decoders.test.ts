/**
 * Damaged input to every pure decoder: it is either read, and then its one form is what was given, or refused as `corrupt`
 * or `hostile`; never another error, never a time or a memory out of proportion.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import { RegrowError } from "../../src/base/errors.ts";
import { formatKeyfile, getKey, parseKeyfile } from "../../src/codec/keyfile.ts";
import { decodeCommit, encodeCommit } from "../../src/codec/ostree/commit.ts";
import {
  decodeBareUserMeta,
  decodeContentHeader,
  decodeFilezHeader,
  encodeBareUserMeta,
  encodeContentHeader,
  encodeFilezHeader,
  headerLength,
} from "../../src/codec/ostree/content.ts";
import { decodeDetachedMetadata, encodeDetachedMetadata } from "../../src/codec/ostree/detached-metadata.ts";
import { decodeDirMeta, encodeDirMeta } from "../../src/codec/ostree/dirmeta.ts";
import { decodeDirTree, encodeDirTree } from "../../src/codec/ostree/dirtree.ts";
import { decodeSummary, encodeSummary } from "../../src/codec/ostree/summary.ts";
import { decodeFolderRecord, encodeFolderRecord } from "../../src/codec/sidecar/folder-record.ts";
import { readConfig } from "../../src/store/repository-config.ts";
import { entryRecords, treeEntries, xattrLists } from "../support/arbitraries.ts";
import { damagedCopies } from "../support/damage.ts";
import { seed, times } from "../support/property.ts";
import { tally } from "../support/tally.ts";

interface Decoder {
  readonly name: string;
  readonly samples: readonly Buffer[];
  /** Reads and writes again: the result must be what was read. */
  again(data: Buffer): Buffer;
  /** Only the values are compared, because the header's length stands apart. */
  readonly isLoose?: boolean;
}

const made = JSON.parse(readFileSync(new URL("../unit/codec/ostree/objects.json", import.meta.url), "utf8")) as {
  kind: string;
  hex: string;
}[];

function ofKind(kind: string): Buffer[] {
  return made.filter((object) => object.kind === kind).map(({ hex }) => Buffer.from(hex, "hex"));
}

function sampled<T>(arbitrary: fc.Arbitrary<T>, encode: (value: T) => Buffer): Buffer[] {
  return fc.sample(arbitrary, { numRuns: 6, seed }).map(encode);
}

const dirMetas = xattrLists.map((xattrs) => ({ uid: 1, gid: 2, mode: 0o40755, xattrs }));
const filezHeaders = ofKind("filez").map((data) => data.subarray(8, 8 + headerLength(data)));
const contentHeaders = filezHeaders.map((header) => encodeContentHeader(decodeFilezHeader(header).meta).subarray(8));
const CONFIG = `[core]\nrepo_version=1\nmode=archive-z2\nmin-free-space-size=500MB\nlocking=true\n\n[remote "o"]\nurl=file:///x\\n\n`;

const DECODERS: readonly Decoder[] = [
  {
    name: "dirtree",
    samples: [...ofKind("dirtree"), ...sampled(treeEntries, encodeDirTree)],
    again: (data) => encodeDirTree(decodeDirTree(data)),
  },
  {
    name: "dirmeta",
    samples: [...ofKind("dirmeta"), ...sampled(dirMetas, encodeDirMeta)],
    again: (data) => encodeDirMeta(decodeDirMeta(data)),
  },
  // The related objects, which nobody uses, are not kept.
  { name: "commit", samples: ofKind("commit"), again: (data) => encodeCommit(decodeCommit(data)), isLoose: true },
  {
    name: "content header",
    samples: contentHeaders,
    again: (data) => encodeContentHeader(decodeContentHeader(data)).subarray(8),
  },
  {
    name: ".filez header",
    samples: filezHeaders,
    again: (data) => {
      const { meta, size } = decodeFilezHeader(data);
      return encodeFilezHeader(meta, size).subarray(8);
    },
  },
  {
    name: "user.ostreemeta",
    samples: sampled(dirMetas, encodeDirMeta),
    again: (data) => encodeBareUserMeta({ ...decodeBareUserMeta(data), target: "" as never }),
  },
  {
    name: "detached metadata",
    samples: ofKind("commitmeta"),
    again: (data) => encodeDetachedMetadata(decodeDetachedMetadata(data)),
  },
  { name: "summary", samples: ofKind("summary"), again: (data) => encodeSummary(decodeSummary(data)) },
  {
    name: "sidecar record",
    samples: sampled(entryRecords, encodeFolderRecord),
    again: (data) => encodeFolderRecord(decodeFolderRecord(data)),
    // Fields that are there without a value are written no more.
    isLoose: true,
  },
  {
    name: "keyfile",
    samples: [Buffer.from(CONFIG)],
    again: (data) => {
      const text = data.toString("latin1");
      const keyfile = parseKeyfile(text);
      getKey(keyfile, "core", "mode");
      const formatted = formatKeyfile(keyfile);
      return Buffer.from(text.endsWith("\n") || text === "" ? formatted : formatted.slice(0, -1), "latin1");
    },
  },
];

const MOST_MILLISECONDS = 500;
const MOST_MEMORY = 300 * 2 ** 20;

for (const { name, samples, again, isLoose } of DECODERS) {
  test(`a damaged ${name}`, (t) => {
    const before = process.memoryUsage().rss;
    let read = 0;
    let refused = 0;
    let slowest = 0;
    for (const sample of samples) {
      assert.deepEqual(again(sample), sample, "the sample itself is sound");
      for (const { what, data } of damagedCopies(sample, times(400))) {
        const startedAt = performance.now();
        try {
          const written = again(data);
          read++;
          if (isLoose !== true) assert.deepEqual(written, data, what);
        } catch (error) {
          assert.ok(
            error instanceof RegrowError && (error.code === "corrupt" || error.code === "hostile"),
            `${what}: ${String(error)}`,
          );
          refused++;
        }
        slowest = Math.max(slowest, performance.now() - startedAt);
      }
    }
    const grown = process.memoryUsage().rss - before;
    t.diagnostic(
      `seed ${seed} (FC_SEED), ${read} read, ${refused} refused, slowest ${slowest.toFixed(1)} ms, ${(grown / 2 ** 20).toFixed(0)} MiB more`,
    );
    assert.ok(refused > samples.length * 50);
    assert.ok(slowest < MOST_MILLISECONDS && grown < MOST_MEMORY);
    tally("damaged inputs", "decoders", read + refused);
  });
}

test("a damaged config: a typed error that names the file, or a config with sound values", () => {
  let refused = 0;
  let tried = 0;
  for (const { data } of damagedCopies(Buffer.from(CONFIG), times(1500))) {
    tried++;
    try {
      const { mode, zlibLevel, minFreePercent } = readConfig(parseKeyfile(data.toString("utf8")), "/repo");
      assert.ok(["bare", "bare-user", "bare-user-only", "archive"].includes(mode));
      assert.ok(zlibLevel >= 0 && zlibLevel <= 9 && minFreePercent >= 0);
    } catch (error) {
      assert.ok(error instanceof RegrowError && ["corrupt", "unsupported"].includes(error.code), String(error));
      if (error.code === "unsupported") assert.equal(error.path, "/repo/config");
      refused++;
    }
  }
  assert.ok(refused > 500);
  tally("damaged inputs", "config", tried);
});

test("very large input costs no more than its share", (t) => {
  const size = 64 * 2 ** 20;
  const patterns: readonly (readonly [string, Buffer])[] = [
    ["zeroes", Buffer.alloc(size)],
    ["ones", Buffer.alloc(size, 0xff)],
    ["letters", Buffer.alloc(size, 0x61)],
    ["a long table of offsets", Buffer.concat([Buffer.alloc(4), Buffer.alloc(size - 8), Buffer.from([4, 0, 0, 0])])],
  ];
  for (const { name, again } of DECODERS) {
    for (const [what, data] of patterns) {
      const before = process.memoryUsage().rss;
      const startedAt = performance.now();
      assert.throws(
        () => again(data),
        (error) => error instanceof RegrowError,
        `${name}: ${what}`,
      );
      const took = performance.now() - startedAt;
      const grown = (process.memoryUsage().rss - before) / 2 ** 20;
      if (took > 300 || grown > 200) t.diagnostic(`${name}, ${what}: ${took.toFixed(0)} ms, ${grown.toFixed(0)} MiB more`);
      assert.ok(took < 10_000 && grown < 1500, `${name}, ${what}: ${took} ms, ${grown} MiB`);
    }
  }
});
