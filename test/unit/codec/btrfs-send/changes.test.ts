/** What commands come to, on a tree in memory: renames over each other, swaps, orphans, hard links, and streams that don't fit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ByteString, bytesOf } from "../../../../src/base/byte-string.ts";
import type { BaseEntry, ChangeSet, StreamEntryType } from "../../../../src/codec/btrfs-send/changes/change.ts";
import { openChangeReader } from "../../../../src/codec/btrfs-send/changes/read-changes.ts";
import type { SendCommand } from "../../../../src/codec/btrfs-send/command.ts";

const UUID = "00112233445566778899aabbccddeeff";
const OLD = { seconds: 1, nanoseconds: 1 };
const NEW = { seconds: 2, nanoseconds: 0 };

/** A: path, then type and inode; a number of names where it is not one. */
const TREE: Record<string, [StreamEntryType, number, number?]> = {
  "": ["folder", 256],
  a: ["folder", 257],
  "a/x": ["file", 258],
  "a/in": ["folder", 259],
  "a/in/y": ["file", 260],
  b: ["folder", 261],
  "b/x": ["file", 262],
  file: ["file", 263],
  other: ["file", 264],
  link: ["link", 265],
  one: ["file", 266, 3],
  two: ["file", 266, 3],
  "b/three": ["file", 266, 3],
};

const p = (path: string): ByteString => bytesOf(path);
const rename = (path: string, to: string): SendCommand => ({ kind: "rename", path: p(path), to: p(to) });
const unlink = (path: string): SendCommand => ({ kind: "unlink", path: p(path) });
const rmdir = (path: string): SendCommand => ({ kind: "rmdir", path: p(path) });
const link = (path: string, existing: string): SendCommand => ({ kind: "link", path: p(path), existing: p(existing) });
const mkfile = (path: string, ino: number): SendCommand => ({ kind: "mkfile", path: p(path), ino });
const mkdir = (path: string, ino: number): SendCommand => ({ kind: "mkdir", path: p(path), ino });
const write = (path: string): SendCommand => ({ kind: "update-extent", path: p(path), offset: 0, size: 1 });
const utimes = (path: string, mtime: typeof OLD): SendCommand => ({
  kind: "utimes",
  path: p(path),
  atime: NEW,
  mtime,
  ctime: NEW,
});

test("nothing", () => {
  assert.deepEqual(told([]), []);
  assert.deepEqual(changesOf([]).touched, []);
});

test("a new file, by way of an orphan's name", () => {
  assert.deepEqual(told([mkfile("o300-7-0", 300), rename("o300-7-0", "a/new"), write("a/new"), utimes("a", NEW)]), [
    "modified a <- a folder: time",
    "added a/new file",
  ]);
});

test("a renamed folder carries what is in it, and only that", () => {
  assert.deepEqual(told([rename("a", "c")]), ["renamed c <- a folder"]);
  assert.deepEqual(told([rename("a", "c"), write("c/in/y")]), [
    "renamed c <- a folder",
    "modified c/in/y <- a/in/y file: content",
  ]);
  assert.deepEqual(told([rename("a", "c"), mkdir("a", 300), mkfile("a/x", 301)]), [
    "added a folder",
    "added a/x file",
    "renamed c <- a folder",
  ]);
});

test("a folder that takes the name of the one that was just looked into", () => {
  assert.deepEqual(told([write("a/x"), rename("a", "c"), mkdir("a", 300), mkfile("a/x", 301)]), [
    "added a folder",
    "added a/x file",
    "renamed c <- a folder",
    "modified c/x <- a/x file: content",
  ]);
  assert.deepEqual(told([unlink("b/x"), unlink("b/three"), rmdir("b"), mkdir("b", 300), mkfile("b/x", 301)]), [
    "removed b folder",
    "added b folder",
    "removed b/three file",
    "removed b/x file",
    "added b/x file",
  ]);
});

