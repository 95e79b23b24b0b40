/** Streams with right sums that try to reach beyond the folder where they are unpacked: refused, and nothing outside is changed. */
import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { bytesOf } from "../../../../src/base/byte-string.ts";
import type { SendCommand } from "../../../../src/codec/btrfs-send/command.ts";
import { encodeCommand, encodeHeader } from "../../../../src/codec/btrfs-send/encode-command.ts";
import { type UnpackOptions, unpackStreams } from "../../../../src/volume/btrfs/unpack/unpack-streams.ts";
import { scratchFolder } from "../../../support/scratch.ts";

const UUID = "00112233445566778899aabbccddeeff";
const OTHER = "ffeeddccbbaa99887766554433221100";
const p = bytesOf;
const TIME = { seconds: 5, nanoseconds: 0 };

const symlink = (path: string, target: string): SendCommand => ({ kind: "symlink", path: p(path), ino: 1, target: p(target) });
const mkfile = (path: string): SendCommand => ({ kind: "mkfile", path: p(path), ino: 1 });
const write = (path: string): SendCommand => ({ kind: "write", path: p(path), offset: 0, data: Buffer.from("evil") });
const rename = (path: string, to: string): SendCommand => ({ kind: "rename", path: p(path), to: p(to) });

/** `OUT` stands for a folder outside with the file `file` and the folder `inner`. */
const ATTACKS: Record<string, (out: string) => SendCommand[]> = {
  "a file made through a link": (out) => [symlink("l", out), mkfile("l/new")],
  "a folder made through a link": (out) => [symlink("l", out), { kind: "mkdir", path: p("l/new"), ino: 1 }],
  "a file written through a link": (out) => [symlink("l", out), write("l/file")],
  "a link written to": (out) => [symlink("l", `${out}/file`), write("l")],
  "a link cut short": (out) => [symlink("l", `${out}/file`), { kind: "truncate", path: p("l"), size: 0 }],
  "a link's mode": (out) => [symlink("l", `${out}/file`), { kind: "chmod", path: p("l"), mode: 0o666 }],
  "a mode through a link": (out) => [symlink("l", out), { kind: "chmod", path: p("l/file"), mode: 0o666 }],
  "an owner through a link": (out) => [symlink("l", out), { kind: "chown", path: p("l/file"), uid: 1, gid: 1 }],
  "times through a link": (out) => [
    symlink("l", out),
    { kind: "utimes", path: p("l/file"), atime: TIME, mtime: TIME, ctime: TIME },
  ],
  "a file moved out": (out) => [symlink("l", out), mkfile("f"), rename("f", "l/f")],
  "a file moved in": (out) => [symlink("l", out), rename("l/file", "f")],
  "a hard link to the outside": (out) => [symlink("l", out), { kind: "link", path: p("f"), existing: p("l/file") }],
  "a hard link made outside": (out) => [symlink("l", out), mkfile("f"), { kind: "link", path: p("l/f"), existing: p("f") }],
  "a file removed outside": (out) => [symlink("l", out), { kind: "unlink", path: p("l/file") }],
  "a folder removed outside": (out) => [symlink("l", out), { kind: "rmdir", path: p("l/inner") }],
  "an attribute through a link": (out) => [
    symlink("l", out),
    { kind: "set-xattr", path: p("l/file"), name: p("user.x"), value: Buffer.of(1) },
  ],
  "content from the outside": (out) => [symlink("l", out), mkfile("f"), clone("f", "l/file")],
  "content of a link's target": (out) => [symlink("l", `${out}/file`), mkfile("f"), clone("f", "l")],
  "a folder that becomes a link": (out) => [
    { kind: "mkdir", path: p("d"), ino: 1 },
    mkfile("d/f"),
    rename("d", "e"),
    symlink("d", out),
    write("d/file"),
  ],
  "a folder that another link takes the place of": (out) => [
    { kind: "mkdir", path: p("d"), ino: 1 },
    { kind: "mkdir", path: p("d/inner"), ino: 1 },
    mkfile("d/inner/f"),
    { kind: "unlink", path: p("d/inner/f") },
    { kind: "rmdir", path: p("d/inner") },
    symlink("d/inner", out),
    mkfile("d/inner/f"),
  ],
};

