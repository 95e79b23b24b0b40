/**
 * LZO as btrfs stores it: u32 length of all, then for each sector of content u32 length and that many bytes of LZO1X. A length never
 * crosses a boundary of sectors; the bytes before it are padding.
 */
import { corruptStream } from "./failures.ts";

const LENGTH = 4;

/** The first `size` bytes, or all where there are fewer. Throws `corrupt`. */
export function unpackLzo(data: Buffer, size: number, sector: number): Buffer {
  if (data.length < LENGTH) throw damaged("no length");
  const total = data.readUInt32LE();
  if (total > data.length) throw damaged("more bytes than there are");
  const out = Buffer.alloc(size);
  let written = 0;
  for (let at = LENGTH; at < total && written < size;) {
    const left = sector - (at % sector);
    if (left < LENGTH) at += left;
    if (at + LENGTH > total) break;
    const length = data.readUInt32LE(at);
    at += LENGTH;
    if (length === 0 || at + length > total) throw damaged("a piece beyond the end");
    written += unpackPiece(data.subarray(at, at + length), out.subarray(written, Math.min(written + sector, size)));
    at += length;
  }
  return out.subarray(0, written);
}

/**
 * One piece of LZO1X into `out`; the count of bytes. Instructions copy literal bytes from the input or a match from the output
 * before; the last two bits of a match tell how many literals follow it.
 */
function unpackPiece(data: Buffer, out: Buffer): number {
  let at = 0;
  let to = 0;
  /** How many literals the instruction before has copied: 0 to 3, or 4 for a run. */
  let state = 0;

  function next(): number {
    if (at >= data.length) throw damaged("a piece that is too short");
    return data[at++]!;
  }

  function literals(count: number): void {
    if (at + count > data.length || to + count > out.length) throw damaged("literals beyond the end");
    data.copy(out, to, at, at + count);
    at += count;
    to += count;
  }

  function match(distance: number, length: number): void {
    if (distance > to || to + length > out.length) throw damaged("a match beyond the end");
    // Byte by byte: a match may overlap what it makes.
    for (let index = 0; index < length; index++, to++) out[to] = out[to - distance]!;
  }

  /** A length of which zero bytes stand for 255 each. */
  function longLength(base: number): number {
    let length = base;
    let byte = next();
    for (; byte === 0; byte = next()) length += 255;
    return length + byte;
  }

  const first = data[0] ?? 0;
  if (first > 17) {
    at++;
    literals(first - 17);
    state = first - 17 < 4 ? first - 17 : 4;
  }
  for (;;) {
    const code = next();
    if (code < 16 && state === 0) {
      literals(3 + (code === 0 ? longLength(15) : code));
      state = 4;
      continue;
    }
    let trailing = code & 3;
    if (code >= 64) {
      const distance = (next() << 3) + ((code >> 2) & 7) + 1;
      match(distance, (code >> 5) + 1);
    } else if (code >= 16) {
      const isFar = code < 32;
      const mask = isFar ? 7 : 31;
      const length = 2 + ((code & mask) === 0 ? longLength(mask) : code & mask);
      const word = next() | (next() << 8);
      trailing = word & 3;
      const distance = (word >> 2) + (isFar ? (code & 8) << 11 : 1);
      // The end of the piece: a far match with no distance.
      if (isFar && distance === 0) return to;
      match(isFar ? distance + 0x4000 : distance, length);
    } else {
      const distance = (next() << 2) + (code >> 2) + 1;
      if (state === 4) match(distance + 2048, 3);
      else match(distance, 2);
    }
    literals(trailing);
    state = trailing;
  }
}

function damaged(reason: string): Error {
  return corruptStream(`its LZO data have ${reason}`);
}