test("folders that change places", () => {
  const swap = [rename("b", "o261-7-0"), rename("a", "b"), rename("o261-7-0", "a")];
  assert.deepEqual(told(swap), ["renamed a <- b folder", "renamed b <- a folder"]);
  assert.deepEqual(told([...swap, write("a/x"), unlink("b/in/y")]), [
    "renamed a <- b folder",
    "removed a/in/y file",
    "modified a/x <- b/x file: content",
    "renamed b <- a folder",
  ]);
});

test("a folder that becomes a child of its child", () => {
  assert.deepEqual(told([rename("a/in", "top"), rename("a", "top/a"), write("top/y"), write("top/a/x")]), [
    "renamed top <- a/in folder",
    "renamed top/a <- a folder",
    "modified top/a/x <- a/x file: content",
    "modified top/y <- a/in/y file: content",
  ]);
});

test("there and back again is no change", () => {
  assert.deepEqual(told([rename("a", "c"), rename("c", "a")]), []);
  assert.deepEqual(told([rename("file", "a/file"), rename("a/file", "file")]), []);
  assert.deepEqual(told([mkfile("new", 300), unlink("new")]), []);
  assert.deepEqual(told([link("again", "file"), unlink("file"), link("file", "again"), unlink("again")]), []);
});

test("a file renamed by another name and the loss of the old one", () => {
  assert.deepEqual(told([link("a/file", "file"), unlink("file")]), ["renamed a/file <- file file"]);
  assert.deepEqual(
    told([unlink("other"), link("other", "file"), unlink("file"), { kind: "chmod", path: p("other"), mode: 0o600 }]),
    ["removed other file", "renamed other <- file file: mode"],
  );
});

test("a folder that is removed by way of an orphan's name", () => {
  const removal = [
    rename("a", "o257-7-0"),
    mkfile("a", 300),
    unlink("o257-7-0/x"),
    unlink("o257-7-0/in/y"),
    rmdir("o257-7-0/in"),
  ];
  assert.deepEqual(told([...removal, rmdir("o257-7-0")]), [
    "removed a folder",
    "added a file",
    "removed a/in folder",
    "removed a/in/y file",
    "removed a/x file",
  ]);
});

test("a removed folder of which the removal is never told", () => {
  assert.deepEqual(told([unlink("b/x"), unlink("b/three"), rename("b", "o261-7-0")]), [
    "removed b folder",
    "removed b/three file",
    "removed b/x file",
  ]);
  // A file that really has such a name.
  assert.deepEqual(told([rename("file", "o300-1-0")]), ["renamed o300-1-0 <- file file"]);
  assert.deepEqual(told([mkfile("o300-1-0", 300)]), ["added o300-1-0 file"]);
});

test("what is told of one name is told of all", () => {
  const names = { 266: ["one", "two", "c/three"] };
  assert.deepEqual(told([write("one"), rename("b", "c")], names), [
    "renamed c <- b folder",
    "modified c/three <- b/three file: content",
    "modified one <- one file: content",
    "modified two <- two file: content",
  ]);
  // All names are known: nobody is asked.
  assert.deepEqual(told([unlink("two"), unlink("b/three"), write("one")], {}), [
    "removed b/three file",
    "modified one <- one file: content",
    "removed two file",
  ]);
  assert.deepEqual(told([unlink("one"), link("four", "two"), write("four")], { 266: ["two", "b/three", "four"] }), [
    "modified b/three <- b/three file: content",
    "renamed four <- one file: content",
    "modified two <- two file: content",
  ]);
  assert.deepEqual(told([link("four", "two")]), ["added four <- two file"]);
});

test("times of the last access, of links and of attributes", () => {
  const { changes, touched } = changesOf([utimes("file", OLD), utimes("a", OLD)]);
  assert.deepEqual(changes, []);
  assert.deepEqual(touched, [
    { path: "a", from: "a", type: "folder" },
    { path: "file", from: "file", type: "file" },
  ]);
  assert.deepEqual(told([utimes("file", NEW), { kind: "fileattr", path: p("file"), flags: 2 }]), [
    "modified file <- file file: flags,time",
  ]);
  const xattrs = changesOf([
    { kind: "set-xattr", path: p("file"), name: p("user.b"), value: Buffer.of(1) },
    { kind: "remove-xattr", path: p("file"), name: p("user.a") },
  ]);
  assert.deepEqual(xattrs.changes, [
    { kind: "modified", path: "file", from: "file", type: "file", ino: 263, what: ["xattrs"], xattrs: ["user.a", "user.b"] },
  ]);
});

