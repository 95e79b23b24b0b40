/** Tar archives made by hand, block by block, and what the reader makes of an archive, all at once. */
import type { ByteString } from "../../src/base/byte-string.ts";
import type { TarEntry, TarExtent } from "../../src/codec/tar/entry.ts";
import { type ReadTarOptions, readTar } from "../../src/codec/tar/read.ts";

export interface RawHeader {
  readonly name?: string;
  readonly mode?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly size?: string;
  readonly mtime?: string;
  readonly type?: string;
  readonly linkName?: string;
  readonly magic?: string;
  readonly devMajor?: string;
  readonly devMinor?: string;
  readonly prefix?: string;
  /** Any other bytes, by offset. */
  readonly patches?: Readonly<Record<number, string>>;
  /** Added to the right checksum. */
  readonly checksumOffBy?: number;
  /** The checksum as archivers with signed characters computed it. */
  readonly isSigned?: boolean;
}

export const USTAR = "ustar\x0000";
export const GNU = "ustar  \0";
export const V7 = "";
export const END = Buffer.alloc(1024);

/** One header block; every text is put in as it is, one byte a character. */
export function header(fields: RawHeader): Buffer {
  const block = Buffer.alloc(512);
  const put = (text: string, at: number): number => block.write(text, at, "latin1");
  put(fields.name ?? "", 0);
  put(fields.mode ?? "0000644\0", 100);
  put(fields.uid ?? "0000000\0", 108);
  put(fields.gid ?? "0000000\0", 116);
  put(fields.size ?? "00000000000\0", 124);
  put(fields.mtime ?? "00000000000\0", 136);
  put(" ".repeat(8), 148);
  put(fields.type ?? "0", 156);
  put(fields.linkName ?? "", 157);
  put(fields.magic ?? USTAR, 257);
  put(fields.devMajor ?? "", 329);
  put(fields.devMinor ?? "", 337);
  put(fields.prefix ?? "", 345);
  for (const [at, text] of Object.entries(fields.patches ?? {})) put(text, Number(at));
  let sum = fields.checksumOffBy ?? 0;
  for (const byte of block) sum += fields.isSigned && byte >= 0x80 ? byte - 256 : byte;
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

export function octal(value: number, width = 12): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

export function padded(data: string | Buffer): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A header that extends the next entry or, as type `g`, all that follow: PAX with these records, or GNU's L and K with a text. */
export function extension(type: string, data: string): Buffer {
  return Buffer.concat([header({ name: "extension", type, size: octal(data.length) }), padded(data)]);
}

export function record(key: string, value: string): string {
  let length = key.length + value.length + 3;
  while (`${length} ${key}=${value}\n`.length !== length) length++;
  return `${length} ${key}=${value}\n`;
}

export function pax(...pairs: readonly (readonly [key: string, value: string])[]): Buffer {
  return extension("x", pairs.map(([key, value]) => record(key, value)).join(""));
}

export type ReadEntry = Omit<TarEntry, "content"> & { readonly data: Buffer };

export async function readAll(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options?: ReadTarOptions,
): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = [];
  for await (const { content, ...facts } of readTar(source, options)) entries.push({ ...facts, data: await collect(content) });
  return entries;
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

/** A file as a program sees it: the extents' data in their places, zeros between. */
export function withHoles(data: Buffer, size: number, extents: readonly TarExtent[] | undefined): Buffer {
  if (extents === undefined) return data;
  const file = Buffer.alloc(size);
  let at = 0;
  for (const { offset, length } of extents) {
    data.copy(file, offset, at, at + length);
    at += length;
  }
  return file;
}

export function bytes(text: string): ByteString {
  return text as ByteString;
}
