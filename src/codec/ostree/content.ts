/**
 * Content objects: a regular file or a symbolic link with its metadata.
 *
 * Hashed: BE32 length of V, four zero bytes, V, payload. V = `(uuuusa(ayay))` = uid, gid, mode with the file type, rdev 0,
 * link target or "", extended attributes; the integers big-endian, framing as everywhere.
 * In archive repositories: BE32 length of W, four zero bytes, W, raw deflate of the payload. W = `(tuuuusa(ayay))`: the
 * size first, big-endian too. Source: ostree-core.c, and its output.
 */
import { type ByteString, EMPTY } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { readOffset } from "../gvariant/decode.ts";
import { writeOffset } from "../gvariant/encode.ts";
import { offsetSize, offsetSizeOfTotal } from "../gvariant/type.ts";
import { type XattrRecord, decodeXattrs, encodeXattrs } from "./xattrs.ts";

export interface ContentMeta {
  readonly uid: number;
  readonly gid: number;
  /** With the type bits: 0100644, 0120777. */
  readonly mode: number;
  /** "" for a regular file. */
  readonly target: ByteString;
  readonly xattrs: readonly XattrRecord[];
}

/** What a header takes on disk at the most: a link target and attributes as large as the kernel allows, and room. */
export const MAX_HEADER = 16 * 1024 * 1024;
const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const LINK = 0o120000;

export function isLink(meta: ContentMeta): boolean {
  return (meta.mode & TYPE_MASK) === LINK;
}

/** The header that is hashed before the payload. */
export function encodeContentHeader(meta: ContentMeta): Buffer {
  return prefixed(meta, 0, undefined);
}

/** The header of a `.filez`; `size` is the payload's length in bytes, 0 for a link. */
export function encodeFilezHeader(meta: ContentMeta, size: number): Buffer {
  return prefixed(meta, 8, size);
}

function prefixed(meta: ContentMeta, sizeBytes: 0 | 8, size: number | undefined): Buffer {
  const xattrs = encodeXattrs(meta.xattrs);
  const targetEnd = sizeBytes + 16 + meta.target.length + 1;
  const body = targetEnd + xattrs.length;
  const width = offsetSize(body, 1);
  // From the pool, which for something this small and frequent is cheaper than memory of its own.
  const buffer = Buffer.allocUnsafe(8 + body + width).fill(0);
  buffer.writeUInt32BE(body + width, 0);
  if (size !== undefined) buffer.writeBigUInt64BE(BigInt(size), 8);
  let at = 8 + sizeBytes;
  at = buffer.writeUInt32BE(meta.uid, at);
  at = buffer.writeUInt32BE(meta.gid, at);
  at = buffer.writeUInt32BE(meta.mode, at);
  at += 4;
  buffer.write(meta.target, at, "latin1");
  xattrs.copy(buffer, 8 + targetEnd);
  writeOffset(buffer, 8 + body, targetEnd, width);
  return buffer;
}

/** Length of the header V or W that follows the 8 bytes `prefix`. Throws `corrupt` where it can't be one. */
export function headerLength(prefix: Buffer): number {
  const length = prefix.length < 8 ? 0 : prefix.readUInt32BE(0);
  if (length < 17 || length > MAX_HEADER || prefix.readUInt32BE(4) !== 0) throw damaged("its header length is out of range");
  return length;
}

/** The header V of a content stream. Throws `corrupt`. */
export function decodeContentHeader(data: Buffer): ContentMeta {
  return decodeMeta(data, 0);
}

/** The header W of a `.filez`. Throws `corrupt`. */
export function decodeFilezHeader(data: Buffer): { meta: ContentMeta; size: number } {
  if (data.length < 26) throw damaged("its header is too short");
  const size = data.readBigUInt64BE(0);
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged("its size is out of range");
  return { meta: decodeMeta(data, 8), size: Number(size) };
}

function decodeMeta(data: Buffer, start: number): ContentMeta {
  const width = offsetSizeOfTotal(data.length);
  const bodyEnd = data.length - width;
  if (bodyEnd < start + 17) throw damaged("its header is too short");
  const targetEnd = readOffset(data, bodyEnd, width);
  const targetStart = start + 16;
  if (targetEnd <= targetStart || targetEnd > bodyEnd || offsetSize(bodyEnd, 1) !== width)
    throw damaged("its header has bad offsets");
  if (data.indexOf(0, targetStart) !== targetEnd - 1) throw damaged("its link target is not a string");
  const meta: ContentMeta = {
    uid: data.readUInt32BE(start),
    gid: data.readUInt32BE(start + 4),
    mode: data.readUInt32BE(start + 8),
    target: data.toString("latin1", targetStart, targetEnd - 1) as ByteString,
    xattrs: decodeXattrs(data.subarray(targetEnd, bodyEnd)),
  };
  if (data.readUInt32BE(start + 12) !== 0) throw damaged("its device number is not 0");
  checkMeta(meta);
  return meta;
}

function checkMeta(meta: ContentMeta): void {
  const type = meta.mode & TYPE_MASK;
  if (meta.mode > 0o177777 || (type !== REGULAR && type !== LINK)) throw damaged("it is neither a file nor a link");
  if (type === REGULAR ? meta.target !== EMPTY : meta.target === EMPTY) throw damaged("its link target does not fit its type");
}

/** The value of the extended attribute `user.ostreemeta` of bare-user repositories: `(uuua(ayay))`. */
export function encodeBareUserMeta(meta: ContentMeta): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt32BE(meta.uid, 0);
  fixed.writeUInt32BE(meta.gid, 4);
  fixed.writeUInt32BE(meta.mode, 8);
  return Buffer.concat([fixed, encodeXattrs(meta.xattrs)]);
}

/** Reads `user.ostreemeta`; the link target stands elsewhere and is given. Throws `corrupt`. */
export function decodeBareUserMeta(data: Buffer): Omit<ContentMeta, "target"> {
  if (data.length < 12) throw damaged("its user.ostreemeta is too short");
  return {
    uid: data.readUInt32BE(0),
    gid: data.readUInt32BE(4),
    mode: data.readUInt32BE(8),
    xattrs: decodeXattrs(data.subarray(12)),
  };
}

function damaged(reason: string): RegrowError {
  return new RegrowError("corrupt", `Damaged content object: ${reason}.`);
}
