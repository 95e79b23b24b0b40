/** The payload of a content object as a stream that is read when somebody asks for more, in bounded memory. */
import { Readable, pipeline } from "node:stream";
import { createInflateRaw } from "node:zlib";
import { RegrowError } from "../../base/errors.ts";
import { readAt } from "../../sys/read-file.ts";
import { packedSize } from "./archive-files.ts";
import { readPayload } from "./content-format.ts";
import type { OpenContent } from "./open-content.ts";
import { MEMORY_LIMIT } from "./payload.ts";

const CHUNK = 1024 * 1024;

/** A chunk is the reader's own. The content must stay open until the end. Throws `corrupt`. */
export async function* contentChunks(content: OpenContent): AsyncGenerator<Buffer> {
  if (content.fd < 0) return;
  if (content.size <= CHUNK || (content.deflated && Math.max(content.size, packedSize(content)) <= MEMORY_LIMIT)) {
    yield readPayload(content);
    return;
  }
  if (content.deflated) yield* inflated(content);
  else yield* fileChunks(content.fd, content.start, content.size);
}

async function* inflated(content: OpenContent): AsyncGenerator<Buffer> {
  const packed = Readable.from(fileChunks(content.fd, content.start, packedSize(content)));
  // Where one of the two fails, the loop below throws its error.
  const stream = pipeline(packed, createInflateRaw({ chunkSize: CHUNK }), () => {});
  let total = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > content.size) throw damaged("it holds more than it says");
      yield chunk;
    }
  } catch (error) {
    throw error instanceof RegrowError ? error : damaged("its compressed data is broken", error);
  }
  if (total < content.size) throw damaged("it holds less than it says");
}

function* fileChunks(fd: number, start: number, size: number): Generator<Buffer> {
  for (let at = 0; at < size;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - at));
    const count = readAt(fd, chunk, 0, chunk.length, start + at);
    if (count === 0) throw damaged("it ends too early");
    yield count === chunk.length ? chunk : chunk.subarray(0, count);
    at += count;
  }
}

function damaged(reason: string, cause?: unknown): RegrowError {
  return new RegrowError("corrupt", `An object is damaged: ${reason}.`, { cause });
}
