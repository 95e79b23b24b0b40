import assert from "node:assert/strict";
import { test } from "node:test";
import { formatKeyfile, getKey, getList, groupsOf, parseKeyfile, removeGroup, setKey } from "../../../src/codec/keyfile.ts";

const SAMPLE = `# made by hand
[core]
repo_version=1
mode = archive-z2
 padded\t=\t  spaced out
twice=first
twice=second

[remote "origin"]
url=https://example.org/\\s\\t\\n\\r\\\\x
branches=a;b;;c;
`;

test("values, escapes, lists and groups", () => {
  const keyfile = parseKeyfile(SAMPLE);
  assert.equal(getKey(keyfile, "core", "mode"), "archive-z2");
  assert.equal(getKey(keyfile, "core", "padded"), "spaced out");
  assert.equal(getKey(keyfile, "core", "twice"), "second");
  assert.equal(getKey(keyfile, 'remote "origin"', "url"), "https://example.org/ \t\n\r\\x");
  assert.deepEqual(getList(keyfile, 'remote "origin"', "branches"), ["a", "b", "c"]);
  assert.equal(getKey(keyfile, "core", "url"), undefined);
  assert.deepEqual(groupsOf(keyfile), ["core", 'remote "origin"']);
  assert.equal(formatKeyfile(keyfile), SAMPLE);
});

test("lines that end as on Windows", () => {
  const keyfile = parseKeyfile("[core]\r\nmode=bare\r\n\r\n# x\r\n");
  assert.equal(getKey(keyfile, "core", "mode"), "bare");
  assert.equal(formatKeyfile(keyfile), "[core]\r\nmode=bare\r\n\r\n# x\r\n");
});

test("a change touches its own line only", () => {
  const keyfile = parseKeyfile(SAMPLE);
  assert.equal(formatKeyfile(setKey(keyfile, "core", "twice", " x\t")), SAMPLE.replace("twice=second", "twice=\\sx\\t"));
  assert.equal(formatKeyfile(setKey(keyfile, "core", "new", "1")), SAMPLE.replace("twice=second\n", "twice=second\nnew=1\n"));
  assert.equal(formatKeyfile(setKey(keyfile, "other", "new", "1")), `${SAMPLE}\n[other]\nnew=1\n`);
  assert.equal(formatKeyfile(removeGroup(keyfile, "core")), `# made by hand\n${SAMPLE.slice(SAMPLE.indexOf("[remote"))}`);
});

for (const text of [
  "key=1",
  "[core]\nno sign",
  "[core]\n=1",
  "[core",
  "[]\n",
  "[a]b",
  "[core]\na[b=1",
  "x".repeat(2 ** 20 + 1),
]) {
  test(`refused as corrupt: ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(() => parseKeyfile(text), { code: "corrupt" });
  });
}

test("a long line of spaces costs no more than its length", () => {
  const spaces = " ".repeat(250_000);
  const startedAt = Date.now();
  for (const line of [`${spaces}x${spaces}`, `a${spaces}b`, `[${spaces}`, `[a]${spaces}b`]) {
    assert.throws(() => parseKeyfile(`[core]\n${line}\n`), { code: "corrupt" });
  }
  assert.equal(getKey(parseKeyfile(`[core]\n${spaces}a${spaces}=${spaces}b`), "core", "a")?.length, 1);
  assert.ok(Date.now() - startedAt < 2000);
});
