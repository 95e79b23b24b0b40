/** What packs and unpacks data that is in memory as a whole, and what is wrong with data, in the same words whatever unpacks it. */
import { RegrowError } from "../base/errors.ts";

export interface DeflateEngine {
  /** The header, and behind it `data` as raw deflate; the level is 1 to 9. Valid until the next call on this thread. */
  deflate(header: Buffer, data: Buffer, level: number): Buffer;
  /**
   * Exactly `size` bytes, in `room` where it is given and the engine can use it; it is large enough. Throws `corrupt` where the stream
   * is broken, holds another count, or ends before `data` does.
   */
  inflate(data: Buffer, size: number, room?: Buffer): Buffer;
}

/** Deflate can't unpack to more: 258 bytes take 2 bits at the least. */
export const MOST_GROWTH = 1032;

export function trailingBytes(): RegrowError {
  return new RegrowError("corrupt", "Bytes stand after the end of the compressed data.");
}

export function wrongSize(): RegrowError {
  return new RegrowError("corrupt", "The compressed data holds another count of bytes than its header says.");
}

export function brokenData(cause?: unknown): RegrowError {
  return new RegrowError("corrupt", "The compressed data is broken.", { cause });
}
