/**
 * Extended attributes in PAX headers. Three ways of writing them are read:
 * - `SCHILY.xattr.NAME=bytes` (star, GNU tar, bsdtar); GNU tar writes `%` as `%25` and `=` as `%3D` in the name;
 * - `LIBARCHIVE.xattr.NAME=base64` (bsdtar), the name percent-encoded;
 * - `RHT.security.selinux=label` (GNU tar --selinux); the attribute itself ends with a NUL.
 * The first is written.
 */
import { type ByteString, bufferOf } from "../../base/byte-string.ts";
import { type Place, corruptTar } from "./corrupt.ts";
import type { TarXattr } from "./entry.ts";
import type { PaxRecord } from "./pax-records.ts";

const SCHILY = "SCHILY.xattr.";
const LIBARCHIVE = "LIBARCHIVE.xattr.";
const SELINUX = "RHT.security.selinux";
const NO_XATTRS: readonly TarXattr[] = [];

/** True where an empty value is a value, not a taking back. */
export function isXattrKey(key: string): boolean {
  return key.startsWith(SCHILY) || key.startsWith(LIBARCHIVE);
}

/** All attributes, sorted by name; the later of two of the same name counts. Throws `corrupt` on a name or value that can't be one. */
export function xattrsFromPax(values: ReadonlyMap<string, ByteString>, place: Place): readonly TarXattr[] {
  const found = new Map<ByteString, Buffer>();
  const label = values.get(SELINUX);
  if (label !== undefined) found.set("security.selinux" as ByteString, bufferOf(`${label}\0` as ByteString));
  for (const [key, value] of values) {
    if (key.startsWith(SCHILY)) {
      // bsdtar (3.6.2) writes both, and in both it percent-encodes the name.
      if (values.has(LIBARCHIVE + key.slice(SCHILY.length))) continue;
      found.set(checkName(decodeSchily(key.slice(SCHILY.length)), place), bufferOf(value));
    } else if (key.startsWith(LIBARCHIVE)) {
      found.set(checkName(decodePercent(key.slice(LIBARCHIVE.length)), place), decodeBase64(value, place));
    }
  }
  if (found.size === 0) return NO_XATTRS;
  return sortXattrs([...found].map(([name, value]) => ({ name, value })));
}

export function paxFromXattrs(xattrs: readonly TarXattr[]): PaxRecord[] {
  return sortXattrs(xattrs).map(({ name, value }) => {
    const encoded = name.replaceAll("%", "%25").replaceAll("=", "%3D");
    return { key: (SCHILY + encoded) as ByteString, value: value.toString("latin1") as ByteString };
  });
}

function sortXattrs(xattrs: readonly TarXattr[]): TarXattr[] {
  return [...xattrs].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function checkName(name: ByteString, place: Place): ByteString {
  if (name === "" || name.includes("\0")) throw corruptTar(place, "an extended attribute has no usable name");
  return name;
}

function decodeSchily(name: string): ByteString {
  return name.replaceAll("%3D", "=").replaceAll("%25", "%") as ByteString;
}

function decodePercent(name: string): ByteString {
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as ByteString;
}

function decodeBase64(value: ByteString, place: Place): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw corruptTar(place, "an extended attribute is not base64");
  return Buffer.from(value, "base64");
}
