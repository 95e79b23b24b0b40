/** Raw deflate, in memory and streamed between open files in bounded memory. */
import { type DeflateRaw, type InflateRaw, createDeflateRaw, createInflateRaw } from "node:zlib";
import { type DeflateEngine, MOST_GROWTH, trailingBytes, wrongSize } from "./deflate-engine.ts";
import { libdeflateEngine } from "./libdeflate-engine.ts";
import { readAt } from "./read-file.ts";
import { makeScratch } from "./scratch.ts";
import { writeAt } from "./write-file.ts";
import { fromZlibError, zlibEngine } from "./zlib-engine.ts";

const CHUNK = 1024 * 1024;

let chosen: DeflateEngine | undefined;

/** The header, and behind it `data` deflated. The level is 1 to 9. Valid until the next call on this thread. */
export function deflateBuffer(header: Buffer, data: Buffer, level: number): Buffer {
  return engine().deflate(header, data, level);
}

/** Exactly `size` bytes. Throws `corrupt` where the stream is broken, holds another count, or ends before `data` does. */
export function inflateBuffer(data: Buffer, size: number): Buffer {
  return engine().inflate(data, size);
}

/** The same, valid until the next call on this thread. */
export function inflateForNow(data: Buffer, size: number): Buffer {
  // A header may lie: room is taken only for what can be there.
  return engine().inflate(data, size, size > data.length * MOST_GROWTH ? undefined : inflated(size));
}

const inflated = makeScratch();

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
    throw fromZlibError(error);
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
    throw fromZlibError(error);
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

function engine(): DeflateEngine {
  return (chosen ??= libdeflateEngine() ?? zlibEngine);
}
