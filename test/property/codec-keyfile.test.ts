/** Keyfiles: what GLib reads is read with the same result, what is set is found again, and no other line changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RegrowError } from "../../src/base/errors.ts";
import { type Keyfile, formatKeyfile, getKey, groupsOf, parseKeyfile, removeGroup, setKey } from "../../src/codec/keyfile.ts";
import { GLIB_NEEDS, readKeyfilesByGlib } from "../support/glib.ts";
import { check, seed, times } from "../support/property.ts";
import { requires } from "../support/requires.ts";
import { tally } from "../support/tally.ts";

const piece = fc.constantFrom(..."a b=[]#\\;\t\rnsx".split(""), "key", "core", "=v", "key=", "[g]", "[core]", "\\s", "\\n", "ü");
const tail = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
const line = fc.oneof(
  { weight: 3, arbitrary: tail.map((text) => `key=${text}`) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "[core]",
      "[g]",
      '[remote "origin"]',
      "key=value",
      "key = value ",
      "other=1;2;",
      "",
      "# comment",
      "key[de]=Wert",
    ),
  },
  fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")),
);
const file = fc.tuple(fc.array(line, { maxLength: 8 }), fc.boolean()).map(([lines, isWhole]) => {
  const text = ["[core]", ...lines].join("\n");
  // GLib keeps a carriage return at the very end of a file, which no editor leaves there.
  return isWhole || text.endsWith("\r") ? `${text}\n` : text;
});

test("GLib and this codec find the same in a keyfile", (t) => {
  if (!requires(t, GLIB_NEEDS)) return;
  const texts = fc.sample(file, { numRuns: times(3000), seed });
  const readings = readKeyfilesByGlib(texts);
  let refused = 0;
  let values = 0;
  for (const [index, text] of texts.entries()) {
    const keyfile = tryParse(text);
    const glib = readings[index]!;
    assert.equal(keyfile === undefined, glib === null, JSON.stringify(text));
    if (keyfile === undefined || glib === null) {
      refused++;
      continue;
    }
    for (const [group, key, value] of glib) {
      values++;
      if (value !== null) assert.equal(getKey(keyfile, group, key), value, JSON.stringify(text));
    }
  }
  t.diagnostic(`seed ${seed} (FC_SEED), ${texts.length} files, ${refused} refused, ${values} values compared`);
  assert.ok(refused > 200 && values > 2000);
  tally("damaged inputs", "keyfiles", texts.length);
});

test("what is set is found again, and every other line stays", (t) => {
  const word = fc.stringMatching(/^[a-z][-a-z0-9]{0,8}$/);
  const value = fc.string({ unit: "grapheme", maxLength: 20 });
  check(
    t,
    1000,
    fc.property(file, word, word, value, (text, group, key, newValue) => {
      const keyfile = tryParse(text);
      if (keyfile === undefined) return;
      const changed = setKey(keyfile, group, key, newValue);
      assert.equal(getKey(changed, group, key), newValue);
      const again = parseKeyfile(formatKeyfile(changed));
      assert.deepEqual(again.lines, changed.lines);
      const kept = changed.lines.filter((one) => keyfile.lines.includes(one));
      assert.ok(kept.length >= keyfile.lines.length - 1);
      assert.ok(!groupsOf(removeGroup(changed, group)).includes(group));
    }),
  );
});

function tryParse(text: string): Keyfile | undefined {
  try {
    return parseKeyfile(text);
  } catch (error) {
    if (error instanceof RegrowError && error.code === "corrupt") return undefined;
    throw error;
  }
}
