/**
 * Commits: `(a{sv}aya(say)sstayay)` = metadata in the order of insertion, parent (empty for a root), related objects (always
 * empty), subject, body, seconds since 1970 big-endian, root dirtree, root dirmeta.
 */
import { RegrowError } from "../../base/errors.ts";
import { decodeVariant } from "../gvariant/decode.ts";
import { encodeVariant } from "../gvariant/encode.ts";
import type { Dictionary, GValue } from "../gvariant/value.ts";
import { type Checksum, checksumFromRaw, rawChecksum } from "./checksum.ts";

const TYPE = "(a{sv}aya(say)sstayay)";

export interface Commit {
  readonly metadata: Dictionary;
  readonly parent: Checksum | undefined;
  readonly subject: string;
  readonly body: string;
  /** Whole seconds since 1970, UTC. */
  readonly timestamp: number;
  readonly tree: Checksum;
  readonly meta: Checksum;
}

export function encodeCommit(commit: Commit): Buffer {
  const parent = commit.parent === undefined ? Buffer.alloc(0) : rawChecksum(commit.parent);
  return encodeVariant(TYPE, [
    commit.metadata as unknown as GValue,
    parent,
    [],
    commit.subject,
    commit.body,
    swap64(BigInt(commit.timestamp)),
    rawChecksum(commit.tree),
    rawChecksum(commit.meta),
  ]);
}

/** Throws `corrupt`. */
export function decodeCommit(data: Buffer): Commit {
  const members = decodeVariant(TYPE, data) as [Dictionary, Buffer, unknown, string, string, bigint, Buffer, Buffer];
  const [metadata, parent, , subject, body, time, tree, meta] = members;
  const timestamp = Number(swap64(time));
  if (!Number.isSafeInteger(timestamp)) throw new RegrowError("corrupt", "Damaged commit object: its time is out of range.");
  return {
    metadata,
    parent: parent.length === 0 ? undefined : checksumFromRaw(parent),
    subject,
    body,
    timestamp,
    tree: checksumFromRaw(tree),
    meta: checksumFromRaw(meta),
  };
}

function swap64(value: bigint): bigint {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer.readBigUInt64BE();
}
