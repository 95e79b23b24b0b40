/**
 * Sparse maps: where a sparse file has data. A map that leaves here is in order, without overlap, within the file, and has
 * exactly the bytes that are stored; it has no empty extents (GNU tar ends its maps with one).
 *
 * Four ways of writing them are read (GNU tar's manual, "Storing Sparse Files"): in the header and blocks behind it (old GNU, type
 * `S`), and in PAX headers 0.0 (repeated keys), 0.1 (`GNU.sparse.map`), 1.0 (in front of the data). 1.0 is written.
 */
import type { ByteReader } from "./byte-reader.ts";
import { needBlock } from "./blocks.ts";
import { type Place, corruptTar } from "./corrupt.ts";
import { BLOCK, MOST_EXTENTS, type TarExtent } from "./entry.ts";
import type { Header } from "./header.ts";
import { parseHeaderNumber } from "./header-numbers.ts";
import { parsePaxInteger } from "./pax-fields.ts";

const LONGEST_INTEGER = 20;
const NEWLINE = 0x0a;

/** Throws `corrupt` unless the extents are a map of `stored` bytes within a file of `size` bytes. */
export function checkExtents(extents: readonly TarExtent[], size: number, stored: number, place: Place): TarExtent[] {
  let end = 0;
  let total = 0;
  for (const { offset, length } of extents) {
    if (offset < end) throw corruptTar(place, "the sparse map is out of order or overlaps");
    if (length > size || offset > size - length) throw corruptTar(place, "the sparse map reaches beyond the end of the file");
    end = offset + length;
    total += length;
  }
  if (total !== stored) throw corruptTar(place, `the sparse map has ${total} bytes of data and the archive ${stored}`);
  return extents.filter(({ length }) => length > 0);
}

/** From offsets and lengths in turn, as PAX 0.0 and 0.1 write them. */
export function extentsFromPairs(numbers: readonly string[], place: Place): TarExtent[] {
  if (numbers.length % 2 !== 0) throw corruptTar(place, "the sparse map has an offset without its length");
  const values = numbers.map((text) => parsePaxInteger(text, "the sparse map", place));
  return pairUp(values);
}

/** Of an old GNU header: four extents in it, the others in blocks of 21 that follow it at once. */
export async function readOldGnuMap(
  bytes: ByteReader,
  header: Header,
  place: Place,
): Promise<{ extents: TarExtent[]; size: number }> {
  const size = fieldNumber(header.block, 483, place);
  const extents = extentsInBlock(header.block, 386, 4, place);
  for (let isExtended = header.block[482] !== 0; isExtended;) {
    const block = await needBlock(bytes, place);
    extents.push(...extentsInBlock(block, 0, 21, place));
    if (extents.length > MOST_EXTENTS) throw tooMany(place);
    isExtended = block[504] !== 0;
  }
  return { extents, size };
}

/** Of PAX 1.0: decimal numbers, a line each, in front of the data: how many extents, then their offsets and lengths. */
export async function readMapInData(
  bytes: ByteReader,
  stored: number,
  place: Place,
): Promise<{ extents: TarExtent[]; mapBytes: number }> {
  const numbers: number[] = [];
  let text = "";
  let mapBytes = 0;
  for (let wanted = 1; numbers.length < wanted;) {
    mapBytes += BLOCK;
    if (mapBytes > stored) throw corruptTar(place, "the sparse map is larger than what is stored");
    const block = await needBlock(bytes, place);
    for (let at = 0; at < block.length && numbers.length < wanted; at++) {
      if (block[at] !== NEWLINE) {
        text += String.fromCharCode(block[at]!);
        if (text.length > LONGEST_INTEGER) throw corruptTar(place, "the sparse map is not a list of numbers");
        continue;
      }
      numbers.push(parsePaxInteger(text, "the sparse map", place));
      text = "";
      if (numbers.length === 1) wanted = 1 + 2 * numbers[0]!;
      if (wanted > 1 + 2 * MOST_EXTENTS) throw tooMany(place);
    }
  }
  return { extents: pairUp(numbers.slice(1)), mapBytes };
}

/** The text that PAX 1.0 puts in front of the data, without padding. */
export function formatMap(extents: readonly TarExtent[]): string {
  return `${extents.length}\n${extents.map(({ offset, length }) => `${offset}\n${length}\n`).join("")}`;
}

function extentsInBlock(block: Buffer, start: number, count: number, place: Place): TarExtent[] {
  const extents: TarExtent[] = [];
  for (let at = start; at < start + 24 * count && block[at + 12] !== 0; at += 24) {
    extents.push({ offset: fieldNumber(block, at, place), length: fieldNumber(block, at + 12, place) });
  }
  return extents;
}

function fieldNumber(block: Buffer, at: number, place: Place): number {
  const value = parseHeaderNumber(block.subarray(at, at + 12));
  if (value === undefined || value < 0)
    throw corruptTar(place, "the sparse map has something that is not a number that can be used");
  return value;
}

function pairUp(numbers: readonly number[]): TarExtent[] {
  const extents: TarExtent[] = [];
  for (let at = 0; at < numbers.length; at += 2) extents.push({ offset: numbers[at]!, length: numbers[at + 1]! });
  return extents;
}

function tooMany(place: Place): Error {
  return corruptTar(place, `the sparse map has more than ${MOST_EXTENTS} extents`);
}
