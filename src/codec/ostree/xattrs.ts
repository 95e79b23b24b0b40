/** Extended attributes inside objects: `a(ayay)`, names with a trailing NUL, sorted by name, values raw. */
import { type ByteString, bufferOf, bytesFromBuffer } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { decodeVariant } from "../gvariant/decode.ts";
import { encodeVariant } from "../gvariant/encode.ts";

export interface XattrRecord {
  /** Without the NUL. */
  readonly name: ByteString;
  readonly value: Buffer;
}

const NONE: readonly XattrRecord[] = [];
const EMPTY = Buffer.alloc(0);

export function encodeXattrs(xattrs: readonly XattrRecord[]): Buffer {
  if (xattrs.length === 0) return EMPTY;
  const pairs = xattrs.map(({ name, value }) => [Buffer.concat([bufferOf(name), Buffer.alloc(1)]), value]);
  return encodeVariant("a(ayay)", pairs);
}

/** Throws `corrupt` where names lack their NUL or are out of order. */
export function decodeXattrs(data: Buffer): readonly XattrRecord[] {
  if (data.length === 0) return NONE;
  const xattrs = (decodeVariant("a(ayay)", data) as [Buffer, Buffer][]).map(([name, value]) => ({ name: nameFrom(name), value }));
  for (let index = 1; index < xattrs.length; index++) {
    if (xattrs[index - 1]!.name >= xattrs[index]!.name)
      throw new RegrowError("corrupt", "Extended attributes are not sorted by name.");
  }
  return xattrs;
}

function nameFrom(raw: Buffer): ByteString {
  if (raw.length < 2 || raw.indexOf(0) !== raw.length - 1)
    throw new RegrowError("corrupt", "The name of an extended attribute is damaged.");
  return bytesFromBuffer(raw, 0, raw.length - 1);
}
