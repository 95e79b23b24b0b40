/** Damaged copies of bytes: cut at every length, every bit turned, bytes put in, taken out, doubled, set to extremes. */
import { randomSource } from "./property.ts";

export interface Damaged {
  /** Such as `cut at 12` or `bit 5 of byte 3`. */
  readonly what: string;
  readonly data: Buffer;
}

/** At most about `most` copies, all cuts and bit flips where they fit, else some of them, and as many random ones again. */
export function* damagedCopies(data: Buffer, most: number, salt = 1): Generator<Damaged> {
  const random = randomSource(salt);
  const cuts = data.length <= most / 2 ? indices(data.length) : some(most / 2, () => random(data.length));
  for (const end of cuts) yield { what: `cut at ${end}`, data: Buffer.from(data.subarray(0, end)) };
  const bits = data.length * 8 <= most / 2 ? indices(data.length * 8) : some(most / 2, () => random(data.length * 8));
  for (const bit of bits) {
    const copy = Buffer.from(data);
    copy[bit >> 3]! ^= 1 << (bit & 7);
    yield { what: `bit ${bit & 7} of byte ${bit >> 3}`, data: copy };
  }
  for (let count = 0; count < most; count++) yield randomDamage(data, random);
}

function randomDamage(data: Buffer, random: (limit: number) => number): Damaged {
  const at = random(data.length + 1);
  const length = 1 + random(8);
  const extreme = [0x00, 0x01, 0x7f, 0x80, 0xff][random(5)]!;
  const kind = random(4);
  const before = data.subarray(0, at);
  if (kind === 0) return { what: `${length} bytes less at ${at}`, data: Buffer.concat([before, data.subarray(at + length)]) };
  if (kind === 1) {
    const more = Buffer.alloc(random(40) === 0 ? 70_000 : length, extreme);
    return { what: `${more.length} bytes of ${extreme} more at ${at}`, data: Buffer.concat([before, more, data.subarray(at)]) };
  }
  if (kind === 2) {
    const same = Buffer.alloc(Math.min(length, data.length - at), extreme);
    return { what: `${length} bytes of ${extreme} at ${at}`, data: Buffer.concat([before, same, data.subarray(at + length)]) };
  }
  const from = random(data.length + 1);
  const piece = data.subarray(from, from + length);
  return { what: `bytes of ${from} again at ${at}`, data: Buffer.concat([before, piece, data.subarray(at)]) };
}

function* indices(count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield index;
}

function* some(count: number, next: () => number): Generator<number> {
  for (let made = 0; made < count; made++) yield next();
}
