/** The archive as blocks of 512 bytes: an end anywhere but between two of them means that it was cut short. */
import type { ByteReader } from "./byte-reader.ts";
import { type Place, corruptTar } from "./corrupt.ts";
import { BLOCK, paddingOf } from "./entry.ts";

const ZEROS = Buffer.alloc(BLOCK);

/** The next block, or undefined where the archive ends before it. Throws `corrupt` where it ends within it. */
export async function readBlock(bytes: ByteReader): Promise<Buffer | undefined> {
  const offset = bytes.offset;
  const block = await bytes.read(BLOCK);
  if (block.length === 0) return undefined;
  if (block.length < BLOCK) throw cutShort({ offset });
  return block;
}

/** The next block of something that must go on. */
export async function needBlock(bytes: ByteReader, place: Place): Promise<Buffer> {
  const block = await readBlock(bytes);
  if (block === undefined) throw cutShort(place);
  return block;
}

/** `length` bytes and the padding behind them; `length` must have been checked against a limit. */
export async function readPadded(bytes: ByteReader, length: number, place: Place): Promise<Buffer> {
  const data = await bytes.read(length + paddingOf(length));
  if (data.length < length + paddingOf(length)) throw cutShort(place);
  return data.subarray(0, length);
}

export async function skipBytes(bytes: ByteReader, length: number, place: Place): Promise<void> {
  for (let left = length; left > 0;) {
    const part = await bytes.readSome(left);
    if (part === undefined) throw cutShort(place);
    left -= part.length;
  }
}

export function isZeroBlock(block: Buffer): boolean {
  return block.equals(ZEROS);
}

export function cutShort(place: Place): Error {
  return corruptTar(place, "the archive ends in the middle of an entry");
}
