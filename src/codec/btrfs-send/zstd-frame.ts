/** The length of a zstd frame (RFC 8878, 3.1.1), for it is followed by filling that a decompressor would take for a second one. */
import { corruptStream } from "./failures.ts";

const MAGIC = 0xfd2fb528;
const RLE = 1;
const RESERVED = 3;
const DICTIONARY_ID = [0, 1, 2, 4];
const CONTENT_SIZE = [0, 2, 4, 8];

/** Bytes from the start of `data` to the end of the frame that begins there. Throws `corrupt`. */
export function zstdFrameLength(data: Buffer): number {
  if (data.length < 6 || data.readUInt32LE() !== MAGIC) throw corruptStream("compressed data are no zstd frame");
  const descriptor = data[4]!;
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const contentSize = sizeFlag === 0 && isSingle ? 1 : CONTENT_SIZE[sizeFlag]!;
  let at = 5 + (isSingle ? 0 : 1) + DICTIONARY_ID[descriptor & 3]! + contentSize;
  for (let isLast = false; !isLast;) {
    if (at + 3 > data.length) throw corruptStream("a zstd frame is cut short");
    const header = data.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    if (type === RESERVED) throw corruptStream("a zstd frame has a block of no known kind");
    at += 3 + (type === RLE ? 1 : header >> 3);
    isLast = (header & 1) !== 0;
  }
  const end = at + (descriptor & 4);
  if (end > data.length) throw corruptStream("a zstd frame is cut short");
  return end;
}
