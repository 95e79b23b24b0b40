/**
 * The sidecar of one folder: what OSTree's format has no place for, an entry for each name in it.
 *
 *   "rgs1"  then, sorted by name, for each entry
 *     bytes name             "" is the folder itself and comes first
 *     unsigned fields        a bit for each field that follows, in this order
 *       1 time      signed seconds, unsigned nanoseconds
 *       2 flags     unsigned inode flags (chattr)
 *       4 holes     unsigned count, then for each stretch of data: unsigned gap before it, unsigned length
 *       8 link      bytes path of the file that this one is a hard link to, from the root of the tree
 *      16 node      unsigned mode with type bits, uid, gid, major, minor, count of xattrs, then name and value of each;
 *                   then, of a symbolic link, bytes target
 *      32 empty     unsigned count of extended attributes that have an empty value, then bytes name of each
 *
 * All numbers are LEB128 in the shortest form, so a folder has exactly one record and its checksum compares its content.
 */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { isEntryName } from "../ostree/dirtree.ts";
import type { XattrRecord } from "../ostree/xattrs.ts";
import {
  type Sink,
  type Source,
  damaged,
  getBuffer,
  getBytes,
  getSigned,
  getUnsigned,
  newSink,
  putBuffer,
  putBytes,
  putSigned,
  putUnsigned,
} from "./varint.ts";

export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

/** A device node, a FIFO, or a symbolic link whose target is not UTF-8: they live in the sidecar alone. */
export interface NodeRecord {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: readonly XattrRecord[];
  /** Of a symbolic link. */
  readonly target?: ByteString | undefined;
}

export interface EntryRecord {
  readonly name: ByteString;
  readonly time?: { readonly seconds: number; readonly nanoseconds: number } | undefined;
  /** Inode flags, 0 or absent where none is set. */
  readonly flags?: number | undefined;
  /** The stretches of data of a sparse file, in order; what lies between reads as zeroes. */
  readonly data?: readonly Stretch[] | undefined;
  /** The path, from the root of the tree, of the first name of the same file. */
  readonly linkTo?: ByteString | undefined;
  readonly node?: NodeRecord | undefined;
  /** Names of extended attributes that have an empty value, sorted: OSTree drops them. */
  readonly emptyXattrs?: readonly ByteString[] | undefined;
}

const MAGIC = Buffer.from("rgs1");
const TIME = 1;
const FLAGS = 2;
const HOLES = 4;
const LINK = 8;
const NODE = 16;
const EMPTY_XATTRS = 32;
const S_IFLNK = 0o120000;

/** The entries must be sorted by name. */
export function encodeFolderRecord(entries: Iterable<EntryRecord>): Buffer {
  const sink = newSink();
  sink.length = MAGIC.copy(sink.buffer);
  for (const entry of entries) putEntry(sink, entry);
  return Buffer.from(sink.buffer.subarray(0, sink.length));
}

/** Throws `corrupt`. */
export function decodeFolderRecord(data: Buffer): EntryRecord[] {
  if (!data.subarray(0, 4).equals(MAGIC)) throw damaged("it does not begin with its mark");
  const source: Source = { data, at: 4 };
  const entries: EntryRecord[] = [];
  while (source.at < data.length) {
    const entry = getEntry(source);
    const last = entries.at(-1);
    if (last !== undefined && entry.name <= last.name) throw damaged("its names are not in order");
    checkEntry(entry);
    entries.push(entry);
  }
  return entries;
}

function checkEntry({ name, linkTo, data, node }: EntryRecord): void {
  if (name === "" ? linkTo !== undefined || data || node : !isEntryName(name)) throw damaged(`it names "${displayBytes(name)}"`);
  if (linkTo !== undefined && !linkTo.split("/").every((piece) => isEntryName(piece)))
    throw damaged(`a link leads to "${displayBytes(linkTo)}"`);
}

function putEntry(sink: Sink, entry: EntryRecord): void {
  const { name, time, flags, data, linkTo, node, emptyXattrs } = entry;
  putBytes(sink, name);
  putUnsigned(sink, fieldsOf(entry));
  if (time) {
    putSigned(sink, time.seconds);
    putUnsigned(sink, time.nanoseconds);
  }
  if (flags) putUnsigned(sink, flags);
  if (data) putStretches(sink, data);
  if (linkTo !== undefined) putBytes(sink, linkTo);
  if (node) putNode(sink, node);
  if (emptyXattrs) {
    putUnsigned(sink, emptyXattrs.length);
    for (const xattr of emptyXattrs) putBytes(sink, xattr);
  }
}

