/**
 * Reading tar archives, as a stream: v7, ustar, old GNU, GNU and PAX, with long names, sparse files and extended attributes, as GNU
 * tar, bsdtar and Python's tarfile write them. Memory is bounded by the limits in entry.ts, time by the length of the input.
 */
import { openBytes } from "./byte-reader.ts";
import { openContent } from "./content.ts";
import { decodeEntry } from "./decode-entry.ts";
import type { TarEntry } from "./entry.ts";
import { readMember } from "./member.ts";
import { emptyPaxFields } from "./pax-fields.ts";
import { readShape } from "./shape.ts";

export interface ReadTarOptions {
  /**
   * Takes an archive that just stops between two entries, without zero blocks, for one that was cut short. Off by
   * default, as in GNU tar: some archivers write no end.
   */
  readonly requireEnd?: boolean;
}

/**
 * The entries of an archive, in its order. An entry's content is read before the next entry is asked for, or is skipped. Behind
 * the end marker the source is read to its end and dropped, so that a decompressor gets to check its sum.
 *
 * Throws `corrupt`, with the entry and the offset, where the archive is damaged or was made to do harm, and `unsupported` for
 * multi-volume archives and types of entries that no common archiver writes.
 */
export async function* readTar(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const bytes = openBytes(source);
  const global = emptyPaxFields();
  try {
    for (;;) {
      const member = await readMember(bytes, global, options.requireEnd ?? false);
      if (member === undefined) break;
      const facts = decodeEntry(member);
      const place = { offset: member.header.offset, name: facts.name };
      const { stored, size, sparse } = await readShape(bytes, member, facts.type, place);
      const content = openContent(bytes, stored, place);
      try {
        // An incremental archive stores a list of names for a folder, which is no content.
        yield { ...facts, size, sparse, content: facts.type === "file" ? content.chunks : NOTHING };
      } finally {
        content.expire();
      }
      await content.skipRest();
    }
    while ((await bytes.readSome(Number.MAX_SAFE_INTEGER)) !== undefined);
  } finally {
    await bytes.close();
  }
}

const NOTHING: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};
