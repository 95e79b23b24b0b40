/** Streams that no honest sender makes, each with a right sum. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ByteString, bytesOf } from "../../../../src/base/byte-string.ts";
import type { SendCommand, StreamVersion } from "../../../../src/codec/btrfs-send/command.ts";
import { crc32c } from "../../../../src/codec/btrfs-send/crc32c.ts";
import { encodeCommand, encodeHeader } from "../../../../src/codec/btrfs-send/encode-command.ts";
import { partsOf } from "../../../support/send-streams.ts";

const UUID = "00112233445566778899aabbccddeeff";
const TOP: SendCommand = { kind: "subvol", path: bytesOf("s"), uuid: UUID, ctransid: 7 };
const PATH = 15;
const DATA = 19;

test("paths that lead elsewhere", () => {
  const paths = ["..", "../x", "a/../b", "a/..", "/etc/passwd", "/", ".", "./a", "a/./b", "a//b", "a/", "a\0b", ""];
  for (const path of paths) {
    refused("hostile", command(11, attribute(PATH, path)), JSON.stringify(path));
    refused("hostile", command(9, attribute(PATH, "a"), attribute(16, path)), JSON.stringify(path));
    refused("hostile", command(10, attribute(PATH, "a"), attribute(17, path)), JSON.stringify(path));
  }
  for (const path of ["..a", "...", "a..", ".a", "a b", "\xff"]) {
    assert.equal(partsOf(stream(command(11, attribute(PATH, path)))).length, 4);
  }
});

test("a subvolume's name that is a path", () => {
  for (const name of ["a/b", "..", "", "/a", "a\0"]) {
    const top = command(1, attribute(PATH, name), attribute(1, Buffer.alloc(16)), attribute(2, Buffer.alloc(8)));
    const data = Buffer.concat([encodeHeader(1), top, encodeCommand({ kind: "end" }, 1)]);
    assert.throws(() => partsOf(data), { code: "hostile" }, JSON.stringify(name));
  }
});

test("attributes that are missing, doubled, strange or of the wrong size", () => {
  refused("corrupt", command(11), "missing");
  refused("corrupt", command(18, attribute(PATH, "a")), "mode is missing");
  refused("corrupt", command(11, attribute(PATH, "a"), attribute(PATH, "a")), "doubled");
  refused("corrupt", command(11, attribute(PATH, "a"), attribute(5, Buffer.alloc(8))), "of another command");
  refused("unsupported", command(11, attribute(PATH, "a"), attribute(36, "x")), "unknown");
  refused("unsupported", command(11, attribute(0, ""), attribute(PATH, "a")), "number 0");
  refused("corrupt", command(18, attribute(PATH, "a"), attribute(5, Buffer.alloc(4))), "a short number");
  refused("corrupt", command(18, attribute(PATH, "a"), attribute(5, u64(0o200000))), "a mode that is too large");
  refused("corrupt", command(19, attribute(PATH, "a"), attribute(6, u64(2 ** 32)), attribute(7, u64(0))), "an owner");
  refused("unsupported", command(17, attribute(PATH, "a"), attribute(4, Buffer.alloc(8, 0xff))), "a size");
  refused("corrupt", command(11, attribute(PATH, "a".repeat(256))), "a long name");
  refused("corrupt", command(11, attribute(PATH, "a/".repeat(2100) + "a")), "a long path");
  refused("corrupt", command(11, attribute(PATH, "a").subarray(0, 4)), "an attribute beyond the command");
  refused("corrupt", command(11, attribute(PATH, "a"), Buffer.of(1)), "half an attribute");
  refused("corrupt", command(8, attribute(PATH, "a"), attribute(3, u64(1)), attribute(17, "")), "an empty target");
  refused("hostile", command(13, attribute(PATH, ""), attribute(13, "user.\0"), attribute(14, "")), "a NUL in a name");
});

test("times out of range and of other versions", () => {
  const times = (nanoseconds: number, ...codes: number[]): Buffer[] =>
    codes.map((code) => attribute(code, Buffer.concat([u64(1), Buffer.from(Uint32Array.of(nanoseconds).buffer)])));
  refused("corrupt", command(20, attribute(PATH, ""), ...times(1e9, 9, 10, 11)), "nanoseconds");
  refused("corrupt", command(20, attribute(PATH, ""), ...times(1, 9, 10, 11, 12)), "otime in version 1");
  refused("corrupt", command(20, attribute(PATH, ""), ...times(1, 9, 10, 11)), "no otime in version 2", 2);
  assert.equal(partsOf(stream(command(20, attribute(PATH, ""), ...times(1, 11, 9, 10)))).length, 4);
});

test("commands that are unknown, too new, too long or out of place", () => {
  refused("unsupported", command(27, attribute(PATH, "a")), "unknown");
  refused("unsupported", command(0), "number 0");
  refused("corrupt", command(24, attribute(PATH, "a"), attribute(26, u64(0))), "of version 2 in version 1");
  refused("corrupt", command(26, attribute(PATH, "a")), "of version 3 in version 2", 2);
  const long = Buffer.alloc(10);
  long.writeUInt32LE(0xffffffff);
  refused("corrupt", long, "too long");
  refused("corrupt", Buffer.from(command(11, attribute(PATH, "a")).map((byte, at) => (at === 12 ? 9 : byte))), "a wrong sum");
  assert.throws(() => partsOf(Buffer.concat([encodeHeader(1), encodeCommand({ kind: "end" }, 1)])), { code: "corrupt" });
  assert.throws(() => partsOf(Buffer.concat([encodeHeader(1), command(11, attribute(PATH, "a"))])), { code: "corrupt" });
});

test("headers", () => {
  assert.throws(() => partsOf(Buffer.alloc(0)), { code: "corrupt" });
  assert.throws(() => partsOf(Buffer.from("btrfs-stream\0\x04\0\0\0", "latin1")), { code: "unsupported" });
  assert.throws(() => partsOf(Buffer.from("btrfs-stream\0\0\0\0\0", "latin1")), { code: "unsupported" });
  assert.throws(() => partsOf(Buffer.from("btrfs-streem\0\x01\0\0\0", "latin1")), { code: "corrupt" });
  assert.throws(() => partsOf(Buffer.concat([stream(), Buffer.from("x")])), { code: "corrupt" });
  assert.throws(() => partsOf(Buffer.concat([stream(), stream().subarray(0, -10)])), { code: "corrupt" });
  assert.equal(partsOf(Buffer.concat([stream(), stream()])).length, 6);
});

test("data have no length from version 2 on, and come last", () => {
  const path = attribute(PATH, "a");
  const bare = Buffer.concat([Buffer.of(DATA, 0), Buffer.from("content")]);
  const [, , write] = partsOf(stream(command(15, path, attribute(18, u64(5)), bare), 2));
  assert.deepEqual(write, { kind: "write", path: "a", offset: 5, data: new Uint8Array(Buffer.from("content")) });
  refused("corrupt", command(15, path, bare, attribute(18, u64(5))), "data before the offset", 2);
});

test("what can't be read is not written", () => {
  const path = bytesOf("a");
  const bad: [string, SendCommand, StreamVersion][] = [
    ["hostile", { kind: "unlink", path: bytesOf("../a") }, 1],
    ["hostile", { kind: "unlink", path: "" as ByteString }, 1],
    ["unsupported", { kind: "fileattr", path, flags: 1 }, 1],
    ["unsupported", { kind: "write", path, offset: 0, data: Buffer.alloc(65536) }, 1],
    ["unsupported", { kind: "write", path, offset: 0, data: Buffer.alloc(2 ** 20) }, 2],
    ["corrupt", { kind: "chmod", path, mode: 0o1000000 }, 1],
    ["corrupt", { kind: "subvol", path, uuid: "00", ctransid: 1 }, 1],
  ];
  for (const [code, command, version] of bad) assert.throws(() => encodeCommand(command, version), { code }, command.kind);
  assert.ok(encodeCommand({ kind: "write", path, offset: 0, data: Buffer.alloc(65536) }, 2).length > 65536);
});

function refused(code: string, bytes: Buffer, what: string, version: StreamVersion = 1): void {
  assert.throws(() => partsOf(stream(bytes, version)), { name: "RegrowError", code }, what);
}

function stream(bytes: Buffer = Buffer.alloc(0), version: StreamVersion = 1): Buffer {
  return Buffer.concat([encodeHeader(version), encodeCommand(TOP, version), bytes, encodeCommand({ kind: "end" }, version)]);
}

function command(code: number, ...attributes: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(attributes);
  const header = Buffer.alloc(10);
  header.writeUInt32LE(payload.length);
  header.writeUInt16LE(code, 4);
  header.writeUInt32LE(crc32c(crc32c(0, header), payload), 6);
  return Buffer.concat([header, payload]);
}

function attribute(code: number, value: string | Buffer): Buffer {
  const data = typeof value === "string" ? Buffer.from(value, "latin1") : value;
  return Buffer.concat([Buffer.of(code & 0xff, code >> 8, data.length & 0xff, data.length >> 8), data]);
}

function u64(value: number): Buffer {
  const data = Buffer.alloc(8);
  data.writeBigUInt64LE(BigInt(value));
  return data;
}
