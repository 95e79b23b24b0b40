/**
 * What an entry is, from all its headers together: a sparse name goes before PAX's, PAX's before GNU's, GNU's before the header's
 * own. No entry leaves here with an empty name, with a NUL in one, or with a number that can't be used.
 */
import { type ByteString, EMPTY } from "../../base/byte-string.ts";
import { type Place, corruptTar, shown, unsupportedTar } from "./corrupt.ts";
import type { TarEntry, TarType } from "./entry.ts";
import { type Header, type HeaderNumber, headerNumber, isV7 } from "./header.ts";
import type { Member } from "./member.ts";
import { type PaxFields, paxInteger, paxTime } from "./pax-fields.ts";
import { xattrsFromPax } from "./pax-xattrs.ts";

/** An entry but for its content. */
export type EntryFacts = Omit<TarEntry, "content" | "size" | "sparse">;

const TYPES: Record<string, TarType> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  D: "directory",
  S: "file",
};

const LARGEST_ID = 2 ** 32 - 1;

// What a PAX header can hold of a file, and TarEntry can't.
const LOSSES: Record<string, string> = {
  "SCHILY.acl.access": "its access ACL, in text form, is left out",
  "SCHILY.acl.default": "its default ACL, in text form, is left out",
  "SCHILY.acl.ace": "its NFSv4 ACL is left out",
  "SCHILY.fflags": "its inode flags are left out",
};

const CHARSETS = ["BINARY", "ISO-IR 10646 2000 UTF-8"];

/** Throws `corrupt` where the headers say what can't be, `unsupported` for a type that no common archiver writes. */
export function decodeEntry(member: Member): EntryFacts {
  const { header, pax } = member;
  const name = nameOf(member);
  const place: Place = { offset: header.offset, name };
  const type = typeOf(member, name, place);
  return {
    name,
    type,
    linkName: type === "hardlink" || type === "symlink" ? linkNameOf(member, place) : EMPTY,
    mode: headerNumber(header, "mode", place) & 0o7777,
    uid: numberOf(member, "uid", "uid", LARGEST_ID, place),
    gid: numberOf(member, "gid", "gid", LARGEST_ID, place),
    mtime: paxTime(pax, "mtime", place) ?? { seconds: headerNumber(header, "mtime", place), nanoseconds: 0 },
    ...deviceOf(member, type, place),
    xattrs: xattrsFromPax(pax.values, place),
    warnings: warningsOf(header, pax),
  };
}

/** The bytes that the archive stores behind the header, without padding. */
export function storedSize(member: Member, type: TarType, place: Place): number {
  // Links and specials store nothing, whatever size they state: GNU tar and Python read it so. GNU's list of a folder's names is data.
  if (type !== "file" && member.header.typeFlag !== "D") return 0;
  return numberOf(member, "size", "size", Number.MAX_SAFE_INTEGER, place);
}

function nameOf({ header, pax, longName }: Member): ByteString {
  const name = pax.values.get("GNU.sparse.name") ?? pax.values.get("path") ?? longName ?? header.name;
  const place = { offset: header.offset, name };
  if (name === "") throw corruptTar(place, "the entry has no name");
  if (name.includes("\0")) throw corruptTar(place, "the entry's name has a NUL in it");
  return name;
}

function linkNameOf({ header, pax, longLink }: Member, place: Place): ByteString {
  const linkName = pax.values.get("linkpath") ?? longLink ?? header.linkName;
  if (linkName === "") throw corruptTar(place, "the link has no target");
  if (linkName.includes("\0")) throw corruptTar(place, "the link's target has a NUL in it");
  return linkName;
}

function typeOf(member: Member, name: ByteString, place: Place): TarType {
  const { typeFlag } = member.header;
  const type = TYPES[typeFlag];
  if (type === undefined)
    throw unsupportedTar(place, `its type, "${shown(typeFlag as ByteString)}", is none that this version knows`);
  if (type !== "file" || !name.endsWith("/")) return type;
  // The oldest archives have no type for folders, only the slash.
  if (storedSize(member, type, place) !== 0) throw corruptTar(place, "its name is a folder's and it has content");
  return "directory";
}

function deviceOf(member: Member, type: TarType, place: Place): { devMajor: number; devMinor: number } {
  if (type !== "character" && type !== "block") return { devMajor: 0, devMinor: 0 };
  if (isV7(member.header)) throw corruptTar(place, "it is a device in a format that has no device numbers");
  return {
    devMajor: numberOf(member, "devMajor", "SCHILY.devmajor", LARGEST_ID, place),
    devMinor: numberOf(member, "devMinor", "SCHILY.devminor", LARGEST_ID, place),
  };
}

function numberOf(member: Member, field: HeaderNumber, key: string, largest: number, place: Place): number {
  const value = paxInteger(member.pax, key, place) ?? headerNumber(member.header, field, place);
  if (value < 0 || value > largest) throw corruptTar(place, `its ${field} is ${value}, which can't be`);
  return value;
}

function warningsOf(header: Header, pax: PaxFields): string[] {
  const warnings = Object.entries(LOSSES).flatMap(([key, loss]) => (pax.values.has(key) ? [loss] : []));
  const charset = pax.values.get("hdrcharset");
  if (charset !== undefined && !CHARSETS.includes(charset))
    warnings.push(`its names are in the character set ${shown(charset)} and were kept as they are`);
  if (header.typeFlag === "D")
    warnings.push("it comes from an incremental archive: the list of the names that the folder had is left out");
  return warnings;
}
