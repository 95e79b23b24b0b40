/**
 * GVariant parsing, strict: only the normal form is read, all else is `corrupt`. So a checksum stands for one value,
 * and no input makes the reader look outside its bytes.
 */
import { RegrowError } from "../../base/errors.ts";
import { type GType, align, offsetSize, offsetSizeOfTotal, parseType } from "./type.ts";
import type { GValue, Variant } from "./value.ts";

const MAX_NESTING = 64;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The value of `type` that `data` holds. Buffers in it are views of `data`. Throws `corrupt`. */
export function decodeVariant(type: string, data: Buffer): GValue {
  return decode(parseType(type), data, 0);
}

function decode(type: GType, data: Buffer, depth: number): GValue {
  if (depth > MAX_NESTING) throw corrupt("it is nested too deeply");
  if (type.fixedSize !== 0 && data.length !== type.fixedSize) throw corrupt("a member of fixed size has another one");
  switch (type.kind) {
    case "array":
      return type.members[0]!.kind === "y" ? data : decodeArray(type.members[0]!, data, depth);
    case "maybe":
      return decodeMaybe(type.members[0]!, data, depth);
    case "tuple":
      return decodeTuple(type, data, depth);
    case "v":
      return decodeBoxed(data, depth);
    case "s":
    case "o":
    case "g":
      return decodeString(data);
    default:
      return decodeNumber(type, data);
  }
}

function decodeNumber(type: GType, data: Buffer): GValue {
  if (type.kind === "y") return data[0]!;
  if (type.kind === "b") {
    if (data[0]! > 1) throw corrupt("a boolean is neither 0 nor 1");
    return data[0] === 1;
  }
  if (type.kind === "n") return data.readInt16LE();
  if (type.kind === "q") return data.readUInt16LE();
  if (type.kind === "i") return data.readInt32LE();
  if (type.kind === "u") return data.readUInt32LE();
  if (type.kind === "x") return data.readBigInt64LE();
  if (type.kind === "t") return data.readBigUInt64LE();
  return data.readDoubleLE();
}

function decodeString(data: Buffer): string {
  if (data.indexOf(0) !== data.length - 1) throw corrupt("a string does not end with its only NUL");
  try {
    return UTF8.decode(data.subarray(0, -1));
  } catch (cause) {
    throw corrupt("a string is not UTF-8", cause);
  }
}

function decodeMaybe(element: GType, data: Buffer, depth: number): GValue {
  if (data.length === 0) return undefined;
  if (element.fixedSize !== 0) return decode(element, data, depth + 1);
  if (data.at(-1) !== 0) throw corrupt("a maybe lacks its end mark");
  return decode(element, data.subarray(0, -1), depth + 1);
}

function decodeBoxed(data: Buffer, depth: number): Variant {
  const mark = data.lastIndexOf(0);
  if (mark < 0) throw corrupt("a variant has no type");
  const type = data.toString("latin1", mark + 1);
  return { type, value: decode(parseType(type), data.subarray(0, mark), depth + 1) };
}

function decodeArray(element: GType, data: Buffer, depth: number): GValue {
  if (element.fixedSize !== 0) return decodeFixedArray(element, data, depth);
  const ends = arrayEnds(data);
  const values: GValue[] = [];
  let at = 0;
  for (const end of ends) {
    const start = padded(data, at, element.alignment);
    if (end < start) throw corrupt("framing offsets run backwards");
    values.push(decode(element, data.subarray(start, end), depth + 1));
    at = end;
  }
  return values;
}

function decodeFixedArray(element: GType, data: Buffer, depth: number): GValue {
  if (data.length % element.fixedSize !== 0) throw corrupt("an array holds a broken member");
  const values: GValue[] = [];
  for (let at = 0; at < data.length; at += element.fixedSize) {
    values.push(decode(element, data.subarray(at, at + element.fixedSize), depth + 1));
  }
  return values;
}

/** Where each member of an array of members of varying size ends. Throws `corrupt`. */
export function arrayEnds(data: Buffer): number[] {
  if (data.length === 0) return [];
  const width = offsetSizeOfTotal(data.length);
  const bodyEnd = readOffset(data, data.length - width, width);
  const table = data.length - bodyEnd;
  if (bodyEnd > data.length - width || table % width !== 0) throw corrupt("an array's framing offsets are out of range");
  const ends: number[] = [];
  let last = 0;
  for (let at = bodyEnd; at < data.length; at += width) {
    const end = readOffset(data, at, width);
    if (end < last || end > bodyEnd) throw corrupt("framing offsets run backwards");
    ends.push(end);
    last = end;
  }
  if (offsetSize(bodyEnd, ends.length) !== width) throw corrupt("framing offsets are wider than they need be");
  return ends;
}

function decodeTuple(type: GType, data: Buffer, depth: number): GValue {
  if (type.members.length === 0) return [];
  const width = offsetSizeOfTotal(data.length);
  const framedCount = type.members.filter((member, index) => member.fixedSize === 0 && index < type.members.length - 1).length;
  const tableStart = type.fixedSize === 0 ? data.length - framedCount * width : data.length;
  if (tableStart < 0) throw corrupt("a tuple is too short");
  const values: GValue[] = [];
  let at = 0;
  let framed = 0;
  for (const [index, member] of type.members.entries()) {
    const start = padded(data, at, member.alignment);
    const isLast = index === type.members.length - 1;
    let end: number;
    if (member.fixedSize !== 0) end = start + member.fixedSize;
    else if (isLast) end = tableStart;
    else end = readOffset(data, data.length - width * ++framed, width);
    if (end < start || end > tableStart) throw corrupt("framing offsets run backwards");
    values.push(decode(member, data.subarray(start, end), depth + 1));
    at = end;
  }
  if (type.fixedSize !== 0) padded(data, at, type.alignment);
  else if (at !== tableStart) throw corrupt("a tuple has bytes left over");
  if (framedCount > 0 && offsetSize(tableStart, framedCount) !== width) {
    throw corrupt("framing offsets are wider than they need be");
  }
  return values;
}

function padded(data: Buffer, at: number, alignment: number): number {
  const start = align(at, alignment);
  for (let index = at; index < Math.min(start, data.length); index++) {
    if (data[index] !== 0) throw corrupt("padding is not zero");
  }
  return start;
}

/** A framing offset: little-endian, `width` bytes. */
export function readOffset(data: Buffer, at: number, width: number): number {
  if (at < 0) throw corrupt("it is too short");
  if (width === 1) return data[at]!;
  if (width === 2) return data.readUInt16LE(at);
  if (width === 4) return data.readUInt32LE(at);
  return Number(data.readBigUInt64LE(at));
}

function corrupt(reason: string, cause?: unknown): RegrowError {
  return new RegrowError("corrupt", `Damaged GVariant: ${reason}.`, { cause });
}
