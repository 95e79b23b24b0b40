/**
 * Extended attributes inside objects: `a(ayay)`, names with a trailing NUL, values raw. From a folder they come sorted by name. From
 * an archive ostree takes them in the archive's order, and bsdtar's archives name each twice: a checksum is over the bytes as they
 * are, so order and repetition are kept, and `effectiveXattrs` says what they amount to.
 */
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

/** As they stand. Throws `corrupt` where names lack their NUL. */
export function decodeXattrs(data: Buffer): readonly XattrRecord[] {
  if (data.length === 0) return NONE;
  return (decodeVariant("a(ayay)", data) as [Buffer, Buffer][]).map(([name, value]) => ({ name: nameFrom(name), value }));
}

/** Sorted by name, each name once: what a file has when they have been set one after the other. */
export function effectiveXattrs(xattrs: readonly XattrRecord[]): readonly XattrRecord[] {
  if (isSorted(xattrs)) return xattrs;
  const last = new Map(xattrs.map((xattr) => [xattr.name, xattr]));
  return [...last.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether they are as a file system gives them back: sorted by name, each name once. */
export function isSorted(xattrs: readonly XattrRecord[]): boolean {
  return xattrs.every(({ name }, index) => index === 0 || xattrs[index - 1]!.name < name);
}

/** Whether a file ends up with the same ones. */
export function sameXattrs(a: readonly XattrRecord[], b: readonly XattrRecord[]): boolean {
  const [left, right] = [effectiveXattrs(a), effectiveXattrs(b)];
  return (
    left.length === right.length &&
    left.every(({ name, value }, index) => name === right[index]!.name && value.equals(right[index]!.value))
  );
}

function nameFrom(raw: Buffer): ByteString {
  if (raw.length < 2 || raw.indexOf(0) !== raw.length - 1)
    throw new RegrowError("corrupt", "The name of an extended attribute is damaged.");
  return bytesFromBuffer(raw, 0, raw.length - 1);
}
