/** The payload of a content object piece by piece, no faster than it is asked for, in bounded memory. */
import { RegrowError } from "../../base/errors.ts";
import type { Stretch } from "../../codec/sidecar/folder-record.ts";
import { inflateChunks } from "../../sys/deflate.ts";
import { readAt } from "../../sys/read-file.ts";
import { packedSize } from "./archive-files.ts";
import { readPayload } from "./content-format.ts";
import type { OpenContent } from "./open-content.ts";
import { MEMORY_LIMIT } from "./payload.ts";

const CHUNK = 1024 * 1024;

/**
 * The bytes of the given stretches, which are in order and within the file, one after the other; of all, where none are given. A
 * piece is valid until the next one is asked for. Throws `corrupt`.
 */
export async function* payloadChunks(
  content: OpenContent,
  stretches: readonly Stretch[] = [{ offset: 0, length: content.size }],
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!content.deflated) {
    yield* readStretches(content, stretches);
    return;
  }
  const packed = packedSize(content);
  // A small stream may say that it unpacks to a very large file; only the size tells how to read it.
  if (content.size > MEMORY_LIMIT || packed > MEMORY_LIMIT) {
    const slice = { fd: content.fd, start: content.start, end: content.start + packed };
    yield* cutStretches(inflateChunks(slice, content.size), stretches);
    return;
  }
  const whole = readPayload(content);
  for (const { offset, length } of stretches) yield whole.subarray(offset, offset + length);
}

function* readStretches(content: OpenContent, stretches: readonly Stretch[]): Generator<Uint8Array, void, undefined> {
  const longest = stretches.reduce((most, { length }) => Math.max(most, length), 0);
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, longest));
  for (const { offset, length } of stretches) {
    for (let done = 0; done < length;) {
      const wanted = Math.min(buffer.length, length - done);
      if (readAt(content.fd, buffer, 0, wanted, content.start + offset + done) !== wanted)
        throw new RegrowError("corrupt", "An object ended too early.");
      yield buffer.subarray(0, wanted);
      done += wanted;
    }
  }
}

/** Goes on to the end where nothing is wanted any more, because only there is it known whether the stream is sound. */
async function* cutStretches(
  pieces: AsyncIterable<Uint8Array>,
  stretches: readonly Stretch[],
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = 0;
  let index = 0;
  for await (const piece of pieces) {
    const end = position + piece.length;
    for (; index < stretches.length && stretches[index]!.offset < end; index++) {
      const { offset, length } = stretches[index]!;
      yield piece.subarray(Math.max(offset, position) - position, Math.min(offset + length, end) - position);
      // A stretch that goes on in the next piece is looked at again there.
      if (offset + length > end) break;
    }
    position = end;
  }
}
