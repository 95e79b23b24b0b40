/** Raw deflate by the zlib that is part of Node: always there. */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { type DeflateEngine, brokenData, trailingBytes, wrongSize } from "./deflate-engine.ts";

/** Node gathers the output in pieces of this size, which it then copies into one. */
const LEAST_PIECE = 64;
const MOST_PIECE = 1024 * 1024;

export const zlibEngine: DeflateEngine = {
  // Memory level 8, as ostree has it.
  deflate: (header, data, level) => Buffer.concat([header, deflateRawSync(data, { level, memLevel: 8 })]),
  inflate,
};

/** Turns what node:zlib throws into the family's own error. */
export function fromZlibError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ERR_BUFFER_TOO_LARGE") return wrongSize();
  return typeof code === "string" && code.startsWith("Z_") ? brokenData(error) : error;
}

function inflate(data: Buffer, size: number): Buffer {
  try {
    // zlib takes no limit below 1; an empty file is 2 bytes of deflate.
    const inflated = inflateRawSync(data, {
      maxOutputLength: Math.max(size, 1),
      chunkSize: Math.min(Math.max(size, LEAST_PIECE), MOST_PIECE),
      finishFlush: constants.Z_FINISH,
      info: true,
    }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (inflated.buffer.length !== size) throw wrongSize();
    if (inflated.engine.bytesWritten !== data.length) throw trailingBytes();
    return inflated.buffer;
  } catch (error) {
    throw fromZlibError(error);
  }
}
