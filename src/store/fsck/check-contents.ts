/** Comparing all content objects with their names, by several threads: this one, once it has nothing better to do, and those of a pool. */
import { type Observer, report } from "../../base/events.ts";
import { type WorkerPool, startPool } from "../../sys/worker-pool.ts";
import { OBJECT_FOLDERS } from "../list-objects.ts";
import type { Repository } from "../repository.ts";
import { BYTES, CHECKED, COUNTERS, type CheckObjectsJob, NEXT, checkNextFolder } from "./check-objects-job.ts";
import type { DamagedObject } from "./damage.ts";
import type { Pause } from "./pause.ts";

export interface ContentCheck {
  /** Takes part until everything is checked. `total` is how many objects there are. Throws `cancelled`, SystemError. */
  finish(pause: Pause, total: number, observer: Observer): Promise<ContentResult>;
  /** Ends the threads, whatever they are at. */
  close(): Promise<void>;
}

export interface ContentResult {
  readonly checked: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedObject[];
}

const TICK_MILLISECONDS = 100;

/** Has all threads but this one begin. `threads` counts this one. */
export function beginContentCheck(repository: Repository, threads: number): ContentCheck {
  const counters = new BigInt64Array(new SharedArrayBuffer(COUNTERS * BigInt64Array.BYTES_PER_ELEMENT));
  const job: CheckObjectsJob = { repository, counters };
  const pool = startPool({ workers: Math.max(1, threads - 1) });
  const others = Promise.all(Array.from({ length: threads - 1 }, () => begin(pool, job)));
  // It is awaited in the end; what fails first must not leave its failure unmet.
  others.catch(() => {});

  async function finish(pause: Pause, total: number, observer: Observer): Promise<ContentResult> {
    const damaged: DamagedObject[] = [];
    const tell = (): void => {
      report(observer, "check", { done: Number(counters[CHECKED]), total, bytes: Number(counters[BYTES]) });
    };
    while (await checkNextFolder(job, damaged)) {
      if (!pause.isDue()) continue;
      tell();
      await pause.take();
    }
    const ticking = setInterval(() => {
      tell();
      if (observer.signal?.aborted) void pool.close();
    }, TICK_MILLISECONDS);
    try {
      damaged.push(...(await others).flat());
    } finally {
      clearInterval(ticking);
    }
    tell();
    return { checked: Number(counters[CHECKED]), bytes: Number(counters[BYTES]), damaged };
  }

  return { finish, close: () => pool.close() };
}

async function begin(pool: WorkerPool, job: CheckObjectsJob): Promise<DamagedObject[]> {
  try {
    return await pool.run<CheckObjectsJob, DamagedObject[]>("check-objects", job);
  } catch (error) {
    // Nobody else need go on.
    Atomics.store(job.counters, NEXT, BigInt(OBJECT_FOLDERS.length));
    throw error;
  }
}
