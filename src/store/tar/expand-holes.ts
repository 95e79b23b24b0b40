/** A sparse file as a program reads it: its data, and zeroes in its holes. An archive, and this, hold only the data. */
import type { Stretch } from "../../codec/sidecar/folder-record.ts";

const ZEROES = Buffer.alloc(1024 * 1024);
/** Pieces of zeroes after which others have their turn. */
const YIELD_EVERY = 64;

/** `stretches` are in order, within `size`, and together as long as `data`. A piece is valid until the next one is asked for. */
export async function* expandHoles(
  data: AsyncIterable<Uint8Array>,
  size: number,
  stretches: readonly Stretch[],
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = 0;
  let index = 0;
  for await (const chunk of data) {
    for (let taken = 0; taken < chunk.length;) {
      const { offset, length } = stretches[index]!;
      yield* zeroes(offset - position);
      position = Math.max(position, offset);
      const part = chunk.subarray(taken, taken + offset + length - position);
      yield part;
      taken += part.length;
      position += part.length;
      if (position === offset + length) index++;
    }
  }
  yield* zeroes(size - position);
}

/** The same stretches with those that touch made one; undefined where they leave no hole. */
export function joinStretches(stretches: readonly Stretch[], size: number): readonly Stretch[] | undefined {
  const joined: Stretch[] = [];
  for (const { offset, length } of stretches) {
    const last = joined.at(-1);
    if (last !== undefined && last.offset + last.length === offset)
      joined[joined.length - 1] = { offset: last.offset, length: last.length + length };
    else joined.push({ offset, length });
  }
  const isWhole = size === 0 || (joined.length === 1 && joined[0]!.length === size);
  return isWhole ? undefined : joined;
}

async function* zeroes(length: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = length, pieces = 1; left > 0; left -= ZEROES.length, pieces++) {
    yield ZEROES.subarray(0, left);
    if (pieces % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
