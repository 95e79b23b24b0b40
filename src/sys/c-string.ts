/** Byte strings as the kernel takes them: NUL-terminated, in scratch memory that the next call uses again. */
import type { ByteString } from "../base/byte-string.ts";
import { RegrowError } from "../base/errors.ts";

const SCRATCH = [Buffer.alloc(4352), Buffer.alloc(4352)] as const;

/** The first of two scratch strings; valid until the next call of this function. */
export function c(text: ByteString | string): Buffer {
  return fill(SCRATCH[0], text);
}

/** The second one, for calls that take two paths. */
export function c2(text: ByteString | string): Buffer {
  return fill(SCRATCH[1], text);
}

function fill(scratch: Buffer, text: string): Buffer {
  if (text.includes("\0")) throw new RegrowError("hostile", "A file name with a NUL byte in it can't exist.");
  if (text.length >= scratch.length) return Buffer.from(`${text}\0`, "latin1");
  scratch.write(text, 0, "latin1");
  scratch[text.length] = 0;
  return scratch;
}
