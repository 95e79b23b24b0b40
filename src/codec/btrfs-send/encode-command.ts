/** Commands as bytes, as Linux writes them: the same order of attributes, the same sums. */
import type { SendCommand, StreamVersion } from "./command.ts";
import { type AttributeValue, encodeValue } from "./attribute-values.ts";
import { COMMANDS, type CommandUse, DATA_ATTRIBUTE } from "./command-table.ts";
import { crc32c } from "./crc32c.ts";
import { corruptStream, unsupportedStream } from "./failures.ts";
import { COMMAND_HEADER, MAGIC, mostPayload } from "./layout.ts";

/** The bytes that a stream begins with. */
export function encodeHeader(version: StreamVersion): Buffer {
  const header = Buffer.alloc(MAGIC.length + 4);
  MAGIC.copy(header);
  header.writeUInt32LE(version, MAGIC.length);
  return header;
}

/** One command. Throws `unsupported` where the version can't hold it, and what the decoder throws where it is not well-formed. */
export function encodeCommand(command: SendCommand, version: StreamVersion): Buffer {
  const use = COMMANDS.get(command.kind)!;
  if (use.since > version) throw unsupportedStream(`version ${version} has no ${command.kind}`);
  const pieces = attributesOf(use, command, version);
  const length = pieces.reduce((sum, { data, isBare }) => sum + (isBare ? 2 : 4) + data.length, 0);
  if (length > mostPayload(version)) throw unsupportedStream(`the command ${command.kind} would have ${length} bytes`);
  const encoded = Buffer.allocUnsafe(COMMAND_HEADER + length);
  encoded.writeUInt32LE(length, 0);
  encoded.writeUInt16LE(use.code, 4);
  encoded.writeUInt32LE(0, 6);
  let at = COMMAND_HEADER;
  for (const { code, data, isBare } of pieces) {
    at = encoded.writeUInt16LE(code, at);
    if (!isBare) at = encoded.writeUInt16LE(data.length, at);
    encoded.set(data, at);
    at += data.length;
  }
  encoded.writeUInt32LE(crc32c(0, encoded), 6);
  return encoded;
}

interface Piece {
  readonly code: number;
  readonly data: Uint8Array;
  /** Without a length of its own. */
  readonly isBare: boolean;
}

function attributesOf(use: CommandUse, command: SendCommand, version: StreamVersion): Piece[] {
  const values = command as unknown as Readonly<Record<string, AttributeValue | undefined>>;
  const pieces: Piece[] = [];
  for (const { code, field, type, optional } of use.attributes) {
    const value = values[field];
    if (typeof optional === "number" && version < optional) continue;
    if (value === undefined) {
      if (optional === true) continue;
      throw corruptStream(`${command.kind} lacks ${field}, which version ${version} has`);
    }
    const data = encodeValue(type, value);
    const isBare = code === DATA_ATTRIBUTE && version >= 2;
    if (!isBare && data.length > 0xffff) throw unsupportedStream(`an attribute has ${data.length} bytes`);
    pieces.push({ code, data, isBare });
  }
  return pieces;
}
