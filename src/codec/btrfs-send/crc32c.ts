/**
 * CRC32C (Castagnoli, reflected polynomial 0x82F63B78) as btrfs streams have it: the initial value is 0, and nothing is done to
 * the result. Eight tables, so that eight bytes take one step.
 */
const POLYNOMIAL = 0x82f63b78;
const TABLES = makeTables();

/** The sum of `data` from `start` to `end`, going on from the sum of what stood before it (0 at the beginning). */
export function crc32c(before: number, data: Uint8Array, start = 0, end = data.length): number {
  let crc = before | 0;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    crc ^= data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    crc =
      TABLES[0x700 | (crc & 0xff)]! ^
      TABLES[0x600 | ((crc >>> 8) & 0xff)]! ^
      TABLES[0x500 | ((crc >>> 16) & 0xff)]! ^
      TABLES[0x400 | (crc >>> 24)]! ^
      TABLES[0x300 | data[at + 4]!]! ^
      TABLES[0x200 | data[at + 5]!]! ^
      TABLES[0x100 | data[at + 6]!]! ^
      TABLES[data[at + 7]!]!;
  }
  for (; at < end; at++) crc = TABLES[(crc ^ data[at]!) & 0xff]! ^ (crc >>> 8);
  return crc >>> 0;
}

/** Table n, at n * 256, has the sums of single bytes that n zero bytes follow. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index++) {
    const shorter = tables[index - 256]!;
    tables[index] = tables[shorter & 0xff]! ^ (shorter >>> 8);
  }
  return tables;
}
