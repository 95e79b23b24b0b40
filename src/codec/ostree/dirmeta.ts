/** Folder metadata: `(uuua(ayay))` = uid, gid, mode with the type bits, extended attributes; integers big-endian. */
import { RegrowError } from "../../base/errors.ts";
import { type XattrRecord, decodeXattrs, encodeXattrs } from "./xattrs.ts";

export interface DirMeta {
  readonly uid: number;
  readonly gid: number;
  /** With the type bits: 040755. */
  readonly mode: number;
  readonly xattrs: readonly XattrRecord[];
}

export function encodeDirMeta(meta: DirMeta): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt32BE(meta.uid, 0);
  fixed.writeUInt32BE(meta.gid, 4);
  fixed.writeUInt32BE(meta.mode, 8);
  return meta.xattrs.length === 0 ? fixed : Buffer.concat([fixed, encodeXattrs(meta.xattrs)]);
}

/** Throws `corrupt`. */
export function decodeDirMeta(data: Buffer): DirMeta {
  if (data.length < 12) throw new RegrowError("corrupt", "Damaged dirmeta object: it is too short.");
  const mode = data.readUInt32BE(8);
  if ((mode & 0o170000) !== 0o040000 || mode > 0o177777)
    throw new RegrowError("corrupt", "Damaged dirmeta object: it is no folder's.");
  return { uid: data.readUInt32BE(0), gid: data.readUInt32BE(4), mode, xattrs: decodeXattrs(data.subarray(12)) };
}