test("capabilities that are told of and are the old ones", () => {
  const capability = (path: string, value: string): SendCommand => {
    return { kind: "set-xattr", path: p(path), name: p("security.capability"), value: Buffer.from(value) };
  };
  const { changes, touched } = changesOf([rename("a", "c"), capability("c/x", "cap"), utimes("c/x", OLD)]);
  assert.deepEqual([changes.length, touched], [1, [{ path: "c/x", from: "a/x", type: "file" }]]);
  assert.deepEqual(told([capability("a/x", "other")]), ["modified a/x <- a/x file: xattrs"]);
  assert.deepEqual(told([capability("a/x", "other"), capability("a/x", "cap")]), ["modified a/x <- a/x file: xattrs"]);
  assert.deepEqual(told([capability("b/x", "cap")]), ["modified b/x <- b/x file: xattrs"]);
});

test("A is looked at where the stream is, and nowhere else", () => {
  const asked: string[] = [];
  changesOf([rename("a", "c"), write("c/x"), unlink("file")], {}, asked);
  assert.deepEqual(asked.toSorted(), ["", "a", "a/x", "c", "file"]);
});

test("streams that do not fit", () => {
  const bad: SendCommand[][] = [
    [unlink("nowhere")],
    [unlink("a")],
    [rmdir("file")],
    [write("link/x")],
    [write("nowhere/x")],
    [mkfile("file", 300)],
    [rename("file", "other")],
    [rename("a", "a/in/a")],
    [link("b2", "b")],
    [link("other", "file")],
    [write("a/x"), rmdir("a")],
    [rename("a", "c"), write("a/x")],
    [mkdir("n", 300), write("n/x")],
  ];
  for (const commands of bad) assert.throws(() => changesOf(commands), { code: "corrupt" }, JSON.stringify(commands));
  const reader = openChangeReader(baseOf([], {}));
  assert.throws(() => reader.take({ kind: "subvol", path: p("s"), uuid: UUID, ctransid: 1 }), { code: "unsupported" });
  assert.throws(() => openChangeReader(baseOf([], {})).finish(), { code: "corrupt" });
});

function told(commands: readonly SendCommand[], names: Record<number, string[]> = {}): string[] {
  return changesOf(commands, names).changes.map((change) => {
    if (change.kind === "removed") return `removed ${change.path} ${change.type}`;
    const from = change.from === undefined ? "" : ` <- ${change.from}`;
    const what = change.what.length === 0 ? "" : `: ${change.what.join()}`;
    return `${change.kind} ${change.path}${from} ${change.type}${what}`;
  });
}

function changesOf(commands: readonly SendCommand[], names: Record<number, string[]> = {}, asked: string[] = []): ChangeSet {
  const reader = openChangeReader(baseOf(asked, names));
  reader.take({ kind: "header", version: 2 });
  reader.take({ kind: "snapshot", path: p("b"), uuid: UUID, ctransid: 2, cloneUuid: UUID, cloneCtransid: 1 });
  for (const command of commands) reader.take(command);
  reader.take({ kind: "end" });
  return reader.finish();
}

function baseOf(asked: string[], names: Record<number, string[]>): Parameters<typeof openChangeReader>[0] {
  return {
    lookUp(path): BaseEntry | undefined {
      asked.push(path);
      const entry = TREE[path];
      return entry === undefined ? undefined : { type: entry[0], ino: entry[1], links: entry[2] ?? 1, mtime: OLD };
    },
    xattrOf: (path, name) => (path === "a/x" && name === "security.capability" ? Buffer.from("cap") : undefined),
    isInB: (path) => path === "o300-1-0",
    namesOf(ino) {
      const known = names[ino];
      assert.ok(known !== undefined, `asked for the names of ${ino}`);
      return known.map(p);
    },
  };
}
