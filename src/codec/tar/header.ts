/**
 * The header block of an entry, as read. Fields that most types have no use for are decoded when they are asked for, so that
 * rubbish in them harms nobody.
 *
 *     0 name 100 · 100 mode 8 · 108 uid 8 · 116 gid 8 · 124 size 12 · 136 mtime 12 · 148 checksum 8 · 156 type 1
 *     157 linkname 100 · 257 magic 6 · 263 version 2 · 265 uname 32 · 297 gname 32 · 329 devmajor 8 · 337 devminor 8
 *     345 prefix 155 (POSIX.1-1988 "ustar"; GNU tar keeps other things there)
 */
import { type ByteString, bytesFromBuffer, joinBytes } from "../../base/byte-string.ts";
import { type Place, corruptTar } from "./corrupt.ts";
import { parseHeaderNumber } from "./header-numbers.ts";

export interface Header {
  /** Where its block begins in the archive. */
  readonly offset: number;
  readonly block: Buffer;
  /** One character; NUL for the oldest archives' files. */
  readonly typeFlag: string;
  /** With the prefix, where the format has one. */
  readonly name: ByteString;
  readonly linkName: ByteString;
}

const MAGIC = 257;

export type HeaderNumber = keyof typeof NUMBERS;

const NUMBERS = {
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  devMajor: [329, 8],
  devMinor: [337, 8],
} as const;

/** Throws `corrupt` where the block's checksum is wrong. */
export function decodeHeader(block: Buffer, offset: number): Header {
  if (!hasRightChecksum(block)) throw corruptTar({ offset }, "the checksum of the header is wrong");
  const name = textAt(block, 0, 100);
  return {
    offset,
    block,
    typeFlag: String.fromCharCode(block[156]!),
    name: block.toString("latin1", MAGIC, MAGIC + 6) === "ustar\0" ? joinBytes(textAt(block, 345, 155), name) : name,
    linkName: textAt(block, 157, 100),
  };
}

/** A number of the header. Throws `corrupt` where the field holds none. */
export function headerNumber(header: Header, field: HeaderNumber, place: Place): number {
  const [start, width] = NUMBERS[field];
  const value = parseHeaderNumber(header.block.subarray(start, start + width));
  if (value === undefined) throw corruptTar(place, `the header's ${field} is not a number that can be used`);
  return value;
}

/** Whether the header is of the first kind, from before 1988, which knows no devices. */
export function isV7(header: Header): boolean {
  return header.block.toString("latin1", MAGIC, MAGIC + 5) !== "ustar";
}

function textAt(block: Buffer, start: number, width: number): ByteString {
  const end = block.indexOf(0, start);
  return bytesFromBuffer(block, start, end < 0 || end > start + width ? start + width : end);
}

// The sum of all bytes with the checksum's own taken as spaces. Old archivers summed signed characters.
function hasRightChecksum(block: Buffer): boolean {
  const stored = parseHeaderNumber(block.subarray(148, 156));
  let sum = 8 * 0x20;
  let negatives = 0;
  for (let at = 0; at < block.length; at++) {
    if (at === 148) at = 156;
    const byte = block[at]!;
    sum += byte;
    if (byte >= 0x80) negatives++;
  }
  return stored === sum || stored === sum - 256 * negatives;
}
