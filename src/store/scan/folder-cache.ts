/**
 * What each folder of a tree became when its tree was last written. A folder whose own times are as they were, in which the same inodes
 * stand under the same names, whose files are all known to the stat cache, and whose subfolders are as they were too, becomes that
 * again, without being encoded and hashed anew. What the stat cache knows nothing of makes no such folder: devices, files with holes or
 * several names, names that are not UTF-8.
 *
 *   records    184 bytes each: u32 dev major, dev minor, inode low, high, mtime ns, ctime ns · f64 mtime, ctime · u32 kind of sidecar
 *              (0 none, 1 record, 2 folder), name sum low, high (name-sum.ts), zero · checksums of dirtree, dirmeta, sidecar record,
 *              sidecar dirtree, 32 bytes each
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Stat } from "../../sys/stat.ts";
import type { FolderIdentity } from "../tree/write-tree.ts";
import type { NameSum } from "./name-sum.ts";
import { changedBefore } from "./settled.ts";

export interface KnownFolder {
  readonly identity: FolderIdentity;
  /** Of all that was in it. */
  readonly names: NameSum;
}

export interface FolderCache {
  readonly bytes: Buffer;
  /** Offset of a folder's record by its inode; of two folders with the same number on two devices the later. */
  readonly byInode: ReadonlyMap<number, number>;
}

export const FOLDER_RECORD = 184;
const CHECKSUMS = 56;
const KINDS = ["none", "record", "folder"] as const;

export function readFolderCache(bytes: Buffer): FolderCache {
  const byInode = new Map<number, number>();
  for (let at = 0; at < bytes.length; at += FOLDER_RECORD) {
    byInode.set(bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * 2 ** 32, at);
  }
  return { bytes, byInode };
}

/** What the folder was, or undefined where it has changed or was never seen. */
export function lookUpFolder({ bytes, byInode }: FolderCache, stat: Stat): KnownFolder | undefined {
  const at = byInode.get(stat.inoLow + stat.inoHigh * 2 ** 32);
  if (at === undefined || !matches(bytes, at, stat)) return undefined;
  return { identity: identityAt(bytes, at), names: { low: bytes.readUInt32LE(at + 44), high: bytes.readUInt32LE(at + 48) } };
}

function identityAt(bytes: Buffer, at: number): FolderIdentity {
  const checksum = (index: number): Checksum => {
    const start = at + CHECKSUMS + index * 32;
    return bytes.toString("hex", start, start + 32) as Checksum;
  };
  const kind = KINDS[bytes.readUInt32LE(at + 40)] ?? "none";
  const identity = { tree: checksum(0), meta: checksum(1) };
  if (kind === "none") return { ...identity, sidecar: undefined, record: undefined };
  const record = checksum(2);
  return { ...identity, record, sidecar: kind === "record" ? { kind, checksum: record } : { kind, tree: checksum(3) } };
}

/** The records of the folders that may be known again; `readAt` in milliseconds, before any of them was read. */
export function encodeFolders(folders: readonly (readonly [Stat, KnownFolder])[], readAt: number): Buffer {
  const settled = folders.filter(([stat]) => changedBefore(stat, readAt));
  const bytes = Buffer.alloc(settled.length * FOLDER_RECORD);
  for (const [index, [stat, folder]] of settled.entries()) encode(bytes, index * FOLDER_RECORD, stat, folder);
  return bytes;
}

function encode(bytes: Buffer, at: number, stat: Stat, { identity, names }: KnownFolder): void {
  const { tree, meta, record, sidecar } = identity;
  const { devMajor, devMinor, inoLow, inoHigh, mtimeNanoseconds, ctimeNanoseconds, mtimeSeconds, ctimeSeconds } = stat;
  for (const [index, value] of [devMajor, devMinor, inoLow, inoHigh, mtimeNanoseconds, ctimeNanoseconds].entries())
    bytes.writeUInt32LE(value, at + index * 4);
  bytes.writeDoubleLE(mtimeSeconds, at + 24);
  bytes.writeDoubleLE(ctimeSeconds, at + 32);
  bytes.writeUInt32LE(KINDS.indexOf(sidecar?.kind ?? "none"), at + 40);
  bytes.writeUInt32LE(names.low, at + 44);
  bytes.writeUInt32LE(names.high, at + 48);
  const checksums = [tree, meta, record, sidecar?.kind === "folder" ? sidecar.tree : undefined];
  for (const [index, checksum] of checksums.entries()) bytes.write(checksum ?? "", at + CHECKSUMS + index * 32, "hex");
}

function matches(bytes: Buffer, at: number, stat: Stat): boolean {
  return (
    bytes.readUInt32LE(at + 8) === stat.inoLow &&
    bytes.readUInt32LE(at + 12) === stat.inoHigh &&
    bytes.readUInt32LE(at) === stat.devMajor &&
    bytes.readUInt32LE(at + 4) === stat.devMinor &&
    bytes.readUInt32LE(at + 16) === stat.mtimeNanoseconds &&
    bytes.readUInt32LE(at + 20) === stat.ctimeNanoseconds &&
    bytes.readDoubleLE(at + 24) === stat.mtimeSeconds &&
    bytes.readDoubleLE(at + 32) === stat.ctimeSeconds
  );
}
