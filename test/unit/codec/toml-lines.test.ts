/** Where a key stands in a TOML text, and which one was meant. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EXIT } from "../../../src/base/exit-codes.ts";
import { RegrowError } from "../../../src/base/errors.ts";
import { parseMachineConfig } from "../../../src/codec/machine-config.ts";
import { lineOfKey, nearestKey } from "../../../src/codec/toml-lines.ts";

const TEXT = `# a comment with a = sign
branch = "main"
text = """
keep = "not a key"
"""
keep = { last = 1, dayly = 2 }
a.b . "c d" = 1

[history]
keep.last = 3

[[carry]]
path = "/home"
[[carry]]
path = "/srv" # [carry]
[carry.more]
'odd key' = [
  1,
]
`;

test("keys of tables, of tables on one line, of arrays of tables, dotted and quoted", () => {
  for (const [path, line] of [
    [["branch"], 2],
    [["keep"], 6],
    [["keep", "dayly"], 6],
    [["a", "b", "c d"], 7],
    [["history"], 9],
    [["history", "keep", "last"], 10],
    [["carry", 0, "path"], 13],
    [["carry", 1, "path"], 15],
    [["carry", 1, "more", "odd key"], 17],
    [["carry", 1, "absent"], 14],
    [["absent"], undefined],
  ] as const)
    assert.equal(lineOfKey(TEXT, path), line, path.join("."));
});

test("the nearest key is close, or none", () => {
  const known = ["last", "hourly", "daily", "weekly"];
  assert.equal(nearestKey("dayly", known), "daily");
  assert.equal(nearestKey("lats", known), "last");
  assert.equal(nearestKey("compress", known), undefined);
});

test("an unknown key of the configuration is told with its line and the nearest one", () => {
  for (const [text, message, hint] of [
    ['brnch = "x"\n', /regrow\.toml: line 1: brnch: no such key/, /`branch`/],
    ["\nkeep = { last = 1, dayly = 2 }\n", /line 2: keep\.dayly: no such key/, /`daily`/],
    ['[[carry]]\npath = "/a"\n[[carry]]\npath = "/b"\npaht = "/c"\n', /line 5: carry\.1\.paht: no such key/, /`path`/],
    ["[history]\nzebra = 1\n", /line 2: history\.zebra: no such key/, /`keep`/],
    ["menu = 99\n", /line 1: menu: /, /Mend the value/],
  ] as const) {
    assert.throws(
      () => parseMachineConfig([{ path: "/etc/regrow.toml", text }]),
      (error: unknown) => {
        assert.ok(error instanceof RegrowError);
        assert.equal(error.code, "usage");
        assert.match(error.message, message);
        assert.match(error.hint ?? "", hint);
        return true;
      },
    );
  }
  assert.equal(EXIT.usage, 2);
});
