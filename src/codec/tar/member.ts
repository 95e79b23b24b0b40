/**
 * From one entry to the next: the header blocks of an entry together with what stands before it to extend them (PAX `x`, `g`, GNU
 * `L`, `K`). What precedes an entry holds for that entry alone, but for `g`, which holds until overruled.
 */
import { type ByteString, bytesFromBuffer } from "../../base/byte-string.ts";
import { isZeroBlock, readBlock, readPadded, skipBytes } from "./blocks.ts";
import type { ByteReader } from "./byte-reader.ts";
import { type Place, corruptTar, unsupportedTar } from "./corrupt.ts";
import { LONGEST_HEADER, paddingOf } from "./entry.ts";
import { type Header, decodeHeader, headerNumber } from "./header.ts";
import { type PaxFields, addGlobalRecords, overrule } from "./pax-fields.ts";
import { type PaxRecord, parsePaxRecords } from "./pax-records.ts";

/** All headers of an entry; `longName` and `longLink` are GNU's. */
export interface Member {
  readonly header: Header;
  readonly pax: PaxFields;
  readonly longName: ByteString | undefined;
  readonly longLink: ByteString | undefined;
}

interface Pending {
  records: PaxRecord[];
  longName: ByteString | undefined;
  longLink: ByteString | undefined;
  bytes: number;
}

/** The next entry's headers, or undefined at the archive's end. `global` takes in the global headers on the way. */
export async function readMember(bytes: ByteReader, global: PaxFields, requireEnd: boolean): Promise<Member | undefined> {
  const pending: Pending = { records: [], longName: undefined, longLink: undefined, bytes: 0 };
  for (;;) {
    const offset = bytes.offset;
    const block = await readBlock(bytes);
    if (block === undefined || isZeroBlock(block)) {
      if (pending.bytes > 0) throw corruptTar({ offset }, "the archive ends behind an extended header, without its entry");
      await checkEnd(bytes, offset, block !== undefined, requireEnd);
      return undefined;
    }
    const header = decodeHeader(block, offset);
    if (await takeExtension(bytes, header, pending, global)) continue;
    const place = { offset, name: pending.longName ?? header.name };
    return { header, pax: overrule(global, pending.records, place), longName: pending.longName, longLink: pending.longLink };
  }
}

// Of the two zero blocks at the end the second may be missing, as in some old archives.
async function checkEnd(bytes: ByteReader, offset: number, isMarked: boolean, requireEnd: boolean): Promise<void> {
  if (!isMarked) {
    if (requireEnd) throw corruptTar({ offset }, "the archive has no end marker: it may have been cut short");
    return;
  }
  const second = await readBlock(bytes);
  if (second !== undefined && !isZeroBlock(second)) throw corruptTar({ offset }, "a lone zero block stands between entries");
}

// True where the header was no entry's own, but one that says something of the next, or of none.
async function takeExtension(bytes: ByteReader, header: Header, pending: Pending, global: PaxFields): Promise<boolean> {
  const place = { offset: header.offset, name: header.name };
  switch (header.typeFlag) {
    case "x":
    case "X":
      pending.records.push(...parsePaxRecords(await readExtension(bytes, header, pending), place));
      return true;
    case "g":
      addGlobalRecords(global, parsePaxRecords(await readExtension(bytes, header, undefined), place), place);
      return true;
    case "L":
      pending.longName = trimNuls(await readExtension(bytes, header, pending));
      return true;
    case "K":
      pending.longLink = trimNuls(await readExtension(bytes, header, pending));
      return true;
    case "V":
      await skipVolumeLabel(bytes, header, place);
      return true;
    case "M":
      throw unsupportedTar(place, "it continues a file of another volume");
    default:
      return false;
  }
}

async function readExtension(bytes: ByteReader, header: Header, pending: Pending | undefined): Promise<Buffer> {
  const place = { offset: header.offset };
  const size = headerNumber(header, "size", place);
  const total = size + (pending?.bytes ?? 0);
  if (size < 0 || total > LONGEST_HEADER) throw corruptTar(place, "the extended headers are larger than 1 MiB");
  // An empty one still needs an entry to follow it.
  if (pending) pending.bytes = Math.max(total, 1);
  return readPadded(bytes, size, place);
}

async function skipVolumeLabel(bytes: ByteReader, header: Header, place: Place): Promise<void> {
  const size = headerNumber(header, "size", place);
  if (size < 0) throw corruptTar(place, "the header's size is negative");
  await skipBytes(bytes, size + paddingOf(size), place);
}

function trimNuls(data: Buffer): ByteString {
  let end = data.length;
  while (end > 0 && data[end - 1] === 0) end--;
  return bytesFromBuffer(data, 0, end);
}
