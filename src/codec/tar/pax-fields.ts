/**
 * What extended headers say of an entry: the last record of a key counts, one with an empty value takes back what was said
 * before. Sparse maps of the first kind (GNU 0.0) repeat their keys and are kept as a list.
 */
import type { ByteString } from "../../base/byte-string.ts";
import { type Place, corruptTar } from "./corrupt.ts";
import { LARGEST_GLOBAL, LONGEST_HEADER, type TarTime } from "./entry.ts";
import type { PaxRecord } from "./pax-records.ts";
import { parsePaxTime } from "./pax-time.ts";
import { isXattrKey } from "./pax-xattrs.ts";

export interface PaxFields {
  readonly values: Map<string, ByteString>;
  /** The values of GNU.sparse.offset and GNU.sparse.numbytes in turn. */
  readonly sparsePairs: ByteString[];
  /** Bytes of all keys and values together. */
  weight: number;
}

const LONGEST_INTEGER = 20;
const PAIR_KEYS = ["GNU.sparse.offset", "GNU.sparse.numbytes"] as const;

export function emptyPaxFields(): PaxFields {
  return { values: new Map(), sparsePairs: [], weight: 0 };
}

/** Lets records add to and overrule what `fields` has. Throws `corrupt` beyond the limit of memory. */
export function addPaxRecords(fields: PaxFields, records: readonly PaxRecord[], place: Place): void {
  for (const { key, value } of records) {
    if ((PAIR_KEYS as readonly string[]).includes(key)) addSparseNumber(fields, key, value, place);
    else if (value === "" && !isXattrKey(key)) fields.values.delete(key);
    else fields.values.set(key, value);
    fields.weight += key.length + value.length;
  }
  if (fields.weight > LONGEST_HEADER) throw corruptTar(place, "the extended headers are larger than 1 MiB");
}

/** Lets a global header's records add to what holds for all entries that follow. */
export function addGlobalRecords(fields: PaxFields, records: readonly PaxRecord[], place: Place): void {
  const sparse = records.find(({ key }) => key.startsWith("GNU.sparse."));
  if (sparse) throw corruptTar(place, `a global header has ${sparse.key}, which can only be one entry's`);
  addPaxRecords(fields, records, place);
  // What was overruled is free again; else a long archive with a global header before each entry would run into the limit.
  fields.weight = 0;
  for (const [key, value] of fields.values) fields.weight += key.length + value.length;
  if (fields.weight > LARGEST_GLOBAL) throw corruptTar(place, "the global headers are larger than 64 KiB");
}

/** What holds for one entry: the global records, overruled by its own. */
export function overrule(global: PaxFields, own: readonly PaxRecord[], place: Place): PaxFields {
  if (own.length === 0) return global;
  const fields = { values: new Map(global.values), sparsePairs: [], weight: 0 };
  addPaxRecords(fields, own, place);
  return fields;
}

/** A whole number that is not negative, or undefined where the headers say none. */
export function paxInteger(fields: PaxFields, key: string, place: Place): number | undefined {
  const text = fields.values.get(key);
  return text === undefined ? undefined : parsePaxInteger(text, key, place);
}

export function parsePaxInteger(text: string, key: string, place: Place): number {
  const value = text.length <= LONGEST_INTEGER && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw corruptTar(place, `${key} of the extended header is not a number that can be used`);
  return value;
}

export function paxTime(fields: PaxFields, key: string, place: Place): TarTime | undefined {
  const text = fields.values.get(key);
  if (text === undefined) return undefined;
  const time = parsePaxTime(text);
  if (time === undefined) throw corruptTar(place, `${key} of the extended header is not a time that can be used`);
  return time;
}

function addSparseNumber(fields: PaxFields, key: string, value: ByteString, place: Place): void {
  if (key !== PAIR_KEYS[fields.sparsePairs.length % 2])
    throw corruptTar(place, "the sparse map has an offset without its length");
  fields.sparsePairs.push(value);
}
