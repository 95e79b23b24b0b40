/** The content of an encoded write: an extent as it is compressed on the disk of the sender. */
import { inflateSync, zstdDecompressSync } from "node:zlib";
import { RegrowError } from "../../base/errors.ts";
import type { EncodedWrite } from "./command.ts";
import { corruptStream, unsupportedStream } from "./failures.ts";
import { unpackLzo } from "./lzo.ts";
import { zstdFrameLength } from "./zstd-frame.ts";

/** Eight times what btrfs packs into one extent. */
const MOST_UNPACKED = 1024 * 1024;
const ZLIB = 1;
const ZSTD = 2;
const FIRST_LZO = 3;
const LAST_LZO = 7;
const SMALLEST_SECTOR = 4096;

/** The bytes that the file has at the write's offset. Throws `corrupt`, and `unsupported` for encrypted data. */
export function unpackExtent(write: EncodedWrite): Buffer {
  const { unencodedLength, unencodedOffset, unencodedFileLength } = write;
  if (unencodedLength > MOST_UNPACKED) throw corruptStream(`an extent has ${unencodedLength} bytes`);
  if (unencodedOffset + unencodedFileLength > unencodedLength) throw corruptStream("a write is longer than its extent");
  if ((write.encryption ?? 0) !== 0) throw unsupportedStream("it is encrypted");
  const unpacked = unpack(write);
  const part = unpacked.subarray(unencodedOffset, unencodedOffset + unencodedFileLength);
  if (part.length === unencodedFileLength) return part;
  // What an extent has beyond its data are zeros.
  return Buffer.concat([part, Buffer.alloc(unencodedFileLength - part.length)]);
}

function unpack({ data, compression = 0, unencodedLength }: EncodedWrite): Buffer {
  const packed = Buffer.from(data.buffer, data.byteOffset, data.length);
  if (compression === 0) return packed;
  if (compression >= FIRST_LZO && compression <= LAST_LZO) {
    return unpackLzo(packed, unencodedLength, SMALLEST_SECTOR << (compression - FIRST_LZO));
  }
  if (compression !== ZLIB && compression !== ZSTD) throw unsupportedStream(`it has data of compression ${compression}`);
  try {
    const options = { maxOutputLength: Math.max(unencodedLength, 1) };
    // Behind the packed bytes the last sector is filled up, which only zlib passes over.
    if (compression === ZLIB) return inflateSync(packed, options);
    return zstdDecompressSync(packed.subarray(0, zstdFrameLength(packed)), options);
  } catch (error) {
    if (error instanceof RegrowError) throw error;
    throw corruptStream(`compressed data can't be unpacked (${(error as Error).message})`);
  }
}
