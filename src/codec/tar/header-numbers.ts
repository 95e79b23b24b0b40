/**
 * The numbers of a tar header: octal digits, ended by a space or a NUL, or, where the first bit is set, a binary number in
 * two's complement, its most significant byte first (a GNU extension that all others took over).
 */

/** The number in a header field, 0 for an empty one. Undefined where it is none, or beyond 2^53. */
export function parseHeaderNumber(field: Uint8Array): number | undefined {
  const first = field[0] ?? 0;
  const value = (first & 0x80) !== 0 ? parseBinary(field) : parseOctal(field);
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

/** `width - 1` octal digits and a NUL; the value must fit, see `largestOctal`. */
export function formatOctal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

export function largestOctal(width: number): number {
  return 8 ** (width - 1) - 1;
}

function parseOctal(field: Uint8Array): number | undefined {
  // Some old archivers left a NUL where the field before overflowed; GNU tar passes over it, too.
  const text = Buffer.from(field.buffer, field.byteOffset, field.length).toString("latin1");
  const match = /^\0?\s*([0-7]*)(?:[\0\s]|$)/.exec(text);
  if (!match) return undefined;
  return match[1] === "" ? 0 : Number.parseInt(match[1]!, 8);
}

function parseBinary(field: Uint8Array): number {
  const first = field[0]!;
  let value = BigInt((first & 0x3f) - (first & 0x40));
  for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
  return Number(value);
}
