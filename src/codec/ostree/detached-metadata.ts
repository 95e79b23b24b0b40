/** Detached metadata of a commit (`.commitmeta`) and signatures of a summary: `a{sv}`, mutable, outside any checksum. */
import { decodeVariant } from "../gvariant/decode.ts";
import { encodeVariant } from "../gvariant/encode.ts";
import type { Dictionary, GValue } from "../gvariant/value.ts";

export function encodeDetachedMetadata(metadata: Dictionary): Buffer {
  return encodeVariant("a{sv}", metadata as unknown as GValue);
}

/** Throws `corrupt`. */
export function decodeDetachedMetadata(data: Buffer): Dictionary {
  return decodeVariant("a{sv}", data) as unknown as Dictionary;
}
