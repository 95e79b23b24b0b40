/** The stored bytes of one entry, for as long as the entry is the current one; after that they are gone, and asking for them fails. */
import { RegrowError } from "../../base/errors.ts";
import { cutShort, skipBytes } from "./blocks.ts";
import type { ByteReader } from "./byte-reader.ts";
import { type Place, shown } from "./corrupt.ts";
import { paddingOf } from "./entry.ts";

export interface Content {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** From now on asking for bytes fails. */
  expire(): void;
  /** Passes over what nobody asked for, up to the next header. */
  skipRest(): Promise<void>;
}

/** The next `stored` bytes. Throws `corrupt` where the archive ends before, `refused` once it has expired. */
export function openContent(bytes: ByteReader, stored: number, place: Place): Content {
  let left = stored;
  let isExpired = false;
  let latest: Promise<IteratorResult<Uint8Array, undefined>> | undefined;

  async function nextPart(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (isExpired) throw new RegrowError("refused", `${shown(place.name!)}: its content was asked for after the next entry.`);
    if (left === 0) return { done: true, value: undefined };
    const part = await bytes.readSome(left);
    if (part === undefined) throw cutShort(place);
    left -= part.length;
    return { done: false, value: part };
  }

  function next(): Promise<IteratorResult<Uint8Array, undefined>> {
    latest = latest === undefined ? nextPart() : latest.then(nextPart);
    return latest;
  }

  return {
    chunks: { [Symbol.asyncIterator]: () => ({ next }) },
    expire() {
      isExpired = true;
    },
    async skipRest() {
      await latest;
      await skipBytes(bytes, left + paddingOf(stored), place);
    },
  };
}
