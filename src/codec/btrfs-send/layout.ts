/**
 * The frame of a stream: "btrfs-stream\0", u32 version, then commands: u32 length of the payload, u16 number, u32 sum over all
 * of the command with the sum itself as zero, payload. Each attribute of the payload: u16 code, u16 length, value.
 */
import type { StreamVersion } from "./command.ts";

export const MAGIC = Buffer.from("btrfs-stream\0", "latin1");
export const STREAM_HEADER = MAGIC.length + 4;
export const COMMAND_HEADER = 10;

// Version 1 has 64 KiB for a command with its header. Later ones name no limit; Linux stays below 256 KiB: an extent of 128 KiB
// and its attributes, in whole pages.
const MOST_BYTES = { 1: 64 * 1024, 2: 1024 * 1024, 3: 1024 * 1024 } as const;

/** The longest payload of a command that is read or written. */
export function mostPayload(version: StreamVersion): number {
  return MOST_BYTES[version] - COMMAND_HEADER;
}
