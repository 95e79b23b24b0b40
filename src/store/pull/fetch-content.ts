/**
 * The bulk of a pull: content objects in batches through the workers. Every so often, while no worker writes, what has come is
 * made part of the repository, so that a cut loses little. All of it has been verified by then, and no commit names it yet.
 */
import { throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { WorkerPool } from "../../sys/worker-pool.ts";
import { type Transaction, publish } from "../transaction.ts";
import type { ObjectSource } from "./object-source.ts";
import type { PullObjectsJob, PullObjectsResult, RefusedObject } from "./pull-objects-job.ts";
import type { PlannedContent } from "./walk-trees.ts";

export interface FetchRequest {
  readonly transaction: Transaction;
  readonly source: ObjectSource;
  readonly content: readonly PlannedContent[];
  readonly link: boolean;
  readonly pool: WorkerPool;
  readonly workers: number;
  /** Bytes of the source after which to publish; Infinity for once at the end. */
  readonly publishBytes: number;
}

export interface FetchResult {
  readonly writtenBytes: number;
  /** Objects that must not come in; where there are any, nothing more was fetched and the last part not published. */
  readonly refused: readonly RefusedObject[];
}

interface Batch {
  readonly objects: readonly PlannedContent[];
  readonly bytes: number;
}

const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_OBJECTS = 256;

/** Throws `no-space`, `cancelled`, SystemError; no worker is writing any more then. */
export async function fetchContent(request: FetchRequest, observer: Observer): Promise<FetchResult> {
  const batches = batchesOf(request.content);
  const total = request.content.length;
  const totalBytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
  const refused: RefusedObject[] = [];
  let writtenBytes = 0;
  let done = 0;
  let bytes = 0;
  let next = 0;
  report(observer, "pull", { done, total, bytes, totalBytes });
  while (next < batches.length && refused.length === 0) {
    let failed = false;
    const until = bytes + request.publishBytes;
    const lane = async (): Promise<void> => {
      while (next < batches.length && bytes < until && !failed && refused.length === 0) {
        const batch = batches[next++]!;
        try {
          throwIfCancelled(observer.signal);
          const result = await fetchBatch(request, batch, observer);
          refused.push(...result.refused);
          writtenBytes += result.bytes;
        } catch (error) {
          failed = true;
          throw error;
        }
        done += batch.objects.length;
        bytes += batch.bytes;
        report(observer, "pull", { done, total, bytes, totalBytes });
      }
    };
    await allSettled(Array.from({ length: request.workers }, lane));
    if (refused.length === 0) publish(request.transaction);
  }
  return { writtenBytes, refused };
}

async function fetchBatch(request: FetchRequest, batch: Batch, observer: Observer): Promise<PullObjectsResult> {
  const { transaction, source, link, pool } = request;
  const objects = batch.objects.map(({ checksum }) => checksum);
  const provided = await source.provideContent(objects, observer.signal);
  try {
    const { repository: target, stagingFd, room } = transaction;
    const job: PullObjectsJob = { source: provided.repository, target, stagingFd, link, room, objects };
    return await pool.run<PullObjectsJob, PullObjectsResult>("pull-objects", job);
  } finally {
    provided.release();
  }
}

/** The largest come first, so that the workers end together. */
function batchesOf(content: readonly PlannedContent[]): Batch[] {
  const sorted = [...content].sort((a, b) => b.size - a.size);
  const batches: Batch[] = [];
  let objects: PlannedContent[] = [];
  let bytes = 0;
  for (const object of sorted) {
    if (objects.length > 0 && (bytes + object.size > BATCH_BYTES || objects.length >= BATCH_OBJECTS)) {
      batches.push({ objects, bytes });
      objects = [];
      bytes = 0;
    }
    objects.push(object);
    bytes += object.size;
  }
  if (objects.length > 0) batches.push({ objects, bytes });
  return batches;
}

/** Waits for all, whatever happens: nobody may write into the staging folder when this returns. */
async function allSettled(lanes: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(lanes)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
