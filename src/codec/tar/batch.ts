/** Small chunks gathered into larger ones, so that an archive of small files is not written 512 bytes at a time. */
const BATCH = 65536;

/** The same bytes in chunks of about 64 KiB; a chunk that is as large already is passed on as it is. */
export async function* batchChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let batch = Buffer.allocUnsafe(BATCH);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled > 0 && filled + chunk.length > BATCH) {
      yield batch.subarray(0, filled);
      // The one before is its taker's now.
      batch = Buffer.allocUnsafe(BATCH);
      filled = 0;
    }
    if (chunk.length >= BATCH) {
      yield chunk;
      continue;
    }
    batch.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled > 0) yield batch.subarray(0, filled);
}
