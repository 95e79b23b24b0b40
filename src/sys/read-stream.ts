/** Reading a file of any kind, pipes too, without holding up the process: signals are heard while nothing comes. */
import { createReadStream } from "node:fs";
import { RegrowError } from "../base/errors.ts";
import { fromNodeError } from "./native.ts";

const CHUNK = 256 * 1024;

/** The bytes of the file at `path`, to its end. Throws SystemError, `cancelled`. */
export async function* readStream(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: CHUNK, signal });
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    throw signal?.aborted === true ? new RegrowError("cancelled", "Cancelled.") : fromNodeError(error, path);
  }
}
