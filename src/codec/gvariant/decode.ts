/**
 * GVariant parsing, strict: only the normal form is read, all else is `corrupt`. So a checksum stands for one value,
 * and no input makes the reader look outside its bytes.
 */
import { RegrowError } from "../../base/errors.ts";
import { type GType, align, isSignature, offsetSize, offsetSizeOfTotal, parseType } from "./type.ts";
import type { GValue, Variant } from "./value.ts";

const MAX_NESTING = 64;
/** Far more than any commit or summary holds, and few enough that a hostile one can't fill the memory. */
const MAX_VALUES = 2_000_000;
const OBJECT_PATH = /^\/(?:\w+(?:\/\w+)*)?$/;
const NAMES = { o: "object path", g: "D-Bus signature" };
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The value of `type` that `data` holds. Buffers in it are views of `data`. Throws `corrupt`. */
export function decodeVariant(type: string, data: Buffer): GValue {
  return decode(parseType(type), data, { depth: 0, budget: { values: MAX_VALUES } });
}

interface Limits {
  readonly depth: number;
  /** What is left of MAX_VALUES, for the whole of the input. */
  readonly budget: { values: number };
}

function decode(type: GType, data: Buffer, limits: Limits): GValue {
  if (limits.depth > MAX_NESTING) throw corrupt("it is nested too deeply");
  if (--limits.budget.values < 0) throw corrupt("it holds too many values");
  if (type.fixedSize !== 0 && data.length !== type.fixedSize) throw corrupt("a member of fixed size has another one");
  switch (type.kind) {
    case "array":
      return type.members[0]!.kind === "y" ? data : decodeArray(type.members[0]!, data, limits);
    case "maybe":
      return decodeMaybe(type.members[0]!, data, limits);
    case "tuple":
      return decodeTuple(type, data, limits);
    case "v":
      return decodeBoxed(data, limits);
    case "s":
      return decodeString(data);
    case "o":
    case "g":
      return decodeName(type.kind, data);
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
  if (type.kind === "i" || type.kind === "h") return data.readInt32LE();
  if (type.kind === "u") return data.readUInt32LE();
  if (type.kind === "x") return data.readBigInt64LE();
  if (type.kind === "t") return data.readBigUInt64LE();
  return data.readDoubleLE();
}

function decodeString(data: Buffer): string {
  if (data.length === 0 || data.indexOf(0) !== data.length - 1) throw corrupt("a string does not end with its only NUL");
  try {
    return UTF8.decode(data.subarray(0, -1));
  } catch (cause) {
    throw corrupt("a string is not UTF-8", cause);
  }
}

function decodeName(kind: "o" | "g", data: Buffer): string {
  const text = decodeString(data);
  if (kind === "o" ? !OBJECT_PATH.test(text) : !isSignature(text)) throw corrupt(`${JSON.stringify(text)} is no ${NAMES[kind]}`);
  return text;
}

function decodeMaybe(element: GType, data: Buffer, limits: Limits): GValue {
  if (data.length === 0) return undefined;
  if (element.fixedSize !== 0) return decode(element, data, deeper(limits));
  if (data.at(-1) !== 0) throw corrupt("a maybe lacks its end mark");
  return decode(element, data.subarray(0, -1), deeper(limits));
}

function decodeBoxed(data: Buffer, limits: Limits): Variant {
  const mark = data.lastIndexOf(0);
  if (mark < 0) throw corrupt("a variant has no type");
  const type = data.toString("latin1", mark + 1);
  return { type, value: decode(parseType(type), data.subarray(0, mark), deeper(limits)) };
}

function decodeArray(element: GType, data: Buffer, limits: Limits): GValue {
  if (element.fixedSize !== 0) return decodeFixedArray(element, data, limits);
  const ends = arrayEnds(data, limits.budget.values);
  const below = deeper(limits);
  const values: GValue[] = [];
  let at = 0;
  for (const end of ends) {
    const start = padded(data, at, element.alignment);
    if (end < start) throw corrupt("framing offsets run backwards");
    values.push(decode(element, data.subarray(start, end), below));
    at = end;
  }
  return values;
}

function decodeFixedArray(element: GType, data: Buffer, limits: Limits): GValue {
  if (data.length % element.fixedSize !== 0) throw corrupt("an array holds a broken member");
  const below = deeper(limits);
  const values: GValue[] = [];
  for (let at = 0; at < data.length; at += element.fixedSize) {
    values.push(decode(element, data.subarray(at, at + element.fixedSize), below));
  }
  return values;
}

/** Where each member of an array of members of varying size ends; `most` members at the most. Throws `corrupt`. */
export function arrayEnds(data: Buffer, most = Infinity): number[] {
  if (data.length === 0) return [];
  const width = offsetSizeOfTotal(data.length);
  const bodyEnd = readOffset(data, data.length - width, width);
  const table = data.length - bodyEnd;
  if (bodyEnd > data.length - width || table % width !== 0) throw corrupt("an array's framing offsets are out of range");
  if (table / width > most) throw corrupt("it holds too many values");
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

function decodeTuple(type: GType, data: Buffer, limits: Limits): GValue {
  if (type.members.length === 0) {
    if (data[0] !== 0) throw corrupt("an empty tuple is not a zero byte");
    return [];
  }
  const width = offsetSizeOfTotal(data.length);
  const framedCount = type.members.filter((member, index) => member.fixedSize === 0 && index < type.members.length - 1).length;
  const tableStart = type.fixedSize === 0 ? data.length - framedCount * width : data.length;
  if (tableStart < 0) throw corrupt("a tuple is too short");
  const below = deeper(limits);
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
    values.push(decode(member, data.subarray(start, end), below));
    at = end;
  }
  if (type.fixedSize !== 0) padded(data, at, type.alignment);
  else if (at !== tableStart) throw corrupt("a tuple has bytes left over");
  if (framedCount > 0 && offsetSize(tableStart, framedCount) !== width) {
    throw corrupt("framing offsets are wider than they need be");
  }
  return values;
}

function deeper({ depth, budget }: Limits): Limits {
  return { depth: depth + 1, budget };
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
  if (at < 0 || width === 0 || at + width > data.length) throw corrupt("it is too short");
  if (width === 1) return data[at]!;
  if (width === 2) return data.readUInt16LE(at);
  if (width === 4) return data.readUInt32LE(at);
  return Number(data.readBigUInt64LE(at));
}

function corrupt(reason: string, cause?: unknown): RegrowError {
  return new RegrowError("corrupt", `Damaged GVariant: ${reason}.`, { cause });
}
