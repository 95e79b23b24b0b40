/**
 * What holds for every archive: it reads as it was written, however it is cut into chunks; cut short or damaged anywhere, it gives
 * whole entries and then a typed error, never other entries, another error, or no end.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { ByteString } from "../../src/base/byte-string.ts";
import { RegrowError } from "../../src/base/errors.ts";
import type { TarExtent, TarTime, TarType, TarWriteEntry, TarXattr } from "../../src/codec/tar/entry.ts";
import { widenExtents } from "../../src/codec/tar/layout.ts";
import { formatPaxTime, parsePaxTime } from "../../src/codec/tar/pax-time.ts";
import { readTar } from "../../src/codec/tar/read.ts";
import { writeTar } from "../../src/codec/tar/write.ts";
import { type ReadEntry, collect, readAll, withHoles } from "../support/tar-archive.ts";
import { tally } from "../support/tally.ts";
import { times } from "../support/property.ts";

/** An entry with its content as one buffer, so that it can be written twice. */
type Sample = Omit<TarWriteEntry, "content"> & { readonly data: Buffer };

interface Counts {
  [what: string]: number;
}

const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);

async function check<Values extends [unknown, ...unknown[]]>(
  t: TestContext,
  runs: number,
  counts: Counts,
  property: fc.IAsyncPropertyWithHooks<Values>,
): Promise<void> {
  t.diagnostic(`seed ${seed} (FC_SEED), ${times(runs)} runs`);
  await fc.assert(property, { seed, numRuns: times(runs) });
  tally("generated values", "archives", times(runs));
  if (Object.keys(counts).length === 0) return;
  t.diagnostic(
    Object.entries(counts)
      .map(([what, count]) => `${what}: ${count}`)
      .join(", "),
  );
}

function count(counts: Counts, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** A plain object, as the codec makes them. */
function record<Model extends object>(model: { [Key in keyof Model]: fc.Arbitrary<Model[Key]> }): fc.Arbitrary<Model> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<Model>;
}

const byteArbitrary = fc.oneof(
  fc.constantFrom("/", "a", "=", "%", "\n", " ", "\xff"),
  fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
);
const lengthArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
  fc.integer({ min: 98, max: 103 }),
  fc.integer({ min: 150, max: 300 }),
);
const nameArbitrary = fc
  .oneof(
    lengthArbitrary
      .chain((length) => fc.array(byteArbitrary, { minLength: length, maxLength: length }))
      .map((parts) => parts.join("") as ByteString),
    fc
      .array(fc.constantFrom("usr", "share", "x".repeat(60), "ü", "..", ""), { minLength: 2, maxLength: 6 })
      .map((parts) => `${parts.join("/")}e` as ByteString),
  )
  .map((name) => (/[\u0100-\uffff]/.test(name) ? (Buffer.from(name).toString("latin1") as ByteString) : name));

const timeArbitrary: fc.Arbitrary<TarTime> = record({
  seconds: fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(0, -1, 8 ** 11 - 1, 8 ** 11)),
  nanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 }), fc.constantFrom(1, 500_000_000, 999_999_999)),
});

const xattrsArbitrary: fc.Arbitrary<TarXattr[]> = fc.uniqueArray(
  record({
    name: fc.array(byteArbitrary, { minLength: 1, maxLength: 8 }).map((parts) => `user.${parts.join("")}` as ByteString),
    value: fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value)),
  }),
  { selector: ({ name }) => name, maxLength: 3 },
);

const idArbitrary = fc.oneof(
  fc.integer({ min: 0, max: 70000 }),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.constantFrom(8 ** 7 - 1, 8 ** 7),
);

function extentsArbitrary(alignment: number): fc.Arbitrary<{ sparse: TarExtent[]; size: number }> {
  const step = fc.integer({ min: 0, max: 2000 }).map((value) => value - (value % alignment));
  return fc
    .record({ steps: fc.array(fc.tuple(step, step), { maxLength: 30 }), tail: fc.integer({ min: 0, max: 5000 }) })
    .map(({ steps, tail }) => {
      let at = 0;
      const sparse = steps.map(([gap, length]) => {
        const offset = at + gap;
        at = offset + length;
        return { offset, length };
      });
      return { sparse, size: at + tail };
    });
}

