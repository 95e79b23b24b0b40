/**
 * Writing tar archives, as a stream: ustar where it fits and PAX where it doesn't, so that everything that reads PAX gets all, and
 * everything else as much as it can. The same entries always give the same bytes.
 */
import { RegrowError } from "../../base/errors.ts";
import { batchChunks } from "./batch.ts";
import { type ByteReader, openBytes } from "./byte-reader.ts";
import { checkEntry } from "./check-entry.ts";
import { shown } from "./corrupt.ts";
import { encodeEntryHeaders } from "./encode-entry.ts";
import { BLOCK, type TarWriteEntry, paddingOf } from "./entry.ts";
import { type Layout, type Segment, layOut } from "./layout.ts";

const ZEROS = Buffer.alloc(2 * BLOCK);

/**
 * The archive of these entries, in their order, ended by two zero blocks. A chunk of it is to be used before the next one is asked for.
 *
 * Throws `unsupported` for an entry that an archive can't hold, and `torn` for a content that is shorter or longer than
 * the entry says: the archive is then unfinished and to be thrown away.
 */
export async function* writeTar(
  entries: AsyncIterable<TarWriteEntry> | Iterable<TarWriteEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* batchChunks(writeEntries(entries));
}

async function* writeEntries(
  entries: AsyncIterable<TarWriteEntry> | Iterable<TarWriteEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const entry of entries) {
    checkEntry(entry);
    const layout = layOut(entry);
    yield encodeEntryHeaders(entry, layout.stored, layout.map.length > 0);
    if (entry.type === "file") yield* writeFile(entry, layout);
  }
  yield ZEROS;
}

async function* writeFile(entry: TarWriteEntry, layout: Layout): AsyncGenerator<Uint8Array, void, undefined> {
  const content = openBytes(entry.content ?? []);
  try {
    yield layout.map;
    for (const segment of layout.segments) yield* writeSegment(entry, content, segment);
    if ((await content.readSome(1)) !== undefined) throw torn(entry, "longer");
  } finally {
    await content.close();
  }
  yield ZEROS.subarray(0, paddingOf(layout.stored));
}

async function* writeSegment(
  entry: TarWriteEntry,
  content: ByteReader,
  segment: Segment,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = segment.length; left > 0;) {
    const part = segment.isData ? await content.readSome(left) : ZEROS.subarray(0, left);
    if (part === undefined) throw torn(entry, "shorter");
    left -= part.length;
    yield part;
  }
}

function torn(entry: TarWriteEntry, how: string): RegrowError {
  return new RegrowError("torn", `${shown(entry.name)}: its content is ${how} than the size that was announced.`, {
    path: shown(entry.name),
    hint: "It changed while it was read: read it from a snapshot, or try again.",
  });
}
