/**
 * Archives of cpio's "newc" kind, as the kernel unpacks an initramfs: headers of 110 characters, numbers in hexadecimal, names and
 * contents padded to 4 bytes (Documentation/driver-api/early-userspace/buffer-format).
 */
import { RegrowError } from "../base/errors.ts";

export interface CpioMember {
  /** Without a leading `./` or `/`. */
  readonly name: string;
  readonly mode: number;
  /** A view, not a copy. */
  readonly content: Buffer;
}

const HEADER = 110;
const TRAILER = "TRAILER!!!";
const MOST_NAME = 4096;

export function isCpio(bytes: Buffer, at: number): boolean {
  return /^07070[12]$/.test(bytes.toString("latin1", at, at + 6));
}

/**
 * The members of the archive that begins at `start`, and as the generator's result where it ends: another archive may follow, after
 * zeroes. Throws `corrupt`.
 */
export function* readCpio(bytes: Buffer, start: number): Generator<CpioMember, number> {
  for (let at = start; ;) {
    if (at + HEADER > bytes.length || !isCpio(bytes, at)) throw corrupt(at);
    const field = (index: number): number => {
      const from = at + 6 + index * 8;
      const text = bytes.toString("latin1", from, from + 8);
      if (!/^[0-9A-Fa-f]{8}$/.test(text)) throw corrupt(at);
      return Number.parseInt(text, 16);
    };
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    if (nameSize === 0 || nameSize > MOST_NAME) throw corrupt(at);
    const nameAt = at + HEADER;
    const contentAt = padded(nameAt + nameSize, start);
    if (contentAt + size > bytes.length) throw corrupt(at);
    const name = bytes.toString("latin1", nameAt, nameAt + nameSize - 1);
    at = padded(contentAt + size, start);
    if (name === TRAILER) return Math.min(at, bytes.length);
    yield { name: name.replace(/^\.?\/+/, ""), mode, content: bytes.subarray(contentAt, contentAt + size) };
  }
}

// Archives begin at multiples of 4 themselves.
function padded(at: number, start: number): number {
  return at + ((4 - ((at - start) & 3)) & 3);
}

function corrupt(at: number): RegrowError {
  return new RegrowError("corrupt", `The cpio archive is damaged at byte ${at}.`);
}
