/** Bytes and GVariant values as JSON has them. */
import { type ByteString, bufferOf, displayBytes, isUtf8 } from "../../base/byte-string.ts";
import type { GValue, Variant } from "../../codec/gvariant/value.ts";

/** `path` exactly; where its bytes are no UTF-8, `path` is for people and `pathBase64` has the bytes. */
export function jsonPath(path: ByteString): { path: string; pathBase64?: string } {
  if (isUtf8(path)) return { path: bufferOf(path).toString("utf8") };
  return { path: displayBytes(path), pathBase64: bufferOf(path).toString("base64") };
}

/** Bytes become hexadecimal digits, 64-bit numbers text, and a variant loses its type. */
export function jsonValue(value: GValue): unknown {
  if (Buffer.isBuffer(value)) return value.toString("hex");
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map((item) => jsonValue(item as GValue));
  if (isVariant(value)) return jsonValue(value.value);
  return value ?? null;
}

function isVariant(value: GValue): value is Variant {
  return typeof value === "object" && value !== null && "type" in value;
}