const shapeArbitrary: fc.Arbitrary<{ type: TarType } & Partial<Sample>> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3000 }).map((size) => ({ type: "file" as const, size, sparse: undefined })) },
  {
    weight: 2,
    arbitrary: fc.oneof(extentsArbitrary(1), extentsArbitrary(512)).map((shape) => ({ type: "file" as const, ...shape })),
  },
  record({ type: fc.constantFrom<TarType>("symlink", "hardlink"), linkName: nameArbitrary }),
  record({
    type: fc.constantFrom<TarType>("character", "block"),
    devMajor: fc.integer({ min: 0, max: 4095 }),
    devMinor: fc.integer({ min: 0, max: 8 ** 7 - 1 }),
  }),
  record({ type: fc.constantFrom<TarType>("directory", "fifo") }),
);

const sampleArbitrary: fc.Arbitrary<Sample> = record({
  name: nameArbitrary,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: idArbitrary,
  gid: idArbitrary,
  mtime: timeArbitrary,
  xattrs: xattrsArbitrary,
  shape: shapeArbitrary,
  fill: fc.integer(),
}).map(({ shape, fill, ...facts }) => {
  const name = shape.type === "file" ? (facts.name.replace(/\/+$/, "_") as ByteString) : facts.name;
  const stored = shape.sparse?.reduce((sum, { length }) => sum + length, 0) ?? shape.size ?? 0;
  return { ...facts, ...shape, name, data: Buffer.from(Array.from({ length: stored }, (_, at) => (at * 31 + fill) & 0xff)) };
});

function* entriesOf(samples: readonly Sample[]): Generator<TarWriteEntry> {
  for (const { data, ...facts } of samples) yield { ...facts, content: [data] };
}

/** The archive in chunks of these sizes in turn, some of them empty, each overwritten once the next one is asked for. */
function* inChunks(archive: Buffer, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < archive.length; turn++) {
    const chunk = Buffer.from(archive.subarray(at, at + sizes[turn % sizes.length]!));
    at += chunk.length;
    yield chunk;
    chunk.fill(0xee);
  }
}

function assertSame(read: ReadEntry, sample: Sample): void {
  const { data, sparse, warnings, size, ...facts } = read;
  const { data: wanted, sparse: wantedSparse, ...given } = sample;
  assert.deepEqual(warnings, []);
  assert.equal(size, given.size ?? 0);
  const order = (a: TarXattr, b: TarXattr): number => (a.name < b.name ? -1 : 1);
  const defaults = { linkName: "", devMajor: 0, devMinor: 0 };
  const { size: _, ...rest } = given;
  assert.deepEqual(facts, { ...defaults, ...rest, xattrs: given.xattrs?.toSorted(order) });
  assert.ok(withHoles(data, size, sparse).equals(withHoles(wanted, size, wantedSparse)));
  if (wantedSparse === undefined) return assert.equal(sparse, undefined);
  const widened = widenExtents(
    wantedSparse.filter(({ length }) => length > 0),
    size,
  );
  assert.deepEqual(sparse ?? [{ offset: 0, length: size }].filter(({ length }) => length > 0), widened);
}

test("an archive reads as it was written, whatever chunks it comes in", async (t) => {
  const counts: Counts = {};
  const chunkSizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 700 })), {
    minLength: 1,
    maxLength: 8,
  });
  const sizes = chunkSizes.filter((list) => list.some((size) => size > 0));
  await check(
    t,
    300,
    counts,
    fc.asyncProperty(fc.array(sampleArbitrary, { maxLength: 6 }), sizes, async (samples, cut) => {
      const archive = await collect(writeTar(entriesOf(samples)));
      const read = await readAll(inChunks(archive, cut), { requireEnd: true });
      assert.equal(read.length, samples.length);
      for (const [index, sample] of samples.entries()) assertSame(read[index]!, sample);
      assert.deepEqual(await collect(writeTar(readTar([archive]))), archive, "written again");
      for (const { type, sparse } of samples) count(counts, sparse === undefined ? type : "sparse");
    }),
  );
});

