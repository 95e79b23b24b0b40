/** Send streams: what is written is read again however it is cut, and damage never goes unseen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ByteString } from "../../src/base/byte-string.ts";
import type { SendCommand, StreamVersion } from "../../src/codec/btrfs-send/command.ts";
import { type AttributeUse, COMMANDS, type CommandUse } from "../../src/codec/btrfs-send/command-table.ts";
import { encodeCommand, encodeHeader } from "../../src/codec/btrfs-send/encode-command.ts";
import { damagedCopies } from "../support/damage.ts";
import { check, seed, times } from "../support/property.ts";
import { madeStreams, partsOf, partsOrCode } from "../support/send-streams.ts";

const byte = (from = 0): fc.Arbitrary<number> => fc.integer({ min: from, max: 255 });
const text = (longest: number): fc.Arbitrary<string> =>
  fc.array(byte(1), { minLength: 1, maxLength: longest }).map((bytes) => String.fromCharCode(...bytes));
const piece = text(12)
  .map((name) => name.replaceAll("/", "-"))
  .filter((name) => name !== "." && name !== "..");
const path = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join("/"));
const u64 = fc.oneof(fc.nat(), fc.maxSafeNat());
const u32 = fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const bytes = (longest: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: longest });

function valueOf({ type }: AttributeUse): fc.Arbitrary<unknown> {
  switch (type) {
    case "u8":
      return byte();
    case "u32":
    case "uid":
    case "device":
      return u32;
    case "u64":
      return u64;
    case "mode":
      return fc.integer({ min: 0, max: 0o177777 });
    case "uuid":
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((raw) => Buffer.from(raw).toString("hex"));
    case "time":
      return fc.record({ seconds: fc.maxSafeInteger(), nanoseconds: fc.nat(999_999_999) }, { noNullPrototype: true });
    case "name":
      return piece;
    case "path":
      return fc.oneof(fc.constant(""), path);
    case "entry":
      return path;
    case "target":
      return text(40);
    case "xattr":
      return text(20);
    case "bytes":
      return bytes(60);
    case "data":
      return bytes(300);
  }
}

function commandOf(use: CommandUse, version: StreamVersion): fc.Arbitrary<SendCommand> {
  const fields: Record<string, fc.Arbitrary<unknown>> = { kind: fc.constant(use.kind) };
  for (const attribute of use.attributes) {
    if (typeof attribute.optional === "number" && version < attribute.optional) continue;
    fields[attribute.field] = valueOf(attribute);
  }
  const required = use.attributes.filter(({ field, optional }) => optional !== true && field in fields).map(({ field }) => field);
  return fc.record(fields, {
    requiredKeys: ["kind", ...required] as never,
    noNullPrototype: true,
  }) as unknown as fc.Arbitrary<SendCommand>;
}

const stream = fc.constantFrom<StreamVersion>(1, 2, 3).chain((version) => {
  const uses = [...COMMANDS.values()].filter(({ since, kind }) => since <= version && kind !== "end");
  const tops = fc.oneof(...["subvol", "snapshot"].map((kind) => commandOf(COMMANDS.get(kind as "subvol")!, version)));
  return fc.record({
    version: fc.constant(version),
    top: tops,
    rest: fc.array(fc.oneof(...uses.map((use) => commandOf(use, version))), { maxLength: 30 }),
  });
});

type Stream = typeof stream extends fc.Arbitrary<infer T> ? T : never;
const END: SendCommand = { kind: "end" };

function encode({ version, top, rest }: Stream): Buffer {
  return Buffer.concat([encodeHeader(version), ...[top, ...rest, END].map((command) => encodeCommand(command, version))]);
}

test("streams come back, cut anywhere", (t) => {
  const counts = new Map<string, number>();
  check(
    t,
    300,
    fc.property(
      fc.array(stream, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
      (streams, cuts) => {
        const data = Buffer.concat(streams.map(encode));
        const expected = streams.flatMap(({ version, top, rest }) => [{ kind: "header", version }, top, ...rest, END]);
        for (const { kind } of expected) counts.set(kind, (counts.get(kind) ?? 0) + 1);
        assert.deepEqual(plain(partsOf(data)), plain(expected));
        assert.deepEqual(plain(partsOf(data, cuts)), plain(expected));
        assert.deepEqual(plain(partsOf(data, [1])), plain(expected));
      },
    ),
  );
  t.diagnostic([...counts].map(([kind, count]) => `${kind} ${count}`).join(", "));
  assert.deepEqual(
    [...COMMANDS.keys()].filter((kind) => !counts.has(kind)),
    [],
    "kinds that never occurred",
  );
});

test("damage is seen", (t) => {
  const samples = [...madeStreams().map(({ data }) => data), ...fc.sample(stream, { numRuns: 6, seed }).map(encode)];
  const outcomes = new Map<string, number>();
  for (const [index, data] of samples.entries()) {
    const whole = JSON.stringify(plain(partsOf(data)));
    for (const damaged of damagedCopies(data, times(1500), index)) {
      const outcome = partsOrCode(damaged.data);
      const kind = damaged.what.split(" ")[0] === "cut" ? "cut" : damaged.what.startsWith("bit") ? "bit" : "other";
      const name = `${kind} ${typeof outcome === "string" ? outcome : "read"}`;
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
      if (typeof outcome !== "string")
        assert.ok(isHarmless(damaged, data, whole, outcome), `sample ${index}, ${damaged.what}, was read`);
    }
  }
  t.diagnostic(`seed ${seed} (FC_SEED), ${[...outcomes].map(([name, count]) => `${name} ${count}`).join(", ")}`);
  for (const name of ["cut corrupt", "bit corrupt", "other corrupt"]) assert.ok((outcomes.get(name) ?? 0) > 100, name);
});

/**
 * What may pass: a copy that is no change; one that ends between two streams; one with a whole command more or less, which no
 * sum covers; and another version in a header, which no sum covers either: the same commands, whose data may be taken for two
 * bytes longer or shorter.
 */
function isHarmless(damaged: { what: string; data: Buffer }, data: Buffer, whole: string, outcome: readonly object[]): boolean {
  if (damaged.data.equals(data)) return true;
  if (damaged.what.startsWith("cut")) return whole.startsWith(JSON.stringify(plain(outcome)).slice(0, -1));
  if (withoutVersions(damaged.data).equals(withoutVersions(data))) {
    const kinds = (parts: readonly object[]): unknown[] => parts.map((part) => (part as { kind: string }).kind);
    return JSON.stringify(kinds(outcome)) === JSON.stringify(kinds(JSON.parse(whole) as object[]));
  }
  return JSON.stringify(plain(outcome)) === whole;
}

function withoutVersions(data: Buffer): Buffer {
  const copy = Buffer.from(data);
  const magic = Buffer.from("btrfs-stream\0");
  for (let at = copy.indexOf(magic); at >= 0; at = copy.indexOf(magic, at + 1)) copy.fill(0, at + 13, at + 17);
  return copy;
}

function plain(parts: readonly object[]): unknown {
  return parts.map((part) =>
    Object.fromEntries(
      Object.entries(part)
        .map(
          ([key, value]) =>
            [key, value instanceof Uint8Array ? Buffer.from(value).toString("hex") : (value as ByteString)] as const,
        )
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  );
}
