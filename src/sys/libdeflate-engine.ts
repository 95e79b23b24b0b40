/**
 * Raw deflate by libdeflate (libdeflate.h), which packs and unpacks about twice as fast as zlib. It is a library of its own,
 * so there may be none: then `zlib-engine.ts` does the work.
 */
import { type DeflateEngine, MOST_GROWTH } from "./deflate-engine.ts";
import { type Library, tryLoadLibrary } from "./native.ts";
import { makeScratch } from "./scratch.ts";
import { zlibEngine } from "./zlib-engine.ts";

/** Its name as a shared library, and as a part of the executable. */
const NAME = "libdeflate.so.0";

/**
 * libdeflate's level for each of zlib's: the fastest one that packs a Debian system as small as zlib does (at 6 to a hundredth of
 * a percent), but for 8 and 9, which are there for those to whom size is all.
 */
const LEVELS = [0, 1, 2, 2, 3, 4, 4, 5, 8, 9];

/** Undefined where neither the executable nor the machine has libdeflate. */
export function libdeflateEngine(): DeflateEngine | undefined {
  const library = tryLoadLibrary(NAME);
  if (library === undefined) return undefined;
  try {
    return engineOf(library);
  } catch {
    // A version that lacks one of the functions.
    return undefined;
  }
}

function engineOf(library: Library): DeflateEngine {
  const allocCompressor = library.func<unknown>("void *libdeflate_alloc_compressor(int)");
  const allocDecompressor = library.func<unknown>("void *libdeflate_alloc_decompressor()");
  const bound = library.func("size_t libdeflate_deflate_compress_bound(void *, size_t)");
  const compress = library.func("size_t libdeflate_deflate_compress(void *, void *, size_t, void *, size_t)");
  const decompress = library.func("int libdeflate_deflate_decompress_ex(void *, void *, size_t, void *, size_t, void *, void *)");
  const compressors = new Map<number, unknown>();
  const decompressor = allocated(allocDecompressor());
  const counts = new BigUint64Array(2);
  const [read, written] = [counts.subarray(0, 1), counts.subarray(1, 2)];
  const scratch = makeScratch();

  const compressorOf = (level: number): unknown => {
    let compressor = compressors.get(level);
    if (compressor === undefined) compressors.set(level, (compressor = allocated(allocCompressor(LEVELS[level]))));
    return compressor;
  };

  return {
    deflate(header, data, level) {
      const compressor = compressorOf(level);
      const target = scratch(header.length + bound(compressor, data.length));
      header.copy(target);
      const packed = target.subarray(header.length);
      const length = compress(compressor, data, data.length, packed, packed.length);
      return length > 0 ? target.subarray(0, header.length + length) : zlibEngine.deflate(header, data, level);
    },

    inflate(data, size, room) {
      // A header may lie: no memory is taken for what can't be there.
      if (size > data.length * MOST_GROWTH) return zlibEngine.inflate(data, size);
      const target = room?.subarray(0, size) ?? Buffer.allocUnsafe(size);
      const status = decompress(decompressor, data, data.length, target, size, read, written);
      if (status === 0 && counts[0] === BigInt(data.length) && counts[1] === BigInt(size)) return target;
      // zlib has the last word on what is damaged and how, so that it is the same on every machine.
      return zlibEngine.inflate(data, size);
    },
  };
}

function allocated(pointer: unknown): unknown {
  if (!pointer) throw new Error("libdeflate got no memory.");
  return pointer;
}