for (const [name, attack] of Object.entries(ATTACKS)) {
  test(name, async (t) => {
    const { out, target, facts } = places(t);
    await assert.rejects(unpack(target, attack(out)), (error: { code: string }) => ["hostile", "system"].includes(error.code));
    assert.deepEqual(readdirSync(target), []);
    assert.equal(facts(), facts.before);
  });
}

test("a FIFO is not written to, which would wait for ever", { timeout: 20_000 }, async (t) => {
  const { target } = places(t);
  const fifo: SendCommand = { kind: "mkfifo", path: p("f"), ino: 1, rdev: 0, mode: 0o010600 };
  await assert.rejects(unpack(target, [fifo, write("f")]), { code: "hostile" });
  await assert.rejects(unpack(target, [fifo, mkfile("g"), clone("g", "f")]), { code: "hostile" });
});

test("a link in a base does not lead out of it", async (t) => {
  const { out, target, facts } = places(t);
  const base = scratchFolder(t);
  symlinkSync(out, `${base}/l`);
  writeFileSync(`${base}/good`, "good");
  const options = { findBase: (uuid: string) => (uuid === OTHER ? base : undefined) };
  await assert.rejects(unpack(target, [mkfile("f"), clone("f", "l/file", OTHER)], options), { code: "hostile" });
  await assert.rejects(unpack(target, [mkfile("f"), clone("f", "good", OTHER, 5)], options), { code: "corrupt" });
  await assert.rejects(unpack(target, [mkfile("f"), clone("f", "good", UUID.replace("0", "1"))], options), { code: "not-found" });
  assert.deepEqual(readdirSync(target), []);
  await unpack(target, [mkfile("f"), clone("f", "good", OTHER)], options);
  assert.equal(readFileSync(`${target}/s/f`, "utf8"), "good");
  assert.equal(facts(), facts.before);
});

test("compressed data that are none, or too many", async (t) => {
  const { target } = places(t);
  const encoded = (compression: number, data: Buffer, unencodedLength = 4): SendCommand[] => [
    mkfile("f"),
    {
      kind: "encoded-write",
      path: p("f"),
      offset: 0,
      unencodedFileLength: 4,
      unencodedLength,
      unencodedOffset: 0,
      compression,
      encryption: 0,
      data,
    },
  ];
  for (const compression of [1, 2, 3, 7]) {
    await assert.rejects(unpack(target, encoded(compression, Buffer.from("no such data at all")), {}, 2), { code: "corrupt" });
  }
  await assert.rejects(unpack(target, encoded(8, Buffer.alloc(9)), {}, 2), { code: "unsupported" });
  await assert.rejects(unpack(target, encoded(0, Buffer.alloc(4), 2 ** 40), {}, 2), { code: "corrupt" });
  await assert.rejects(unpack(target, encoded(0, Buffer.alloc(4), 3), {}, 2), { code: "corrupt" });
  assert.deepEqual(readdirSync(target), []);
});

function clone(path: string, clonePath: string, cloneUuid = UUID, length = 4): SendCommand {
  return {
    kind: "clone",
    path: p(path),
    offset: 0,
    length,
    cloneUuid,
    cloneCtransid: 7,
    clonePath: p(clonePath),
    cloneOffset: 0,
  };
}

function unpack(
  target: string,
  commands: readonly SendCommand[],
  options: UnpackOptions = {},
  version: 1 | 2 = 1,
): Promise<unknown> {
  const all: SendCommand[] = [{ kind: "subvol", path: p("s"), uuid: UUID, ctransid: 7 }, ...commands, { kind: "end" }];
  const bytes = [encodeHeader(version), ...all.map((command) => encodeCommand(command, version))];
  return unpackStreams(piecesOf(bytes), target, options);
}

async function* piecesOf(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}

function places(t: TestContext): { out: string; target: string; facts: { (): string; before: string } } {
  const [out, target] = [scratchFolder(t), scratchFolder(t)];
  writeFileSync(`${out}/file`, "precious");
  mkdirSync(`${out}/inner`);
  const facts = (): string => {
    const { mode, uid, mtimeMs, nlink } = lstatSync(`${out}/file`);
    return JSON.stringify([readdirSync(out), readFileSync(`${out}/file`, "utf8"), mode, uid, mtimeMs, nlink]);
  };
  return { out, target, facts: Object.assign(facts, { before: facts() }) };
}
