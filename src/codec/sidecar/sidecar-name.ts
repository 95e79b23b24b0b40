/**
 * Names inside the sidecar's tree must be UTF-8, whatever the names of the files are: `%` and bytes that are part of no
 * UTF-8 character are written as `%` and two hexadecimal digits. The one name `%` and names that begin with `%.` are never
 * the result and serve the sidecar itself.
 */
import { type ByteString, bufferOf, isUtf8 } from "../../base/byte-string.ts";
import { damaged } from "./varint.ts";

/** A folder's own record, in a folder that has a folder of its own in the sidecar. */
export const RECORD_NAME = "%" as ByteString;
/** The entries whose names are not UTF-8, under escaped names. */
export const ODD_NAMES = "%.names" as ByteString;

export function escapeName(name: ByteString): ByteString {
  const percents = name.replaceAll("%", "%25") as ByteString;
  return isUtf8(percents) ? percents : (escapeInvalid(percents) as ByteString);
}

/** The other way round. Throws `corrupt` where it is no escaped name. */
export function unescapeName(name: ByteString): ByteString {
  const plain = name.replace(/%(..)?/g, (_, digits: string | undefined) => {
    if (digits === undefined || !/^[0-9a-f]{2}$/.test(digits)) throw damaged("an escaped name is broken");
    return String.fromCharCode(Number.parseInt(digits, 16));
  }) as ByteString;
  if (escapeName(plain) !== name) throw damaged("an escaped name is not in its one form");
  return plain;
}

function escapeInvalid(name: ByteString): string {
  const data = bufferOf(name);
  let escaped = "";
  for (let at = 0; at < data.length;) {
    const length = characterLength(data, at);
    escaped += length > 0 ? data.toString("latin1", at, at + length) : `%${data[at]!.toString(16).padStart(2, "0")}`;
    at += length || 1;
  }
  return escaped;
}

function characterLength(data: Buffer, at: number): number {
  for (const length of [1, 2, 3, 4]) {
    if (at + length <= data.length && isUtf8(data.toString("latin1", at, at + length) as ByteString)) return length;
  }
  return 0;
}