function fieldsOf({ time, flags, data, linkTo, node, emptyXattrs }: EntryRecord): number {
  const ofNode = (node ? NODE : 0) | (emptyXattrs ? EMPTY_XATTRS : 0);
  return (time ? TIME : 0) | (flags ? FLAGS : 0) | (data ? HOLES : 0) | (linkTo !== undefined ? LINK : 0) | ofNode;
}

function getEntry(source: Source): EntryRecord {
  const name = getBytes(source) as ByteString;
  const fields = getUnsigned(source);
  if (fields >= EMPTY_XATTRS * 2) throw damaged("it holds a field that this version does not know");
  return {
    name,
    time: fields & TIME ? getTime(source) : undefined,
    flags: fields & FLAGS ? getFlags(source) : undefined,
    data: fields & HOLES ? getStretches(source) : undefined,
    linkTo: fields & LINK ? (getBytes(source) as ByteString) : undefined,
    node: fields & NODE ? getNode(source) : undefined,
    emptyXattrs: fields & EMPTY_XATTRS ? getEmptyXattrs(source) : undefined,
  };
}

function getTime(source: Source): { seconds: number; nanoseconds: number } {
  const time = { seconds: getSigned(source), nanoseconds: getUnsigned(source) };
  if (time.nanoseconds >= 1e9) throw damaged("a time is out of range");
  return time;
}

function getFlags(source: Source): number {
  const flags = getUnsigned(source);
  if (flags === 0 || flags > 0xffffffff) throw damaged("inode flags are out of range");
  return flags;
}

function putStretches(sink: Sink, stretches: readonly Stretch[]): void {
  putUnsigned(sink, stretches.length);
  let end = 0;
  for (const { offset, length } of stretches) {
    putUnsigned(sink, offset - end);
    putUnsigned(sink, length);
    end = offset + length;
  }
}

function getStretches(source: Source): Stretch[] {
  const count = getUnsigned(source);
  // Each takes two bytes at least: a count that can't be true must not reserve memory.
  if (count > source.data.length) throw damaged("a count is out of range");
  const stretches: Stretch[] = [];
  let end = 0;
  for (let index = 0; index < count; index++) {
    const offset = end + getUnsigned(source);
    const length = getUnsigned(source);
    end = offset + length;
    if (length === 0 || !Number.isSafeInteger(end)) throw damaged("a stretch of data is out of range");
    stretches.push({ offset, length });
  }
  return stretches;
}

function putNode(sink: Sink, node: NodeRecord): void {
  for (const value of [node.mode, node.uid, node.gid, node.major, node.minor, node.xattrs.length]) putUnsigned(sink, value);
  for (const { name, value } of node.xattrs) {
    putBytes(sink, name);
    putBuffer(sink, value);
  }
  if (node.target !== undefined) putBytes(sink, node.target);
}

function getNode(source: Source): NodeRecord {
  const [mode, uid, gid, major, minor, count] = Array.from({ length: 6 }, () => getUnsigned(source)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const type = mode & 0o170000;
  if (mode > 0o177777 || (type !== 0o020000 && type !== 0o060000 && type !== 0o010000 && type !== S_IFLNK))
    throw damaged("a node is neither device, FIFO nor link");
  if (Math.max(uid, gid, major, minor) > 0xffffffff || count > source.data.length)
    throw damaged("a node's number is out of range");
  const xattrs: XattrRecord[] = [];
  for (let index = 0; index < count; index++) {
    const name = getBytes(source) as ByteString;
    if (name === "" || name.includes("\0") || name <= (xattrs.at(-1)?.name ?? ""))
      throw damaged("a node's attributes are not in order");
    xattrs.push({ name, value: getBuffer(source) });
  }
  const node = { mode, uid, gid, major, minor, xattrs };
  return type === S_IFLNK ? { ...node, target: getTarget(source) } : node;
}

function getTarget(source: Source): ByteString {
  const target = getBytes(source) as ByteString;
  if (target === "" || target.includes("\0")) throw damaged("a link's target is broken");
  return target;
}

function getEmptyXattrs(source: Source): ByteString[] {
  const count = getUnsigned(source);
  if (count === 0 || count > source.data.length) throw damaged("a count is out of range");
  const names: ByteString[] = [];
  for (let index = 0; index < count; index++) {
    const name = getBytes(source) as ByteString;
    if (name.includes("\0") || name <= (names.at(-1) ?? "")) throw damaged("attributes are not in order");
    names.push(name);
  }
  return names;
}
