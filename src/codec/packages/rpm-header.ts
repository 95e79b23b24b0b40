/**
 * A package in rpm's database: a header as a blob.
 *
 *   u32 count of index entries, u32 length of the data, both big-endian
 *   for each entry: u32 tag, u32 type, i32 offset into the data, u32 count of values
 *   the data
 *
 * Source: the rpm manual, "RPM V4 package format", part "Header".
 */
import { RegrowError } from "../../base/errors.ts";
import type { InstalledPackage } from "./manifest.ts";

const TAG = { name: 1000, version: 1001, release: 1002, epoch: 1003, architecture: 1022 } as const;
const INT32 = 4;
const STRING = 6;
const ENTRY_SIZE = 16;
/** rpm itself allows no more. */
const MOST_ENTRIES = 65_535;

/** The version is `epoch:version-release`, without an epoch of 0. Throws `corrupt`. */
export function parseRpmHeader(blob: Buffer): InstalledPackage {
  const header = openHeader(blob);
  const name = textOf(header, TAG.name);
  const version = textOf(header, TAG.version);
  if (name === undefined || version === undefined) throw corrupt("it has no name or no version");
  const epoch = numberOf(header, TAG.epoch) ?? 0;
  const release = textOf(header, TAG.release);
  return {
    name,
    version: `${epoch === 0 ? "" : `${epoch}:`}${version}${release === undefined ? "" : `-${release}`}`,
    architecture: textOf(header, TAG.architecture) ?? "",
  };
}

interface Header {
  /** By tag: type and offset. */
  readonly entries: ReadonlyMap<number, { readonly type: number; readonly offset: number }>;
  readonly data: Buffer;
}

function openHeader(blob: Buffer): Header {
  if (blob.length < 8) throw corrupt("it is too short");
  const count = blob.readUInt32BE(0);
  const length = blob.readUInt32BE(4);
  const start = 8 + count * ENTRY_SIZE;
  if (count > MOST_ENTRIES || start + length > blob.length) throw corrupt("it is shorter than it says");
  const entries = new Map<number, { type: number; offset: number }>();
  for (let at = 8; at < start; at += ENTRY_SIZE) {
    entries.set(blob.readUInt32BE(at), { type: blob.readUInt32BE(at + 4), offset: blob.readInt32BE(at + 8) });
  }
  return { entries, data: blob.subarray(start, start + length) };
}

function textOf({ entries, data }: Header, tag: number): string | undefined {
  const entry = entries.get(tag);
  if (entry === undefined || entry.type !== STRING) return undefined;
  const end = entry.offset < 0 ? -1 : data.indexOf(0, entry.offset);
  if (end < 0) throw corrupt("a text of it does not end");
  return data.toString("utf8", entry.offset, end);
}

function numberOf({ entries, data }: Header, tag: number): number | undefined {
  const entry = entries.get(tag);
  if (entry === undefined || entry.type !== INT32) return undefined;
  if (entry.offset < 0 || entry.offset + 4 > data.length) throw corrupt("a number of it lies outside");
  return data.readUInt32BE(entry.offset);
}

function corrupt(why: string): RegrowError {
  return new RegrowError("corrupt", `A package's header in rpm's database is damaged: ${why}.`);
}
