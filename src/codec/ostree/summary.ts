/**
 * The summary of a repository: `(a(s(taya{sv}))a{sv})` = refs (name, size of the commit object in native byte order, commit,
 * details), then details of the whole. Refs are sorted by name.
 */
import { RegrowError } from "../../base/errors.ts";
import { decodeVariant } from "../gvariant/decode.ts";
import { encodeVariant } from "../gvariant/encode.ts";
import type { Dictionary, GValue } from "../gvariant/value.ts";
import { type Checksum, checksumFromRaw, rawChecksum } from "./checksum.ts";

const TYPE = "(a(s(taya{sv}))a{sv})";

export interface SummaryRef {
  readonly name: string;
  /** Bytes of the commit object. */
  readonly size: number;
  readonly commit: Checksum;
  readonly details: Dictionary;
}

export interface Summary {
  readonly refs: readonly SummaryRef[];
  readonly details: Dictionary;
}

export function encodeSummary(summary: Summary): Buffer {
  const refs = summary.refs.map(({ name, size, commit, details }) => [
    name,
    [BigInt(size), rawChecksum(commit), details as unknown as GValue],
  ]);
  return encodeVariant(TYPE, [refs as GValue, summary.details as unknown as GValue]);
}

/** Throws `corrupt`. */
export function decodeSummary(data: Buffer): Summary {
  const [refs, details] = decodeVariant(TYPE, data) as unknown as [[string, [bigint, Buffer, Dictionary]][], Dictionary];
  const decoded = refs.map(([name, [size, commit, refDetails]]) => {
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new RegrowError("corrupt", "Damaged summary: a size is out of range.");
    return { name, size: Number(size), commit: checksumFromRaw(commit), details: refDetails };
  });
  return { refs: decoded, details };
}
