/** The two places where a tree's objects can go. */
import { EMPTY } from "../../base/byte-string.ts";
import { checksumOf } from "../../codec/ostree/checksum.ts";
import { encodeContentHeader } from "../../codec/ostree/content.ts";
import { RECORD_META, stageRecord } from "../stage-content.ts";
import { type Transaction, stageMetadata } from "../transaction.ts";
import type { TreeSink } from "./write-tree.ts";

export function stagingSink(transaction: Transaction): TreeSink {
  return {
    metadata: (kind, data) => stageMetadata(transaction, kind, data),
    record: (data) => stageRecord(transaction, data),
  };
}

const RECORD_HEADER = encodeContentHeader({ ...RECORD_META, target: EMPTY });

/** Computes checksums and keeps nothing. */
export const hashingSink: TreeSink = {
  metadata: (_kind, data) => checksumOf(data),
  record: (data) => checksumOf(Buffer.concat([RECORD_HEADER, data])),
};
