/**
 * Reading send streams, in chunks of any size and bounded memory: at most one command is held, and the data of a command that
 * lies within one chunk are a view into it. Each command's sum is checked before anything of it is looked at.
 *
 * A file can hold several streams one after another, and a stream several subvolumes (`btrfs send -e`).
 */
import type { StreamPart, StreamVersion } from "./command.ts";
import { crc32c } from "./crc32c.ts";
import { decodeCommand } from "./decode-command.ts";
import { corruptStream, unsupportedStream } from "./failures.ts";
import { COMMAND_HEADER, MAGIC, STREAM_HEADER, mostPayload } from "./layout.ts";

export interface StreamReader {
  /** Reads on. What it hands out may be views into `chunk`, which must not be written to afterwards. */
  push(chunk: Uint8Array): void;
  /** Says that no more will come. Throws `corrupt` where a stream is not at its end. */
  end(): void;
}

const ZEROS = Buffer.alloc(4);
const EMPTY = Buffer.alloc(0);

/**
 * Hands each part of the streams to `take`, in order; whatever `take` throws comes out of `push`. The calls throw `corrupt`,
 * `hostile` or `unsupported`; nothing can be read after that.
 */
export function openStreamReader(take: (part: StreamPart) => void): StreamReader {
  /** The version of the stream that is open, or 0 between streams. */
  let version: StreamVersion | 0 = 0;
  let isInSubvolume = false;
  let count = 0;
  let consumed = 0;
  // The beginning of a unit (a header or a command) of which the rest is to come.
  let held = EMPTY;
  let heldLength = 0;
  let failed = false;

  /** The length of the unit that begins with these bytes, as far as they tell. */
  function unitLength(data: Buffer, start: number, end: number): number {
    if (version === 0) return STREAM_HEADER;
    if (end - start < COMMAND_HEADER) return COMMAND_HEADER;
    const length = data.readUInt32LE(start);
    const most = mostPayload(version);
    if (length > most) throw corruptStream(`at byte ${consumed}, a command of ${length} bytes, where ${most} are the most`);
    return COMMAND_HEADER + length;
  }

  function takeUnit(data: Buffer, start: number, end: number): void {
    if (version === 0) takeHeader(data, start);
    else takeCommand(version, data, start, end);
    consumed += end - start;
  }

  function takeHeader(data: Buffer, start: number): void {
    if (data.compare(MAGIC, 0, MAGIC.length, start, start + MAGIC.length) !== 0) {
      throw corruptStream(count === 0 ? "it is no such stream" : `at byte ${consumed}, something else follows its end`);
    }
    const found = data.readUInt32LE(start + MAGIC.length);
    if (found < 1 || found > 3) throw unsupportedStream(`it is of version ${found}`);
    version = found as StreamVersion;
    isInSubvolume = false;
    count++;
    take({ kind: "header", version });
  }

  function takeCommand(version: StreamVersion, data: Buffer, start: number, end: number): void {
    const body = start + COMMAND_HEADER;
    const sum = crc32c(crc32c(crc32c(0, data, start, start + 6), ZEROS), data, body, end);
    if (sum !== data.readUInt32LE(start + 6)) throw corruptStream(`the command at byte ${consumed} has a wrong sum`);
    const command = decodeCommand(data.readUInt16LE(start + 4), data.subarray(body, end), version);
    if (command.kind === "subvol" || command.kind === "snapshot") isInSubvolume = true;
    else if (!isInSubvolume) throw corruptStream(`the command ${command.kind} comes before any subvolume`);
    if (command.kind === "end") endStream();
    take(command);
  }

  function endStream(): void {
    version = 0;
  }

  function read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (heldLength === 0) {
        const length = unitLength(chunk, at, chunk.length);
        if (at + length <= chunk.length) {
          takeUnit(chunk, at, at + length);
          at += length;
          continue;
        }
        held = Buffer.allocUnsafe(length);
      }
      at = holdMore(chunk, at);
    }
  }

  function holdMore(chunk: Buffer, at: number): number {
    const count = chunk.copy(held, heldLength, at);
    heldLength += count;
    if (heldLength < held.length) return at + count;
    const length = unitLength(held, 0, held.length);
    if (length > held.length) {
      const larger = Buffer.allocUnsafe(length);
      held.copy(larger);
      held = larger;
      return at + count;
    }
    const unit = held;
    held = EMPTY;
    heldLength = 0;
    takeUnit(unit, 0, unit.length);
    return at + count;
  }

  return {
    push(chunk) {
      if (failed) throw corruptStream("it was given up before");
      failed = true;
      read(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
      failed = false;
    },
    end() {
      if (failed) throw corruptStream("it was given up before");
      if (heldLength > 0) throw corruptStream(`it ends in the middle of what begins at byte ${consumed}`);
      if (version !== 0 || count === 0) throw corruptStream("its end is missing");
    },
  };
}

/** The parts of the streams in `source`, each as soon as it is complete. Throws what `openStreamReader` says. */
export async function* readStream(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamPart, void, undefined> {
  let parts: StreamPart[] = [];
  const reader = openStreamReader((part) => parts.push(part));
  for await (const chunk of source) {
    let failure: unknown;
    try {
      reader.push(chunk);
    } catch (error) {
      failure = error;
    }
    yield* parts;
    parts = [];
    if (failure !== undefined) throw failure;
  }
  reader.end();
}
