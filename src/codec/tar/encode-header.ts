/** One header block in the ustar format (POSIX.1-1988); its layout stands in header.ts. All values must fit their fields. */
import type { ByteString } from "../../base/byte-string.ts";
import { BLOCK } from "./entry.ts";
import { formatOctal } from "./header-numbers.ts";

export interface HeaderFields {
  readonly name: ByteString;
  readonly prefix: ByteString;
  readonly linkName: ByteString;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly devMajor: number;
  readonly devMinor: number;
}

export function encodeHeader(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (text: string, at: number): number => block.write(text, at, "latin1");
  put(fields.name, 0);
  put(formatOctal(fields.mode, 8), 100);
  put(formatOctal(fields.uid, 8), 108);
  put(formatOctal(fields.gid, 8), 116);
  put(formatOctal(fields.size, 12), 124);
  put(formatOctal(fields.mtime, 12), 136);
  put(" ".repeat(8), 148);
  put(fields.typeFlag, 156);
  put(fields.linkName, 157);
  put("ustar\x0000", 257);
  put(formatOctal(fields.devMajor, 8), 329);
  put(formatOctal(fields.devMinor, 8), 337);
  put(fields.prefix, 345);
  let sum = 0;
  for (const byte of block) sum += byte;
  put(formatOctal(sum, 7), 148);
  return block;
}
