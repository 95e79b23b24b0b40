/** Variable-length integers (LEB128), in the shortest form only; signed ones by zigzag. Up to 2^53 - 1 in size. */
import { RegrowError } from "../../base/errors.ts";

/** A growing byte buffer. */
export interface Sink {
  buffer: Buffer;
  length: number;
}

export function newSink(size = 1024): Sink {
  return { buffer: Buffer.allocUnsafe(size), length: 0 };
}

export function reserve(sink: Sink, more: number): void {
  if (sink.length + more <= sink.buffer.length) return;
  const larger = Buffer.allocUnsafe(Math.max(sink.buffer.length * 2, sink.length + more));
  sink.buffer.copy(larger, 0, 0, sink.length);
  sink.buffer = larger;
}

export function putUnsigned(sink: Sink, value: number): void {
  reserve(sink, 8);
  let rest = value;
  while (rest >= 0x80) {
    sink.buffer[sink.length++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  sink.buffer[sink.length++] = rest;
}

export function putSigned(sink: Sink, value: number): void {
  putUnsigned(sink, value < 0 ? -value * 2 - 1 : value * 2);
}

export function putBytes(sink: Sink, bytes: string): void {
  putUnsigned(sink, bytes.length);
  reserve(sink, bytes.length);
  sink.length += sink.buffer.write(bytes, sink.length, "latin1");
}

export function putBuffer(sink: Sink, data: Buffer): void {
  putUnsigned(sink, data.length);
  reserve(sink, data.length);
  sink.length += data.copy(sink.buffer, sink.length);
}

/** A position in bytes that are being read. */
export interface Source {
  readonly data: Buffer;
  at: number;
}

export function getUnsigned(source: Source): number {
  let value = 0;
  let factor = 1;
  for (;;) {
    const byte = source.data[source.at++];
    if (byte === undefined) throw damaged("it ends too early");
    value += (byte & 0x7f) * factor;
    if (!Number.isSafeInteger(value)) throw damaged("a number is out of range");
    if (byte < 0x80) {
      if (byte === 0 && factor > 1) throw damaged("a number is not in its shortest form");
      return value;
    }
    factor *= 0x80;
  }
}

export function getSigned(source: Source): number {
  const value = getUnsigned(source);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

export function getBuffer(source: Source): Buffer {
  const length = getUnsigned(source);
  const end = source.at + length;
  if (end > source.data.length) throw damaged("it ends too early");
  const part = source.data.subarray(source.at, end);
  source.at = end;
  return part;
}

export function getBytes(source: Source): string {
  return getBuffer(source).toString("latin1");
}

export function damaged(reason: string): RegrowError {
  return new RegrowError("corrupt", `Damaged sidecar: ${reason}.`);
}
