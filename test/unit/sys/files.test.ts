/** Small files replaced whole, attributes, holes, trees removed: against what the file system itself says. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { type ByteString } from "../../../src/base/byte-string.ts";
import { replaceFileAt } from "../../../src/sys/durable.ts";
import { dataExtents } from "../../../src/sys/holes.ts";
import { removeTreeAt } from "../../../src/sys/names.ts";
import { tryReadFileAt } from "../../../src/sys/read-file.ts";
import { temporaryName } from "../../../src/sys/temporary-name.ts";
import { getXattrFd, readXattrsAt, readXattrsFd, removeXattrAt, setXattrAt, setXattrFd } from "../../../src/sys/xattr.ts";
import { requires } from "../../support/requires.ts";
import { startChild } from "../../support/run-child.ts";

function stageFor(t: TestContext): { home: string; fd: number } {
  const home = mkdtempSync(path.join(os.tmpdir(), "regrow-files-"));
  const fd = openSync(home, "r");
  t.after(() => {
    closeSync(fd);
    rmSync(home, { recursive: true });
  });
  return { home, fd };
}

const REPLACE = `
const { replaceFileAt } = await import(process.argv[1]);
const { openSync } = await import("node:fs");
const fd = openSync(process.argv[2], "r");
replaceFileAt(fd, ".", "file", Buffer.alloc(20000, "b"), { durable: false });
console.log("begun");
for (let count = 0; ; count++) replaceFileAt(fd, ".", "file", Buffer.alloc(20000, count % 2 === 0 ? "a" : "b"), { durable: false });
`;

test("who reads a file that is replaced sees one content or the other, also when the writer is killed", async (t) => {
  const { home, fd } = stageFor(t);
  const durable = new URL("../../../src/sys/durable.ts", import.meta.url).href;
  let seen = 0;
  for (let round = 0; round < 3; round++) {
    const writer = startChild(process.execPath, ["--input-type=module", "-e", REPLACE, durable, home]);
    await writer.begun;
    for (let look = 0; look < 2000; look++) {
      const data = tryReadFileAt(fd, "file");
      if (data === undefined) continue;
      seen++;
      assert.ok(data.length === 20_000 && data.every((byte) => byte === data[0]), "a whole one");
      if (look % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    writer.process.kill("SIGKILL");
    const { stderr } = await writer.ended;
    assert.equal(stderr, "");
    const left = tryReadFileAt(fd, "file")!;
    assert.ok(left.length === 20_000 && left.every((byte) => byte === left[0]));
  }
  t.diagnostic(`${seen} looks`);
  assert.ok(seen > 100);
});

test("a replacement that can't be made leaves the old file and nothing beside it", (t) => {
  const { home, fd } = stageFor(t);
  mkdirSync(`${home}/folder`);
  writeFileSync(`${home}/folder/inner`, "");
  assert.throws(() => replaceFileAt(fd, ".", "folder", Buffer.from("x")), { errno: "EISDIR" });
  assert.deepEqual(readdirSync(home), ["folder"]);
  replaceFileAt(fd, "folder", "inner", Buffer.from("new"), { mode: 0o600 });
  assert.equal(readFileSync(`${home}/folder/inner`, "utf8"), "new");
  assert.equal(statSync(`${home}/folder/inner`).mode & 0o777, 0o600);
});

test("no two unfinished files get one name, in threads and processes either", async () => {
  const { Worker } = await import("node:worker_threads");
  const file = new URL("../../../src/sys/temporary-name.ts", import.meta.url).href;
  const script = `import("${file}").then(({ temporaryName }) => require("node:worker_threads").parentPort.postMessage(temporaryName("x")))`;
  const others = await Promise.all(
    Array.from({ length: 4 }, () => new Promise<string>((resolve) => new Worker(script, { eval: true }).on("message", resolve))),
  );
  const names = [...others, temporaryName("x"), temporaryName("x")];
  assert.equal(new Set(names).size, names.length);
});

const n = (text: string): ByteString => text as ByteString;

test("attributes of files, by descriptor and by name", (t) => {
  if (!requires(t, { programs: ["getfattr"] })) return;
  const { home, fd } = stageFor(t);
  writeFileSync(`${home}/file`, "");
  const file = openSync(`${home}/file`, "r+");
  const large = Buffer.alloc(3000, "v");
  setXattrFd(file, "user.b", Buffer.from("two\0\xff", "latin1"));
  setXattrAt(fd, n("file"), { name: n("user.a"), value: Buffer.alloc(0) });
  setXattrFd(file, n("user.\xfe odd"), large);
  const expected = [
    { name: "user.a", value: Buffer.alloc(0) },
    { name: "user.b", value: Buffer.from("two\0\xff", "latin1") },
    { name: "user.\xfe odd", value: large },
  ];
  const own = (list: readonly { name: string }[]): unknown[] => list.filter(({ name }) => name.startsWith("user."));
  assert.deepEqual(own(readXattrsFd(file)), expected);
  assert.deepEqual(own(readXattrsAt(fd, n("file"))), expected);
  assert.match(
    execFileSync("getfattr", ["-d", "-e", "hex", "--absolute-names", `${home}/file`]).toString(),
    /user\.b=0x74776f00ff/,
  );
  assert.deepEqual(getXattrFd(file, "user.b"), expected[1]!.value);
  assert.equal(getXattrFd(file, "user.none"), undefined);
  removeXattrAt(fd, n("file"), n("user.a"));
  removeXattrAt(fd, n("file"), n("user.a"));
  assert.deepEqual(own(readXattrsFd(file)), expected.slice(1));
  assert.throws(() => setXattrFd(file, `user.${"x".repeat(300)}`, Buffer.alloc(1)), { code: "system" });
  closeSync(file);
});

test("attributes of a link are its own, and not those of what it leads to", (t) => {
  const { home, fd } = stageFor(t);
  writeFileSync(`${home}/file`, "");
  symlinkSync("file", `${home}/link`);
  setXattrAt(fd, n("file"), { name: n("user.a"), value: Buffer.from("x") });
  assert.deepEqual(
    readXattrsAt(fd, n("link")).filter(({ name }) => name.startsWith("user.")),
    [],
  );
  assert.throws(() => setXattrAt(fd, n("link"), { name: n("user.a"), value: Buffer.from("x") }), { name: "SystemError" });
});

test("where a file has data", (t) => {
  const { home } = stageFor(t);
  const make = (size: number, pieces: readonly (readonly [at: number, text: string])[]): ReturnType<typeof dataExtents> => {
    const file = openSync(`${home}/sparse`, "w+");
    ftruncateSync(file, size);
    for (const [at, text] of pieces) writeSync(file, text, at);
    const extents = dataExtents(file, size);
    closeSync(file);
    rmSync(`${home}/sparse`);
    return extents;
  };
  assert.equal(make(0, []), undefined);
  assert.equal(make(5, [[0, "dense"]]), undefined);
  assert.deepEqual(make(1 << 20, []), []);
  const middle = make(1 << 20, [[1 << 19, "data"]])!;
  assert.equal(middle.length, 1);
  assert.ok(middle[0]!.offset <= 1 << 19 && middle[0]!.offset + middle[0]!.length >= (1 << 19) + 4);
  const end = make((1 << 20) + 3, [[1 << 20, "end"]])!;
  assert.equal(end.at(-1)!.offset + end.at(-1)!.length, (1 << 20) + 3);
});

test("a tree is removed without following its links, and nothing there is no error", (t) => {
  const { home, fd } = stageFor(t);
  mkdirSync(`${home}/tree/a/b/c`, { recursive: true });
  mkdirSync(`${home}/keep`);
  writeFileSync(`${home}/keep/file`, "");
  writeFileSync(`${home}/tree/a/file`, "");
  symlinkSync("../../keep", `${home}/tree/a/link`);
  symlinkSync("nowhere", `${home}/tree/dangling`);
  removeTreeAt(fd, "tree");
  removeTreeAt(fd, "tree");
  assert.deepEqual(readdirSync(home), ["keep"]);
  assert.deepEqual(readdirSync(`${home}/keep`), ["file"]);
});
