/** Which file of a commit becomes which of another: tables of names, contents and links. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteString } from "../../../src/base/byte-string.ts";
import type { Checksum } from "../../../src/codec/ostree/checksum.ts";
import type { SideFile } from "../../../src/store/diff/diff-side.ts";
import { chooseInodes } from "../../../src/store/checkout/delta/choose-inodes.ts";

/** By path: what is in it, and what it is linked to. */
type Files = Readonly<Record<string, readonly [content: string, linkTo?: string]>>;

/** For each file that changes: its names, and the name in A of what it is made of, or `=NAME` for a link to what stays. */
function choose(before: Files, after: Files): Record<string, string | undefined> {
  const [a, b] = [leavesOf(before), leavesOf(after)];
  const isSame = (path: ByteString): boolean => JSON.stringify(before[path]) === JSON.stringify(after[path]);
  for (const path of [...a.keys()].filter(isSame)) {
    a.delete(path);
    b.delete(path);
  }
  const inode = (path: string): string => before[path]![1] ?? path;
  const difference = { changedFolders: [], addedFolders: [], removedFolders: [], before: a, after: b };
  const { after: groups } = chooseInodes(difference, {
    inodeAt: (path) => {
      const links = Object.keys(before).filter((name) => inode(name) === inode(path)).length;
      return { key: inode(path), links, isRegular: true };
    },
    identityInB: (path) => after[path]?.[0],
    isRegular: () => true,
  });
  return Object.fromEntries(
    groups.map(({ names, from, linkTo }) => [names.join(" "), linkTo === undefined ? from?.names[0] : `=${linkTo}`]),
  );
}

function leavesOf(files: Files): Map<ByteString, SideFile> {
  return new Map(
    Object.entries(files).map(([name, [content, linkTo]]) => {
      const record = linkTo === undefined ? undefined : { name: name as ByteString, linkTo: linkTo as ByteString };
      const open = (): never => assert.fail("nobody opens it");
      return [name as ByteString, { kind: "file", name: name as ByteString, checksum: content as Checksum, record, open }];
    }),
  );
}

test("a file that moved is the same file, whatever has its name now", () => {
  assert.deepEqual(choose({ a: ["1"] }, { b: ["1"] }), { b: "a" });
  assert.deepEqual(choose({ a: ["1"], b: ["2"] }, { a: ["2"], b: ["1"] }), { a: "b", b: "a" });
  assert.deepEqual(choose({ a: ["1"] }, { a: ["2"], b: ["1"] }), { a: undefined, b: "a" });
});

test("a file with another content under its name is written to", () => {
  assert.deepEqual(choose({ a: ["1"] }, { a: ["2"] }), { a: "a" });
});

test("further names are linked to what stays", () => {
  assert.deepEqual(choose({ a: ["1"] }, { a: ["1"], b: ["1", "a"] }), { b: "=a" });
  assert.deepEqual(choose({ b: ["1"] }, { a: ["1"], b: ["1", "a"] }), { "a b": "b" });
});

test("a name that leaves a group gets a file of its own, and is never written through to the others", () => {
  assert.deepEqual(choose({ a: ["1"], b: ["1", "a"] }, { a: ["1"], b: ["1"] }), { b: undefined });
  assert.deepEqual(choose({ a: ["1"], b: ["1", "a"] }, { a: ["1"], b: ["2"] }), { b: undefined });
  assert.deepEqual(choose({ a: ["1"], b: ["1", "a"], c: ["1", "a"] }, { a: ["1"], c: ["1", "a"] }), {});
});

test("a whole group can get another content, and another first name", () => {
  assert.deepEqual(choose({ a: ["1"], b: ["1", "a"] }, { a: ["2"], b: ["2", "a"] }), { "a b": "a" });
  assert.deepEqual(choose({ b: ["1"], c: ["1", "b"] }, { a: ["1"], b: ["1", "a"], c: ["1", "a"] }), { "a b c": "b" });
  assert.deepEqual(choose({ a: ["1"], b: ["1", "a"] }, { a: ["1"], b: ["3"], c: ["1", "a"] }), { b: undefined, c: "=a" });
});

test("one file is made into one other only", () => {
  assert.deepEqual(choose({ a: ["1"] }, { b: ["1"], c: ["1"] }), { b: "a", c: undefined });
});
