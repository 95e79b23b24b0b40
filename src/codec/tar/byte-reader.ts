/**
 * A stream of chunks as bytes that can be asked for by number. It holds one chunk at a time and never more, however
 * the chunks are cut.
 */
export interface ByteReader {
  /** Bytes handed out so far. */
  readonly offset: number;
  /** One to `limit` bytes, a view into the source's chunk; undefined at the end. */
  readSome(limit: number): Promise<Uint8Array | undefined>;
  /** Exactly `length` bytes in a buffer of their own; fewer only where the source ends. */
  read(length: number): Promise<Buffer>;
  /** Tells the source that no more is wanted. */
  close(): Promise<void>;
}

export function openBytes(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): ByteReader {
  const chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array> =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let chunk: Uint8Array = new Uint8Array(0);
  let at = 0;
  let offset = 0;
  let ended = false;

  async function fill(): Promise<boolean> {
    while (at === chunk.length) {
      if (ended) return false;
      const next = await chunks.next();
      if (next.done) {
        ended = true;
        return false;
      }
      chunk = next.value;
      at = 0;
    }
    return true;
  }

  function take(limit: number): Uint8Array {
    const part = chunk.subarray(at, Math.min(chunk.length, at + limit));
    at += part.length;
    offset += part.length;
    return part;
  }

  return {
    get offset() {
      return offset;
    },
    async readSome(limit) {
      return (at < chunk.length || (await fill())) && limit > 0 ? take(limit) : undefined;
    },
    async read(length) {
      const buffer = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length && (at < chunk.length || (await fill()))) {
        const part = take(length - filled);
        buffer.set(part, filled);
        filled += part.length;
      }
      return buffer.subarray(0, filled);
    },
    async close() {
      if (ended) return;
      ended = true;
      chunk = new Uint8Array(0);
      at = 0;
      await chunks.return?.();
    },
  };
}
