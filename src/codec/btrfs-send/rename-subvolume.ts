/**
 * Gives the subvolume of a stream another name on the way, so that it can be received beside what it will replace. All of the stream
 * is checked as it passes; its bytes are handed on as they are but for that one command.
 */
import type { ByteString } from "../../base/byte-string.ts";
import type { StreamPart, StreamVersion } from "./command.ts";
import { decodeCommand } from "./decode-command.ts";
import { encodeCommand } from "./encode-command.ts";
import { unsupportedStream } from "./failures.ts";
import { COMMAND_HEADER, STREAM_HEADER } from "./layout.ts";
import { openStreamReader } from "./read-stream.ts";

/** Throws what reading streams throws, also where the end is missing, and `unsupported` where there is a second subvolume. */
export async function* renameSubvolume(
  source: AsyncIterable<Uint8Array>,
  name: ByteString,
): AsyncGenerator<Uint8Array, void, undefined> {
  let subvolumes = 0;
  const reader = openStreamReader((part) => {
    if (isSubvolume(part) && ++subvolumes > 1) throw unsupportedStream("it holds more than one subvolume");
  });
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of source) {
    reader.push(chunk);
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    // The reader has seen the first command whole, and found it right.
    if (subvolumes === 0) continue;
    yield withName(head, name);
    head = undefined;
  }
  reader.end();
}

function withName(head: Buffer, name: ByteString): Buffer {
  const version = head.readUInt32LE(STREAM_HEADER - 4) as StreamVersion;
  const end = STREAM_HEADER + COMMAND_HEADER + head.readUInt32LE(STREAM_HEADER);
  const payload = head.subarray(STREAM_HEADER + COMMAND_HEADER, end);
  const command = decodeCommand(head.readUInt16LE(STREAM_HEADER + 4), payload, version);
  if (!isSubvolume(command)) throw unsupportedStream("it does not begin with its subvolume");
  const renamed = encodeCommand({ ...command, path: name }, version);
  return Buffer.concat([head.subarray(0, STREAM_HEADER), renamed, head.subarray(end)]);
}

function isSubvolume(part: StreamPart): part is Extract<StreamPart, { kind: "subvol" | "snapshot" }> {
  return part.kind === "subvol" || part.kind === "snapshot";
}
