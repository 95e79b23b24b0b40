/** The bytes of one attribute as a value, and back. Integers are little-endian. */
import { type ByteString, bytesFromBuffer } from "../../base/byte-string.ts";
import type { StreamTime } from "./command.ts";
import type { ValueType } from "./command-table.ts";
import { corruptStream, hostileStream, unsupportedStream } from "./failures.ts";
import { checkEntryPath, checkPath, checkSubvolumeName } from "./stream-path.ts";

export type AttributeValue = number | string | Uint8Array | StreamTime;

const LONGEST_TARGET = 4095;
const MOST_NANOSECONDS = 999_999_999;
const MODE_BITS = 0o177777;

/** Throws `corrupt`, `hostile` or `unsupported`. Bytes are a view into `data`. */
export function decodeValue(type: ValueType, data: Buffer): AttributeValue {
  switch (type) {
    case "u8":
      return sized(data, 1).readUInt8();
    case "u32":
      return sized(data, 4).readUInt32LE();
    case "u64":
      return readU64(data);
    case "uid":
    case "device":
      return within(readU64(data), 2 ** 32 - 1);
    case "mode":
      return within(readU64(data), MODE_BITS);
    case "uuid":
      return sized(data, 16).toString("hex");
    case "time":
      return readTime(sized(data, 12));
    case "name":
      return checkSubvolumeName(bytesFromBuffer(data));
    case "path":
      return checkPath(bytesFromBuffer(data));
    case "entry":
      return checkEntryPath(bytesFromBuffer(data));
    case "target":
      return checkString(bytesFromBuffer(data), LONGEST_TARGET);
    case "xattr":
      return checkString(bytesFromBuffer(data), 255);
    case "bytes":
    case "data":
      return data;
  }
}

/** Throws like `decodeValue` where the value could not be read back. */
export function encodeValue(type: ValueType, value: AttributeValue): Uint8Array {
  const data = encodeUnchecked(type, value);
  if (data.length > 0xffff && type !== "data") throw unsupportedStream(`an attribute has ${data.length} bytes`);
  decodeValue(type, data as Buffer);
  return data;
}

function encodeUnchecked(type: ValueType, value: AttributeValue): Uint8Array {
  switch (type) {
    case "u8":
      return Buffer.of(value as number);
    case "u32":
      return integer(4, (data) => data.writeUInt32LE(value as number));
    case "u64":
    case "uid":
    case "device":
    case "mode":
      return integer(8, (data) => data.writeBigUInt64LE(BigInt(value as number)));
    case "uuid":
      return Buffer.from(value as string, "hex");
    case "time":
      return integer(12, (data) => {
        const { seconds, nanoseconds } = value as StreamTime;
        data.writeBigInt64LE(BigInt(seconds));
        data.writeUInt32LE(nanoseconds, 8);
      });
    case "name":
    case "path":
    case "entry":
    case "target":
    case "xattr":
      return Buffer.from(value as string, "latin1");
    case "bytes":
    case "data":
      return value as Uint8Array;
  }
}

function integer(size: number, write: (data: Buffer) => void): Buffer {
  const data = Buffer.allocUnsafe(size);
  write(data);
  return data;
}

function sized(data: Buffer, size: number): Buffer {
  if (data.length !== size) throw corruptStream(`an attribute has ${data.length} bytes, not ${size}`);
  return data;
}

function readU64(data: Buffer): number {
  sized(data, 8);
  const value = data.readUInt32LE() + data.readUInt32LE(4) * 2 ** 32;
  if (value > Number.MAX_SAFE_INTEGER) throw unsupportedStream("a number is larger than any file can be");
  return value;
}

function within(value: number, most: number): number {
  if (value > most) throw corruptStream(`a number is ${value}, where no more than ${most} can be right`);
  return value;
}

function readTime(data: Buffer): StreamTime {
  const seconds = Number(data.readBigInt64LE());
  if (!Number.isSafeInteger(seconds)) throw corruptStream("a time is out of range");
  return { seconds, nanoseconds: within(data.readUInt32LE(8), MOST_NANOSECONDS) };
}

function checkString(text: ByteString, longest: number): ByteString {
  if (text === "" || text.length > longest) throw corruptStream(`a string has ${text.length} bytes`);
  if (text.includes("\0")) throw hostileStream("a string has a NUL in it");
  return text;
}
