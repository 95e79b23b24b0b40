/**
 * The records of a PAX extended header (POSIX.1-2001, pax): `length key=value\n`, the length in decimal digits and of the
 * whole record, its own digits and the newline included. A value may hold any byte.
 */
import { type ByteString, bytesFromBuffer } from "../../base/byte-string.ts";
import { type Place, corruptTar } from "./corrupt.ts";

export interface PaxRecord {
  readonly key: ByteString;
  readonly value: ByteString;
}

const LONGEST_LENGTH = 8;
const SPACE = 0x20;
const NEWLINE = 0x0a;
const EQUALS = 0x3d;

/** All records in order. Throws `corrupt` where their lengths don't fit together. */
export function parsePaxRecords(data: Buffer, place: Place): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < data.length;) {
    if (data[at] === 0 && isZero(data.subarray(at))) break;
    const [start, end] = recordBounds(data, at, place);
    const equals = data.indexOf(EQUALS, start);
    if (equals <= start || equals >= end) throw corruptTar(place, "a record of the extended header has no key");
    records.push({ key: bytesFromBuffer(data, start, equals), value: bytesFromBuffer(data, equals + 1, end) });
    at = end + 1;
  }
  return records;
}

export function formatPaxRecord({ key, value }: PaxRecord): string {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

// From behind the space to the newline.
function recordBounds(data: Buffer, at: number, place: Place): [start: number, end: number] {
  const head = data.toString("latin1", at, at + LONGEST_LENGTH + 1);
  const digits = /^\d+(?= )/.exec(head)?.[0];
  if (digits === undefined) throw corruptTar(place, "a record of the extended header has no length");
  const start = at + digits.length + 1;
  const end = at + Number(digits) - 1;
  if (data[start - 1] !== SPACE || end < start || end >= data.length || data[end] !== NEWLINE) {
    throw corruptTar(place, "a record of the extended header has a wrong length");
  }
  return [start, end];
}

function isZero(data: Buffer): boolean {
  return data.every((byte) => byte === 0);
}
