/**
 * A file or stream as plain bytes, whether it is packed or not. Its first bytes tell how it is packed, never its name: gzip is
 * unpacked by zlib, all else by the standard program. A few chunks are held and no more, whatever they unpack to.
 */
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { createGunzip } from "node:zlib";
import { bytesOf } from "../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../base/errors.ts";
import { fromNodeError } from "./native.ts";
import { CWD, O, closeFd, duplicateFd, openAt } from "./open.ts";
import { readNext } from "./read-file.ts";
import { startProgram } from "./run-program.ts";
import { S_IFIFO, S_IFSOCK, statFd, typeOf } from "./stat.ts";

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;
/** Raises `stop` when it ends, whatever ended it, so that nothing waits for more of `chunks`. */
type Unpack = (packed: Packed, stop: AbortController, signal: AbortSignal) => Chunks;

interface Packed {
  readonly chunks: Chunks;
  /** What errors call it. */
  readonly label: string;
}

const CHUNK = 256 * 1024;
/** As many bytes as the longest mark below. */
const MARK = 10;
const MOST_MEMORY = "512MiB";

const PACKINGS: readonly (readonly [mark: RegExp, unpack: Unpack])[] = [
  [/^\x1f\x8b\x08/, gunzip],
  [/^\xfd7zXZ\0/, byProgram("xz", ["--decompress", "--stdout", `--memlimit-decompress=${MOST_MEMORY}`])],
  [/^\x28\xb5\x2f\xfd/, byProgram("zstd", ["--decompress", "--stdout", "--quiet"])],
  [/^BZh[1-9](1AY&SY|\x17rE8P\x90)/, byProgram("bzip2", ["--decompress", "--stdout"])],
];

/**
 * The bytes of the file at a path, or of an open file, pipe or socket, which stays open. A chunk is valid until the next one is
 * asked for. Throws SystemError, `corrupt`, `missing-program`, `program-failed`, `cancelled`.
 */
export async function* readUnpacked(source: string | number, signal?: AbortSignal): Chunks {
  const fd = typeof source === "number" ? source : openAt(CWD, bytesOf(source), O.RDONLY);
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  try {
    const chunks = isPipe(fd) ? readPipe(fd, either) : readPlain(fd, either);
    const first = await takeFirst(chunks);
    const mark = first.toString("latin1", 0, MARK);
    const unpack = PACKINGS.find(([pattern]) => pattern.test(mark))?.[1];
    const all = startingWith(first, chunks);
    yield* unpack === undefined ? all : unpack({ chunks: all, label: labelOf(source) }, stop, either);
  } finally {
    if (typeof source === "string") closeFd(fd);
  }
}

function isPipe(fd: number): boolean {
  const type = typeOf(statFd(fd).mode);
  return type === S_IFIFO || type === S_IFSOCK;
}

async function* readPlain(fd: number, signal: AbortSignal): Chunks {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    const count = readNext(fd, buffer);
    if (count === 0) return;
    yield buffer.subarray(0, count);
    // Reading does not wait, so that nothing else, such as a Ctrl-C, would ever have its turn.
    await new Promise((resolve) => setImmediate(resolve));
    throwIfCancelled(signal);
  }
}

/** Waits without holding a thread, so that a pipe in which nothing comes can be given up. */
async function* readPipe(fd: number, signal: AbortSignal): Chunks {
  const socket = new Socket({ fd: duplicateFd(fd), readable: true, writable: false });
  const onAbort = (): void => void socket.destroy(new RegrowError("cancelled", "Cancelled."));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    throwIfCancelled(signal);
    for await (const chunk of socket) yield chunk as Buffer;
  } catch (error) {
    throw fromNodeError(error);
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
}

async function takeFirst(chunks: Chunks): Promise<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < MARK) {
    const next = await chunks.next();
    if (next.done) break;
    first = Buffer.concat([first, next.value]);
  }
  return first;
}

async function* startingWith(first: Buffer, rest: Chunks): Chunks {
  try {
    if (first.length > 0) yield first;
    yield* rest;
  } finally {
    await rest.return();
  }
}

async function* gunzip({ chunks, label }: Packed, stop: AbortController): Chunks {
  const stream = createGunzip({ chunkSize: CHUNK });
  const feeding = feed(chunks, stream).catch((error: unknown) => void stream.destroy(error as Error));
  try {
    for await (const piece of stream) yield piece as Buffer;
  } catch (error) {
    throw isZlibError(error) ? brokenStream(label, error) : error;
  } finally {
    stop.abort();
    stream.destroy();
    await feeding;
  }
}

function byProgram(program: string, args: readonly string[]): Unpack {
  return async function* unpack({ chunks }, stop, signal) {
    const running = startProgram({ program, args, effect: "read", signal });
    let failure: unknown;
    const feeding = feed(chunks, running.stdin).catch((error: unknown) => {
      failure = error;
      running.kill();
    });
    try {
      for await (const piece of running.stdout) yield piece as Buffer;
      // A program that has failed may still wait for more.
      running.stdin.destroy();
      // Why the file could not be read comes before what the program says of it.
      await running.finished.catch((error: unknown) => Promise.reject((failure ?? error) as Error));
    } finally {
      stop.abort();
      await Promise.allSettled([running.finished, feeding]);
    }
  };
}

/** Writes all chunks, each when the one before has been taken; ends early where nobody takes them any more. */
async function feed(chunks: Chunks, stream: Writable): Promise<void> {
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  for await (const chunk of chunks) {
    if (stream.destroyed) return;
    const taken = new Promise<void>((resolve) => stream.write(chunk, () => resolve()));
    await Promise.race([taken, closed]);
  }
  stream.end();
}

function isZlibError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" && code.startsWith("Z_");
}

function labelOf(source: string | number): string {
  if (typeof source === "string") return source;
  return source === 0 ? "stdin" : `file descriptor ${source}`;
}

function brokenStream(label: string, cause: unknown): RegrowError {
  return new RegrowError("corrupt", `${label}: can't be unpacked: the gzip data is broken or cut short.`, {
    path: label,
    hint: "Fetch the file or make it once more.",
    cause,
  });
}
