/**
 * How a file's content is laid into an archive. GNU tar begins each extent of a sparse file at a block of 512 bytes, bsdtar and
 * Python begin it where the one before ended. Extents of whole blocks are where they agree, so extents are widened into the holes around
 * them, with zeros, which is what a hole reads as.
 */
import type { TarExtent, TarWriteEntry } from "./entry.ts";
import { BLOCK, paddingOf } from "./entry.ts";
import { formatMap } from "./sparse-map.ts";

const NO_MAP = Buffer.alloc(0);

/** A run of bytes to store: from the content, or zeros. */
export interface Segment {
  readonly isData: boolean;
  readonly length: number;
}

export interface Layout {
  /** The text of the sparse map with its padding, empty for a file without holes. */
  readonly map: Buffer;
  readonly segments: Segment[];
  /** Bytes of the map and of all segments. */
  readonly stored: number;
}

export function layOut(entry: TarWriteEntry): Layout {
  const size = entry.size ?? 0;
  if (entry.sparse === undefined) return { map: NO_MAP, segments: [{ isData: true, length: size }], stored: size };
  const extents = entry.sparse.filter(({ length }) => length > 0);
  const widened = widenExtents(extents, size);
  const segments = segmentsOf(widened, extents);
  const hasHoles = size > 0 && widened[0]?.length !== size;
  const map = hasHoles ? encodeMap(widened, size) : NO_MAP;
  return { map, segments, stored: map.length + segments.reduce((sum, { length }) => sum + length, 0) };
}

/** The smallest whole blocks that cover the extents, those that touch made one; the last may end with the file. */
export function widenExtents(extents: readonly TarExtent[], size: number): TarExtent[] {
  const widened: TarExtent[] = [];
  for (const { offset, length } of extents) {
    const start = offset - (offset % BLOCK);
    const end = Math.min(offset + length + paddingOf(offset + length), size);
    const last = widened.at(-1);
    if (last !== undefined && start <= last.offset + last.length)
      widened[widened.length - 1] = { offset: last.offset, length: end - last.offset };
    else widened.push({ offset: start, length: end - start });
  }
  return widened;
}

function segmentsOf(widened: readonly TarExtent[], extents: readonly TarExtent[]): Segment[] {
  const segments: Segment[] = [];
  let next = 0;
  for (const wide of widened) {
    let at = wide.offset;
    const end = wide.offset + wide.length;
    for (; next < extents.length && extents[next]!.offset < end; next++) {
      const { offset, length } = extents[next]!;
      if (offset > at) segments.push({ isData: false, length: offset - at });
      segments.push({ isData: true, length });
      at = offset + length;
    }
    if (at < end) segments.push({ isData: false, length: end - at });
  }
  return segments;
}

// GNU tar learns the size of a file that ends in a hole from an empty extent at its end.
function encodeMap(widened: readonly TarExtent[], size: number): Buffer {
  const last = widened.at(-1);
  const isOpenEnded = last === undefined || last.offset + last.length < size;
  const text = formatMap(isOpenEnded ? [...widened, { offset: size, length: 0 }] : widened);
  return Buffer.concat([Buffer.from(text, "latin1"), Buffer.alloc(paddingOf(text.length))]);
}
