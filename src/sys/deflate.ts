/** Raw deflate, in memory and streamed between open files in bounded memory. */
import {
  type DeflateRaw,
  type InflateRaw,
  constants,
  createDeflateRaw,
  createInflateRaw,
  deflateRawSync,
  inflateRawSync,
} from "node:zlib";
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
    if (inflated.engine.bytesWritten !== data.length) throw trailingBytes();
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
  await pass(source, createDeflateRaw({ level, memLevel: 8, chunkSize: CHUNK }), onData, (data) => {
    writeAt(targetFd, data, at);
    at += data.length;
  });
}

/** Calls `take` with the plain bytes behind the compressed ones; exactly `size` of them. Throws `corrupt`. */
export async function inflateFile(source: FileSlice, size: number, take: (data: Buffer) => void): Promise<void> {
  let total = 0;
  const stream = createInflateRaw({ chunkSize: CHUNK });
  try {
    await pass(
      source,
      stream,
      () => {},
      (data) => {
        total += data.length;
        if (total > size) throw wrongSize();
        take(data);
      },
    );
  } catch (error) {
    throw asCorrupt(error);
  }
  if (stream.bytesWritten !== source.end - source.start) throw trailingBytes();
  if (total !== size) throw wrongSize();
}

/** The same bytes piece by piece, no faster than they are asked for. Throws `corrupt`. */
export async function* inflateChunks(source: FileSlice, size: number): AsyncGenerator<Buffer, void, undefined> {
  const stream = createInflateRaw({ chunkSize: CHUNK });
  let total = 0;
  let at = source.start;
  const feed = (): void => {
    try {
      const piece = Buffer.allocUnsafe(Math.min(CHUNK, source.end - at));
      const data = piece.subarray(0, readAt(source.fd, piece, 0, piece.length, at));
      at += data.length;
      if (data.length === 0) stream.end();
      else stream.write(data, (error) => void (error ?? (stream.destroyed || feed())));
    } catch (error) {
      stream.destroy(error as Error);
    }
  };
  try {
    feed();
    for await (const piece of stream) {
      total += (piece as Buffer).length;
      if (total > size) throw wrongSize();
      yield piece as Buffer;
    }
  } catch (error) {
    throw asCorrupt(error);
  } finally {
    stream.destroy();
  }
  if (stream.bytesWritten !== source.end - source.start) throw trailingBytes();
  if (total !== size) throw wrongSize();
}

/** Bytes `start` to `end` of an open file. */
export interface FileSlice {
  readonly fd: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Sends the slice through the stream. By hand, because the stream answers neither a write that comes after the end of its data
 * nor one that it fails at, and because an error of `onOutput` must reach the caller.
 */
function pass(
  source: FileSlice,
  stream: DeflateRaw | InflateRaw,
  onInput: (data: Buffer) => void,
  onOutput: (data: Buffer) => void,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let at = source.start;
    const guard = (work: () => void): void => {
      if (stream.destroyed) return;
      try {
        work();
      } catch (error) {
        stream.destroy();
        reject(error as Error);
      }
    };
    const feed = (): void => {
      const piece = Buffer.allocUnsafe(Math.min(CHUNK, source.end - at));
      const data = piece.subarray(0, readAt(source.fd, piece, 0, piece.length, at));
      if (data.length === 0) return void stream.end();
      at += data.length;
      onInput(data);
      stream.write(data, (error) => {
        if (!error) guard(feed);
      });
    };
    stream.on("data", (data: Buffer) => guard(() => onOutput(data)));
    stream.on("end", () => {
      stream.destroy();
      resolve();
    });
    stream.on("error", reject);
    guard(feed);
  });
}

function trailingBytes(): RegrowError {
  return new RegrowError("corrupt", "Bytes stand after the end of the compressed data.");
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
