/**
 * All header blocks of an entry: a plain one, and in front of it a PAX header with what the plain one can't hold. The same entry
 * always gives the same bytes: no time, process number or counter goes into a PAX header's own name and fields.
 */
import { type ByteString, EMPTY, bytesOf, isUtf8 } from "../../base/byte-string.ts";
import { unwritable } from "./check-entry.ts";
import { type HeaderFields, encodeHeader } from "./encode-header.ts";
import { LONGEST_HEADER, type TarType, type TarWriteEntry, paddingOf } from "./entry.ts";
import { fitsLinkName, splitName, standInName } from "./fit-names.ts";
import { largestOctal } from "./header-numbers.ts";
import { formatPaxRecord } from "./pax-records.ts";
import { formatPaxTime } from "./pax-time.ts";
import { paxFromXattrs } from "./pax-xattrs.ts";

const TYPE_FLAGS: Record<TarType, string> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

const LARGEST_ID = largestOctal(8);
const LARGEST_SIZE = largestOctal(12);

/**
 * @param stored bytes that follow the headers, a sparse map included
 * @param isSparse whether they begin with a sparse map
 * @throws `unsupported` where the PAX header would be larger than a reader takes
 */
export function encodeEntryHeaders(entry: TarWriteEntry, stored: number, isSparse: boolean): Buffer {
  const split = isSparse ? undefined : splitName(entry.name);
  const linkName = entry.linkName ?? EMPTY;
  const fields: HeaderFields = {
    prefix: split?.prefix ?? EMPTY,
    name: split?.name ?? standInName(isSparse ? "GNUSparseFile.0/" : "", entry.name),
    linkName: fitsLinkName(linkName) ? linkName : standInName("", linkName),
    typeFlag: TYPE_FLAGS[entry.type],
    mode: entry.mode,
    // Too large a number is cut to the largest, not to 0: a reader without PAX must not hand a file to root.
    uid: Math.min(entry.uid, LARGEST_ID),
    gid: Math.min(entry.gid, LARGEST_ID),
    size: Math.min(stored, LARGEST_SIZE),
    mtime: Math.min(Math.max(entry.mtime.seconds, 0), LARGEST_SIZE),
    devMajor: entry.devMajor ?? 0,
    devMinor: entry.devMinor ?? 0,
  };
  const records = paxRecords(entry, stored, isSparse, split !== undefined);
  const header = encodeHeader(fields);
  return records === "" ? header : Buffer.concat([encodePaxHeader(entry, records), header]);
}

function encodePaxHeader(entry: TarWriteEntry, records: string): Buffer {
  if (records.length > LONGEST_HEADER)
    throw unwritable(entry, "its extended attributes and names are larger than 1 MiB together");
  const header = encodeHeader({
    prefix: EMPTY,
    name: standInName("PaxHeaders/", entry.name),
    linkName: EMPTY,
    typeFlag: "x",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: records.length,
    mtime: 0,
    devMajor: 0,
    devMinor: 0,
  });
  return Buffer.concat([header, Buffer.from(records, "latin1"), Buffer.alloc(paddingOf(records.length))]);
}

function paxRecords(entry: TarWriteEntry, stored: number, isSparse: boolean, isNameSplit: boolean): string {
  const linkName = entry.linkName ?? EMPTY;
  const pairs: [key: string, value: string][] = [];
  if (!isUtf8(entry.name) || !isUtf8(linkName)) pairs.push(["hdrcharset", "BINARY"]);
  if (!isNameSplit && !isSparse) pairs.push(["path", entry.name]);
  if (!fitsLinkName(linkName)) pairs.push(["linkpath", linkName]);
  if (entry.uid > LARGEST_ID) pairs.push(["uid", String(entry.uid)]);
  if (entry.gid > LARGEST_ID) pairs.push(["gid", String(entry.gid)]);
  if (stored > LARGEST_SIZE) pairs.push(["size", String(stored)]);
  if (!isPlainTime(entry)) pairs.push(["mtime", formatPaxTime(entry.mtime)]);
  if (isSparse) {
    pairs.push(["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"], ["GNU.sparse.name", entry.name]);
    pairs.push(["GNU.sparse.realsize", String(entry.size ?? 0)]);
  }
  const records = pairs.map(([key, value]) => ({ key: bytesOf(key), value: value as ByteString }));
  return [...records, ...paxFromXattrs(entry.xattrs ?? [])].map(formatPaxRecord).join("");
}

function isPlainTime({ mtime }: TarWriteEntry): boolean {
  return mtime.nanoseconds === 0 && mtime.seconds >= 0 && mtime.seconds <= LARGEST_SIZE;
}