test("an archive that is cut anywhere gives its whole entries and then says so", async (t) => {
  const counts: Counts = {};
  await check(
    t,
    4,
    counts,
    fc.asyncProperty(fc.array(sampleArbitrary, { minLength: 1, maxLength: 3 }), async (samples) => {
      const starts: number[] = [];
      for (let index = 0; index <= samples.length; index++) {
        starts.push((await collect(writeTar(entriesOf(samples.slice(0, index))))).length - 1024);
      }
      const archive = await collect(writeTar(entriesOf(samples)));
      const end = starts.at(-1)!;
      for (let cut = 0; cut <= archive.length; cut++) {
        const { whole, error } = await readUntilError(archive.subarray(0, cut), false);
        // Between two entries nothing tells a cut from an archive without an end marker: hence requireEnd.
        const isEnd = starts.includes(cut) || cut === end + 512 || cut === archive.length;
        assert.equal(error === undefined, isEnd, `cut at ${cut}: ${String(error)}`);
        if (error !== undefined)
          assert.ok(error instanceof RegrowError && error.code === "corrupt", `cut at ${cut}: ${String(error)}`);
        // An entry may have come before the archive proved to end within its padding.
        const complete = starts.filter((start) => start > 0 && start <= cut).length;
        assert.ok(
          whole.length === complete || (!isEnd && whole.length === complete + 1),
          `${whole.length} entries of a cut at ${cut}`,
        );
        for (const [index, entry] of whole.entries()) assertSame(entry, samples[index]!);
        count(counts, isEnd ? "cuts at an end" : "cuts within");
        if (!isEnd || cut > end) continue;
        const strict = await readUntilError(archive.subarray(0, cut), true);
        assert.ok(strict.error instanceof RegrowError && strict.error.code === "corrupt", `cut at ${cut}, with requireEnd`);
      }
    }),
  );
});

test("an archive with wrong bytes gives entries or a typed error, and an end", async (t) => {
  const counts: Counts = {};
  const damageArbitrary = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  await check(
    t,
    600,
    counts,
    fc.asyncProperty(
      fc.array(sampleArbitrary, { minLength: 1, maxLength: 3 }),
      damageArbitrary,
      fc.boolean(),
      async (samples, damage, isMended) => {
        const archive = await collect(writeTar(entriesOf(samples)));
        for (const [where, byte] of damage) archive[where % archive.length] = byte;
        // With its checksum mended, a wrong header gets past the first check.
        if (isMended)
          for (const [where] of damage) mendChecksum(archive, (where % archive.length) - ((where % archive.length) % 512));
        const { whole, error } = await readUntilError(archive, false);
        assert.ok(
          error === undefined || (error instanceof RegrowError && ["corrupt", "unsupported"].includes(error.code)),
          String(error),
        );
        for (const { name, data, size } of whole) {
          assert.ok(name !== "" && !name.includes("\0") && data.length <= archive.length && Number.isSafeInteger(size));
        }
        count(counts, error === undefined ? "read to the end" : (error as RegrowError).code);
      },
    ),
  );
});

test("a time goes into PAX and back", async (t) => {
  await check(
    t,
    1000,
    {},
    fc.asyncProperty(timeArbitrary, (time) => {
      assert.deepEqual(parsePaxTime(formatPaxTime(time)), time);
      return Promise.resolve();
    }),
  );
});

async function readUntilError(archive: Buffer, requireEnd: boolean): Promise<{ whole: ReadEntry[]; error: Error | undefined }> {
  const whole: ReadEntry[] = [];
  try {
    for await (const { content, ...facts } of readTar([archive], { requireEnd }))
      whole.push({ ...facts, data: await collect(content) });
    return { whole, error: undefined };
  } catch (error) {
    return { whole, error: error as Error };
  }
}

function mendChecksum(archive: Buffer, at: number): void {
  if (at + 512 > archive.length) return;
  archive.write(" ".repeat(8), at + 148, "latin1");
  let sum = 0;
  for (const byte of archive.subarray(at, at + 512)) sum += byte;
  archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
}
