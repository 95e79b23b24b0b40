/** The two places where a tree's objects can go: into a transaction, or nowhere. */
import { hash } from "node:crypto";
import { EMPTY } from "../../base/byte-string.ts";
import { type Checksum, checksumOf } from "../../codec/ostree/checksum.ts";
import { encodeContentHeader } from "../../codec/ostree/content.ts";
import { type ObjectKind, looseName } from "../../codec/ostree/object-name.ts";
import type { WorkerPool } from "../../sys/worker-pool.ts";
import { hasObject, objectFile } from "../object-files.ts";
import { RECORD_META } from "../stage-content.ts";
import type { StageObjectsJob } from "../stage-objects-job.ts";
import type { Transaction } from "../transaction.ts";
import type { FolderIdentity, TreeSink } from "./write-tree.ts";

export interface StagingSink extends TreeSink {
  /** Resolves when everything is staged. */
  flush(): Promise<void>;
}

const BATCH = 256;
const RECORD_HEADER = encodeContentHeader({ ...RECORD_META, target: EMPTY });

/** This thread finds the names, the threads of the pool write. */
export function stagingSink(transaction: Transaction, pool: WorkerPool): StagingSink {
  const metadata = newBatch();
  const records = newBatch();
  const running: Promise<void>[] = [];

  function add(batch: Batch, name: string, data: Buffer): void {
    batch.names.push(name);
    batch.pieces.push(data);
    if (batch.names.length >= BATCH) send(batch);
  }

  function send(batch: Batch): void {
    if (batch.names.length === 0) return;
    const sizes = batch.pieces.map((piece) => piece.length);
    const data = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
    let at = 0;
    for (const piece of batch.pieces) {
      data.set(piece, at);
      at += piece.length;
    }
    const { repository, stagingFd, room } = transaction;
    const content = batch === records ? RECORD_META : undefined;
    const job: StageObjectsJob = { repository, stagingFd, room, names: batch.names, sizes, data, content };
    const work = pool.run<StageObjectsJob, void>("stage-objects", job, { transfer: [data.buffer] });
    // It is awaited by flush; until then a failure is not forgotten but not yet met either.
    work.catch(() => {});
    running.push(work);
    Object.assign(batch, newBatch());
  }

  return {
    metadata: (kind, data) => {
      const checksum = checksumOf(data);
      const name = looseName(checksum, kind);
      if (isNew(transaction, name, () => hasObject(transaction.repository, kind, checksum))) add(metadata, name, data);
      return checksum;
    },
    record: (data) => {
      const checksum = recordChecksum(data);
      const name = objectFile(transaction.repository, "file", checksum);
      if (isNew(transaction, name, () => hasObject(transaction.repository, "file", checksum))) add(records, name, data);
      return checksum;
    },
    has: (folder) => objectsOf(folder).every(([kind, checksum]) => hasObject(transaction.repository, kind, checksum)),
    flush: async () => {
      send(metadata);
      send(records);
      // Also where one fails: nobody may be writing any more when the staging folder is taken away.
      await Promise.allSettled(running);
      await Promise.all(running);
    },
  };
}

/** Computes checksums and keeps nothing. */
export const hashingSink: TreeSink = {
  metadata: (_kind, data) => checksumOf(data),
  record: recordChecksum,
  has: () => true,
};

/** A sidecar's folder has but one dirmeta, which is there with any of them. */
function objectsOf({ tree, meta, record, sidecar }: FolderIdentity): (readonly [ObjectKind, Checksum])[] {
  const objects: (readonly [ObjectKind, Checksum])[] = [
    ["dirtree", tree],
    ["dirmeta", meta],
  ];
  if (record !== undefined) objects.push(["file", record]);
  if (sidecar?.kind === "folder") objects.push(["dirtree", sidecar.tree]);
  return objects;
}

interface Batch {
  names: string[];
  pieces: Buffer[];
}

function newBatch(): Batch {
  return { names: [], pieces: [] };
}

function isNew(transaction: Transaction, name: string, isStored: () => boolean): boolean {
  if (transaction.known.has(name)) return false;
  transaction.known.add(name);
  return !isStored();
}

function recordChecksum(data: Buffer): Checksum {
  return hash("sha256", Buffer.concat([RECORD_HEADER, data]), "hex") as Checksum;
}
