/**
 * The log of a disk's writes as QEMU's blklogwrites driver keeps it, in the format of the kernel's dm-log-writes
 * (Documentation/admin-guide/device-mapper/log-writes.rst). Little-endian, in sectors of `sector size` bytes:
 *
 *   sector 0     u64 magic, u64 version, u64 entries, u32 sector size
 *   each entry   a sector: u64 first sector, u64 sectors, u64 flags, u64 length of a mark's text; then the data: `sectors` of a write,
 *                none of a discard, the text of a mark
 *
 * The count of entries in sector 0 is only brought up to date now and then: the log ends where an entry is all zero.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const MAGIC = 0x6a736677736872n;
const ENTRY_BYTES = 32;
const FLUSH = 1n;
const FUA = 2n;
const DISCARD = 4n;
const MARK = 8n;

export interface LoggedWrite {
  readonly kind: "write" | "discard";
  /** Where on the disk, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Where its data stand in the log; a discard has none. */
  readonly dataAt: number;
  /** Durable by itself once it is done; says nothing about the writes before it. */
  readonly isForced: boolean;
}

/** What was written before a flush is durable after it. */
export type LogEntry = LoggedWrite | { readonly kind: "flush" };

/** All entries, without their data. Throws where the file is no such log, or ends inside an entry. */
export function readWriteLog(file: string): LogEntry[] {
  const fd = openSync(file, "r");
  try {
    const size = fstatSync(fd).size;
    const head = readAt(fd, 0, 28);
    // Sector 0 comes with the first write, and before it nothing.
    if (head.every((byte) => byte === 0)) return [];
    if (head.readBigUInt64LE(0) !== MAGIC || head.readBigUInt64LE(8) !== 1n) throw new Error(`${file}: is no log of writes.`);
    const sectorSize = head.readUInt32LE(24);
    const entries: LogEntry[] = [];
    for (let at = sectorSize; at + sectorSize <= size;) {
      const entry = readAt(fd, at, ENTRY_BYTES);
      const [sector, sectors, flags, textBytes] = [0, 8, 16, 24].map((field) => entry.readBigUInt64LE(field)) as Fields;
      if (sectors === 0n && flags === 0n) break;
      if ((flags & ~(FLUSH | FUA | DISCARD | MARK)) !== 0n) throw new Error(`${file}: unknown flags ${flags} at ${at}.`);
      const isWrite = (flags & (DISCARD | MARK)) === 0n;
      const stored = isWrite ? Number(sectors) * sectorSize : Math.ceil(Number(textBytes) / sectorSize) * sectorSize;
      if (at + sectorSize + stored > size) throw new Error(`${file}: ends inside the entry at ${at}.`);
      // A flush that brings data along comes before them.
      if ((flags & FLUSH) !== 0n) entries.push({ kind: "flush" });
      if (sectors > 0n && (flags & MARK) === 0n) {
        entries.push({
          kind: isWrite ? "write" : "discard",
          offset: Number(sector) * sectorSize,
          length: Number(sectors) * sectorSize,
          dataAt: at + sectorSize,
          isForced: (flags & FUA) !== 0n,
        });
      }
      at += sectorSize + stored;
    }
    return entries;
  } finally {
    closeSync(fd);
  }
}

type Fields = [bigint, bigint, bigint, bigint];

function readAt(fd: number, at: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  const read = readSync(fd, buffer, 0, length, at);
  if (read !== length) throw new Error(`The log ends at ${at + read}.`);
  return buffer;
}
