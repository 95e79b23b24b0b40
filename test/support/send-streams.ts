/** Streams that the real `btrfs send` made, and the text that `btrfs receive --dump` would show for the parts of a stream. */
import { readFileSync } from "node:fs";
import { RegrowError } from "../../src/base/errors.ts";
import type { SendCommand, StreamPart, StreamTime } from "../../src/codec/btrfs-send/command.ts";
import { openStreamReader } from "../../src/codec/btrfs-send/read-stream.ts";

export interface MadeStream {
  readonly name: string;
  readonly data: Buffer;
  /** What btrfs-progs says of the first stream in it, a line a command. */
  readonly dump: readonly string[];
}

/** Made by test/unit/codec/btrfs-send/make-streams.sh. */
export function madeStreams(): MadeStream[] {
  const file = new URL("../unit/codec/btrfs-send/streams.json", import.meta.url);
  const made = JSON.parse(readFileSync(file, "utf8")) as { name: string; base64: string; dump: string[] }[];
  return made.map(({ name, base64, dump }) => ({ name, dump, data: Buffer.from(base64, "base64") }));
}

/** All parts, the data copied. `cuts` are the lengths of the chunks, the last one repeated; by default one chunk. */
export function partsOf(data: Uint8Array, cuts: readonly number[] = [Math.max(1, data.length)]): StreamPart[] {
  const parts: StreamPart[] = [];
  const reader = openStreamReader((part) => parts.push(structuredClone(part)));
  for (let at = 0, index = 0; at < data.length; index++) {
    const length = cuts[Math.min(index, cuts.length - 1)]!;
    // A chunk of its own, so that nothing can be read beyond it.
    reader.push(Uint8Array.prototype.slice.call(data, at, at + length));
    at += length;
  }
  reader.end();
  return parts;
}

/** The parts, or the code of the refusal. Any other error is thrown on. */
export function partsOrCode(data: Uint8Array): StreamPart[] | string {
  try {
    return partsOf(data);
  } catch (error) {
    if (error instanceof RegrowError && ["corrupt", "hostile", "unsupported"].includes(error.code)) return error.code;
    throw error;
  }
}

/** A line as btrfs-progs 6.2 prints it, with single spaces. */
export function dumpLine(command: SendCommand, subvolume: string): string {
  const name = command.kind.replaceAll("-", "_");
  if (command.kind === "end") return name;
  const isTop = command.kind === "subvol" || command.kind === "snapshot";
  const path = isTop ? `./${escaped(command.path)}` : `./${escaped(subvolume)}/${escaped(command.path)}`;
  return [name, path, ...detailsOf(command, subvolume)].join(" ");
}

function detailsOf(command: Exclude<SendCommand, { kind: "end" }>, subvolume: string): string[] {
  switch (command.kind) {
    case "subvol":
      return [`uuid=${uuid(command.uuid)}`, `transid=${command.ctransid}`];
    case "snapshot":
      return [
        `uuid=${uuid(command.uuid)}`,
        `transid=${command.ctransid}`,
        `parent_uuid=${uuid(command.cloneUuid)}`,
        `parent_transid=${command.cloneCtransid}`,
      ];
    case "mkfile":
    case "mkdir":
    case "mkfifo":
    case "mksock":
    case "unlink":
    case "rmdir":
      return [];
    case "mknod":
      return [`mode=${command.mode.toString(8)}`, `dev=0x${command.rdev.toString(16)}`];
    case "symlink":
      return [`dest=${escaped(command.target)}`];
    case "rename":
      return [`dest=./${escaped(subvolume)}/${escaped(command.to)}`];
    case "link":
      return [`dest=${escaped(command.existing)}`];
    case "set-xattr":
      return [`name=${command.name}`, `data=${escaped(latin1(command.value))}`, `len=${command.value.length}`];
    case "remove-xattr":
      return [`name=${command.name}`];
    case "write":
      return [`offset=${command.offset}`, `len=${command.data.length}`];
    case "clone":
      return [
        `offset=${command.offset}`,
        `len=${command.length}`,
        `from=./${escaped(subvolume)}/${escaped(command.clonePath)}`,
        `clone_offset=${command.cloneOffset}`,
      ];
    case "truncate":
      return [`size=${command.size}`];
    case "chmod":
      return [`mode=${command.mode.toString(8)}`];
    case "chown":
      return [`gid=${command.gid}`, `uid=${command.uid}`];
    case "utimes":
      return [`atime=${time(command.atime)}`, `mtime=${time(command.mtime)}`, `ctime=${time(command.ctime)}`];
    case "update-extent":
      return [`offset=${command.offset}`, `len=${command.size}`];
    case "fallocate":
      return [`mode=${command.mode}`, `offset=${command.offset}`, `len=${command.size}`];
    case "fileattr":
      return [`fileattr=0x${command.flags.toString(16)}`];
    case "encoded-write":
      return [
        `offset=${command.offset}`,
        `len=${command.data.length},`,
        `unencoded_file_len=${command.unencodedFileLength},`,
        `unencoded_len=${command.unencodedLength},`,
        `unencoded_offset=${command.unencodedOffset},`,
        `compression=${command.compression ?? 0},`,
        `encryption=${command.encryption ?? 0}`,
      ];
    case "enable-verity":
      return [`algorithm=${command.algorithm}`];
  }
}

function latin1(data: Uint8Array): string {
  return Buffer.from(data).toString("latin1");
}

function uuid(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function time({ seconds }: StreamTime): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "+0000");
}

const SHORT: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\x1b": "\\e",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function escaped(text: string): string {
  return text.replace(/[^!-[\]-~]/g, (character) => {
    if (character === " " || character === "\\") return `\\${character}`;
    return SHORT[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
}
