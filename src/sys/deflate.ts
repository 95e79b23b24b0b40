/** Raw deflate, in memory and streamed between open files in bounded memory. */
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync } from "node:zlib";
import { RegrowError } from "../base/errors.ts";
import { readAt } from "./read-file.ts";
import { writeAt } from "./write-file.ts";

const CHUNK = 1024 * 1024;

/** The level is 1 to 9, memory level 8, as ostree writes it. */
export function deflateBuffer(data: Buffer, level: number): Buffer {
  return deflateRawSync(data, { level, memLevel: 8 });
}

/** Exactly `size` bytes. Throws `corrupt` where the stream is broken or holds another count. */
export function inflateBuffer(data: Buffer, size: number): Buffer {
  try {
    // zlib takes no limit below 1; an empty file is 2 bytes of deflate.
    const inflated = inflateRawSync(data, {
      maxOutputLength: Math.max(size, 1),
      finishFlush: constants.Z_FINISH,
      info: true,
    }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (inflated.buffer.length !== size) throw wrongSize();
    if (inflated.engine.bytesWritten !== data.length)
      throw new RegrowError("corrupt", "Bytes stand after the end of the compressed data.");
    return inflated.buffer;
  } catch (error) {
    throw asCorrupt(error);
  }
}

/** Compresses the first `size` bytes of `sourceFd` into `targetFd` at `position`. `onData` sees the plain bytes. */
export async function deflateFile(
  source: FileSlice,
  targetFd: number,
  position: number,
  level: number,
  onData: (data: Buffer) => void,
): Promise<void> {
  let at = position;
  const stream = createDeflateRaw({ level, memLevel: 8, chunkSize: CHUNK });
  stream.on("data", (data: Buffer) => {
    writeAt(targetFd, data, at);
    at += data.length;
  });
  const finished = ended(stream);
  finished.catch(() => {});
  await feed(source, stream, onData);
  await finished;
}

/** Calls `take` with the plain bytes behind the compressed ones; exactly `size` of them. Throws `corrupt`. */
export async function inflateFile(source: FileSlice, size: number, take: (data: Buffer) => void): Promise<void> {
  let total = 0;
  const stream = createInflateRaw({ chunkSize: CHUNK });
  stream.on("data", (data: Buffer) => {
    total += data.length;
    if (total > size) stream.destroy(wrongSize());
    else take(data);
  });
  try {
    const finished = ended(stream);
    finished.catch(() => {});
    await feed(source, stream, () => {});
    await finished;
  } catch (error) {
    throw asCorrupt(error);
  }
  if (total !== size) throw wrongSize();
}

/** The plain bytes piece by piece, exactly `size` of them, no faster than they are asked for. Throws `corrupt`. */
export async function* inflateChunks(source: FileSlice, size: number): AsyncGenerator<Buffer, void, undefined> {
  const stream = createInflateRaw({ chunkSize: CHUNK });
  const feeding = feed(source, stream, () => {}).catch((error: unknown) => void stream.destroy(error as Error));
  let total = 0;
  try {
    for await (const piece of stream) {
      total += (piece as Buffer).length;
      if (total > size) throw wrongSize();
      yield piece as Buffer;
    }
    if (total !== size) throw wrongSize();
  } catch (error) {
    throw asCorrupt(error);
  } finally {
    stream.destroy();
    await feeding;
  }
}

/** Bytes `start` to `end` of an open file. */
export interface FileSlice {
  readonly fd: number;
  readonly start: number;
  readonly end: number;
}

async function feed(
  source: FileSlice,
  stream: NodeJS.WritableStream & { destroyed?: boolean },
  onData: (data: Buffer) => void,
): Promise<void> {
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  for (let at = source.start; at < source.end && stream.destroyed !== true;) {
    const piece = Buffer.allocUnsafe(Math.min(CHUNK, source.end - at));
    const count = readAt(source.fd, piece, 0, piece.length, at);
    if (count === 0) break;
    const data = piece.subarray(0, count);
    onData(data);
    const taken = new Promise<void>((resolve) => stream.write(data, () => resolve()));
    // A stream that is given up takes nothing any more, and does not always say so.
    await Promise.race([taken, closed]);
    at += count;
  }
  stream.end();
}

function ended(stream: NodeJS.ReadWriteStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on("end", resolve);
    stream.on("error", reject);
    stream.on("close", resolve);
  });
}

function wrongSize(): RegrowError {
  return new RegrowError("corrupt", "The compressed data holds another count of bytes than its header says.");
}

function asCorrupt(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ERR_BUFFER_TOO_LARGE") return wrongSize();
  if (typeof code === "string" && code.startsWith("Z_"))
    return new RegrowError("corrupt", "The compressed data is broken.", { cause: error });
  return error;
}
