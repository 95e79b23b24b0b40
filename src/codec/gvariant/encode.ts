/** GVariant serialisation, little-endian, in normal form. Source: the GVariant specification, section 2. */
import { RegrowError } from "../../base/errors.ts";
import { type GType, align, offsetSize, parseType } from "./type.ts";
import type { GValue, Variant } from "./value.ts";

/** The bytes of `value` as a value of `type`. Throws `usage` where the value doesn't fit the type. */
export function encodeVariant(type: string, value: GValue): Buffer {
  return encode(parseType(type), value);
}

function encode(type: GType, value: GValue): Buffer {
  switch (type.kind) {
    case "array":
      return Buffer.isBuffer(value) && type.members[0]!.kind === "y" ? value : encodeArray(type.members[0]!, listOf(type, value));
    case "maybe":
      return encodeMaybe(type.members[0]!, value);
    case "tuple":
      return encodeTuple(type, listOf(type, value));
    case "v":
      return encodeBoxed(value as Variant);
    case "s":
    case "o":
    case "g":
      return encodeString(type, value);
    default:
      return encodeNumber(type, value);
  }
}

function encodeNumber(type: GType, value: GValue): Buffer {
  if (typeof value !== (type.kind === "b" ? "boolean" : "xt".includes(type.kind) ? "bigint" : "number")) throw misfit(type);
  const buffer = Buffer.alloc(type.fixedSize);
  try {
    if (type.kind === "y") buffer.writeUInt8(value as number);
    else if (type.kind === "b") buffer.writeUInt8(value === true ? 1 : 0);
    else if (type.kind === "n") buffer.writeInt16LE(value as number);
    else if (type.kind === "q") buffer.writeUInt16LE(value as number);
    else if (type.kind === "i" || type.kind === "h") buffer.writeInt32LE(value as number);
    else if (type.kind === "u") buffer.writeUInt32LE(value as number);
    else if (type.kind === "x") buffer.writeBigInt64LE(value as bigint);
    else if (type.kind === "t") buffer.writeBigUInt64LE(value as bigint);
    else buffer.writeDoubleLE(value as number);
  } catch (cause) {
    throw misfit(type, cause);
  }
  return buffer;
}

/** A NUL or half a surrogate pair would make bytes that nobody can read back. */
function encodeString(type: GType, value: GValue): Buffer {
  if (typeof value !== "string" || value.includes("\0") || !value.isWellFormed()) throw misfit(type);
  return Buffer.from(`${value}\0`, "utf8");
}

function listOf(type: GType, value: GValue): readonly GValue[] {
  if (!Array.isArray(value)) throw misfit(type);
  return value as readonly GValue[];
}

function encodeMaybe(element: GType, value: GValue): Buffer {
  if (value === undefined) return Buffer.alloc(0);
  const inner = encode(element, value);
  return element.fixedSize === 0 ? Buffer.concat([inner, Buffer.alloc(1)]) : inner;
}

function encodeBoxed(variant: Variant): Buffer {
  if (typeof variant?.type !== "string") throw new RegrowError("usage", "A value does not fit the GVariant type v.");
  return Buffer.concat([encode(parseType(variant.type), variant.value), Buffer.from(`\0${variant.type}`, "latin1")]);
}

function encodeArray(element: GType, values: readonly GValue[]): Buffer {
  const parts = values.map((value) => encode(element, value));
  if (element.fixedSize !== 0) return Buffer.concat(parts);
  const ends: number[] = [];
  const body = layOut(parts, () => element.alignment, ends);
  return withOffsets(body, ends);
}

function encodeTuple(type: GType, values: readonly GValue[]): Buffer {
  if (values.length !== type.members.length) throw misfit(type);
  if (type.members.length === 0) return Buffer.alloc(1);
  const parts = type.members.map((member, index) => encode(member, values[index]));
  const ends: number[] = [];
  const body = layOut(parts, (index) => type.members[index]!.alignment, ends);
  if (type.fixedSize !== 0) return Buffer.concat([body, Buffer.alloc(type.fixedSize - body.length)]);
  const framed = ends.filter((_, index) => index < ends.length - 1 && type.members[index]!.fixedSize === 0);
  return withOffsets(body, framed.reverse());
}

function layOut(parts: readonly Buffer[], alignmentOf: (index: number) => number, ends: number[]): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const [index, part] of parts.entries()) {
    const start = align(at, alignmentOf(index));
    if (start !== at) pieces.push(Buffer.alloc(start - at));
    pieces.push(part);
    at = start + part.length;
    ends.push(at);
  }
  return Buffer.concat(pieces);
}

function withOffsets(body: Buffer, offsets: readonly number[]): Buffer {
  const width = offsetSize(body.length, offsets.length);
  const tail = Buffer.alloc(width * offsets.length);
  for (const [index, offset] of offsets.entries()) writeOffset(tail, index * width, offset, width);
  return Buffer.concat([body, tail]);
}

function misfit(type: GType, cause?: unknown): RegrowError {
  return new RegrowError("usage", `A value does not fit the GVariant type ${type.kind}.`, { cause });
}

/** A framing offset: little-endian, `width` bytes. */
export function writeOffset(target: Buffer, at: number, offset: number, width: number): void {
  if (width === 1) target[at] = offset;
  else if (width === 2) target.writeUInt16LE(offset, at);
  else if (width === 4) target.writeUInt32LE(offset, at);
  else target.writeBigUInt64LE(BigInt(offset), at);
}
