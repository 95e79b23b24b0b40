/**
 * What stands under which name in a folder, as one number of 64 bits: a sum, so that it does not matter in which order the names come.
 * Times don't tell of it where a file system is mounted over something, or where a layer of an overlay is taken away.
 */
import type { ByteString } from "../../base/byte-string.ts";
import type { Stat } from "../../sys/stat.ts";

export interface NameSum {
  low: number;
  high: number;
}

export function newNameSum(): NameSum {
  return { low: 0, high: 0 };
}

/** Adds a name and the inode that it leads to. */
export function addName(sum: NameSum, name: ByteString, { devMajor, devMinor, inoLow, inoHigh }: Stat): void {
  let a = mix(mix(0x9e3779b9, inoLow, 0x85ebca6b), devMinor, 0xc2b2ae35);
  let b = mix(mix(0x7f4a7c15, inoHigh ^ inoLow, 0x27d4eb2f), devMajor, 0x165667b1);
  for (let at = 0; at < name.length; at++) {
    const byte = name.charCodeAt(at);
    a = mix(a, byte, 0x85ebca6b);
    b = mix(b, byte, 0xc2b2ae35);
  }
  sum.low = (sum.low + (a ^ (b >>> 16))) >>> 0;
  sum.high = (sum.high + (b ^ (a >>> 13))) >>> 0;
}

export function sameSum(a: NameSum, b: NameSum): boolean {
  return a.low === b.low && a.high === b.high;
}

function mix(state: number, value: number, factor: number): number {
  const mixed = Math.imul(state ^ value, factor);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
