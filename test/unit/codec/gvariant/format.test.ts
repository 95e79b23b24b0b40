/** Values as text, as GLib's g_variant_print writes them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { formatVariant } from "../../../../src/codec/gvariant/format.ts";
import type { GValue, Variant } from "../../../../src/codec/gvariant/value.ts";
import { GLIB_NEEDS } from "../../../support/glib.ts";
import { requires } from "../../../support/requires.ts";

const CASES: readonly (readonly [string, GValue, string])[] = [
  ["b", true, "true"],
  ["y", 7, "byte 0x07"],
  ["i", -5, "-5"],
  ["u", 5, "uint32 5"],
  ["t", 5n, "uint64 5"],
  ["x", -5n, "int64 -5"],
  ["d", 2, "2.0"],
  ["d", 2.5, "2.5"],
  ["s", "a'b", `"a'b"`],
  ["s", `a'"b`, `"a'\\"b"`],
  ["s", "a\\b\n", "'a\\\\b\\n'"],
  ["as", [], "@as []"],
  ["as", ["a", "b"], "['a', 'b']"],
  ["au", [1, 2], "[uint32 1, 2]"],
  ["ay", Buffer.from([1, 2]), "[byte 0x01, 0x02]"],
  ["ay", Buffer.from("abc\0"), "b'abc'"],
  ["ay", Buffer.alloc(0), "@ay []"],
  ["(su)", ["a", 1], "('a', uint32 1)"],
  ["(s)", ["a"], "('a',)"],
  ["v", { type: "s", value: "x" }, "<'x'>"],
  ["a{sv}", [["k", { type: "u", value: 1 }]], "{'k': <uint32 1>}"],
  ["a{sv}", [], "@a{sv} {}"],
  ["a(ayay)", [[Buffer.from("user.k\0"), Buffer.from("v")]], "[(b'user.k', [byte 0x76])]"],
  ["a(ayay)", [], "@a(ayay) []"],
  ["ms", undefined, "@ms nothing"],
];

test("a table", () => {
  for (const [type, value, text] of CASES) assert.equal(formatVariant({ type, value }), text);
});

test("GLib writes the same", (t) => {
  if (!requires(t, GLIB_NEEDS)) return;
  for (const [, , text] of CASES) assert.equal(asGLib([text])[0], text, text);
  const arbitrary = fc.oneof(
    fc.array(fc.nat(0x52f)).map((codes): Variant => ({ type: "s", value: String.fromCodePoint(...codes.filter(Boolean)) })),
    fc.string().map((value): Variant => ({ type: "ay", value: Buffer.from(`${value.replaceAll("\0", "")}\0`) })),
    fc.array(fc.integer({ min: 1, max: 255 })).map((value): Variant => ({ type: "ay", value: Buffer.from([...value, 0]) })),
    fc.uint8Array().map((value): Variant => ({ type: "ay", value: Buffer.from(value) })),
    fc.array(fc.nat(255)).map((value): Variant => ({ type: "as", value: value.map((code) => String.fromCharCode(code + 1)) })),
  );
  const samples = fc.sample(arbitrary, { numRuns: 300, seed: 42 }).map((variant) => formatVariant(variant));
  assert.deepEqual(asGLib(samples), samples);
});

/** What GLib reads from the text, printed again. */
function asGLib(texts: readonly string[]): string[] {
  const script = `
import json, sys
from gi.repository import GLib
print(json.dumps([GLib.Variant.parse(None, text, None, None).print_(True) for text in json.load(sys.stdin)]))`;
  return JSON.parse(
    execFileSync("/usr/bin/python3", ["-c", script], { input: JSON.stringify(texts), encoding: "utf8" }),
  ) as string[];
}
