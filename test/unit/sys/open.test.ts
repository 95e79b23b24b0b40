/** Opening beneath a folder: never out of it, whatever the path says and whatever stands in the way. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { type ByteString, bytesOf } from "../../../src/base/byte-string.ts";
import { makeDirAt, removeTreeAt } from "../../../src/sys/names.ts";
import { CWD, O, closeFd, duplicateFd, openAt, openBeneath, tryOpenAt } from "../../../src/sys/open.ts";
import { readFileAt } from "../../../src/sys/read-file.ts";
import { sameFile, statAt, statFd } from "../../../src/sys/stat.ts";

function stageFor(t: TestContext): { root: string; fd: number } {
  const home = mkdtempSync(path.join(os.tmpdir(), "regrow-open-"));
  const root = `${home}/root`;
  mkdirSync(`${root}/folder/deep`, { recursive: true });
  mkdirSync(`${home}/outside`);
  writeFileSync(`${root}/folder/file`, "inside\n");
  writeFileSync(`${home}/outside/file`, "outside\n");
  symlinkSync("../outside", `${root}/out`);
  symlinkSync(`${home}/outside`, `${root}/absolute`);
  symlinkSync("folder", `${root}/within`);
  symlinkSync("loop", `${root}/loop`);
  const fd = openAt(CWD, bytesOf(root), O.RDONLY | O.DIRECTORY);
  t.after(() => {
    closeFd(fd);
    rmSync(home, { recursive: true, force: true });
  });
  return { root, fd };
}

const p = (text: string): ByteString => text as ByteString;

test("what lies beneath is opened, the empty path is the folder itself", (t) => {
  const { root, fd } = stageFor(t);
  for (const name of ["folder/file", "folder/./file", "folder//file", "folder/deep/../file"]) {
    const file = openBeneath(fd, p(name), O.RDONLY);
    assert.ok(sameFile(statFd(file), statAt(CWD, bytesOf(`${root}/folder/file`))), name);
    closeFd(file);
  }
  const self = openBeneath(fd, p(""), O.RDONLY | O.DIRECTORY);
  assert.ok(sameFile(statFd(self), statFd(fd)));
  closeFd(self);
});

test("links, also harmless ones, and ways out are hostile", (t) => {
  const { fd } = stageFor(t);
  for (const name of [
    "out/file",
    "out",
    "absolute/file",
    "within/file",
    "loop",
    "..",
    "../outside/file",
    "folder/../../outside/file",
    "/etc/passwd",
  ]) {
    assert.throws(() => openBeneath(fd, p(name), O.RDONLY), { code: "hostile" }, name);
  }
  assert.throws(() => openBeneath(fd, p("folder/none"), O.RDONLY), { code: "not-found" });
  assert.throws(() => openBeneath(fd, p("folder/file/x"), O.RDONLY), { errno: "ENOTDIR" });
  assert.throws(() => openBeneath(fd, p("a\0b"), O.RDONLY), { code: "hostile" });
});

test("paths of more than 4096 bytes, 500 folders deep; links and ways out there too", (t) => {
  const { root, fd } = stageFor(t);
  const names = Array.from({ length: 500 }, (_, level) => `level-${level}-${"x".repeat(20)}`);
  let at = duplicateFd(fd);
  for (const name of names) {
    makeDirAt(at, name);
    const next = openAt(at, name, O.RDONLY | O.DIRECTORY);
    closeFd(at);
    at = next;
  }
  closeFd(openAt(at, "file", O.WRONLY | O.CREAT));
  const deep = names.join("/");
  assert.ok(deep.length > 10_000);
  const file = openBeneath(fd, p(`${deep}/file`), O.RDONLY);
  assert.ok(sameFile(statFd(file), statAt(at, "file")));
  closeFd(file);
  closeFd(at);
  for (const up of [499, 501, 520]) {
    assert.throws(() => openBeneath(fd, p(`${deep}/${"../".repeat(up)}out/file`), O.RDONLY), { code: "hostile" }, `${up} up`);
  }
  assert.throws(() => openBeneath(fd, p(`${"n".repeat(5000)}/x`), O.RDONLY), { errno: "ENAMETOOLONG" });
  // A link high above, met by the first piece of a long path.
  renameSync(`${root}/${names[0]}`, `${root}/moved`);
  symlinkSync("moved", `${root}/${names[0]}`);
  assert.throws(() => openBeneath(fd, p(`${deep}/file`), O.RDONLY), { code: "hostile" });
  removeTreeAt(fd, "moved");
  assert.equal(tryOpenAt(fd, "moved", O.RDONLY), -1);
});

test("names are bytes", (t) => {
  const { fd } = stageFor(t);
  for (const name of ["bad\xff", bytesOf("grün"), "a\nb", "\x01"]) {
    closeFd(openAt(fd, p(name), O.WRONLY | O.CREAT | O.EXCL));
    closeFd(openBeneath(fd, p(name), O.RDONLY));
  }
});

test("a folder, FIFO or device in a file's place is refused at once", { timeout: 10_000 }, async (t) => {
  const { root, fd } = stageFor(t);
  const { execFileSync } = await import("node:child_process");
  execFileSync("mkfifo", [`${root}/fifo`]);
  symlinkSync("/dev/zero", `${root}/zero`);
  assert.throws(() => readFileAt(fd, "folder"), { errno: "EISDIR" });
  assert.throws(() => readFileAt(fd, "fifo"), { code: "corrupt" });
  assert.throws(() => readFileAt(fd, "zero"), { code: "corrupt" });
  assert.throws(() => readFileAt(fd, "folder/file", 3), { code: "corrupt" });
  assert.equal(readFileAt(fd, "folder/file", 7).toString(), "inside\n");
});
