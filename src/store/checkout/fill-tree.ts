/**
 * Fills a folder with a commit's tree: everything but the flags that stop every later change. This thread works in short turns,
 * others beside it in longer ones; what is still to be filled lies here, and who has nothing to do gets half of it.
 */
import { throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import { type WorkerPool, startPool } from "../../sys/worker-pool.ts";
import {
  type CheckoutAnswer,
  type CheckoutJob,
  type CheckoutProgress,
  type CheckoutSettings,
  type CheckoutTask,
  type FolderTask,
  type JobLimits,
  type PendingFinish,
  emptyProgress,
} from "./checkout-state.ts";
import { fillFolders } from "./fill-folder-job.ts";
import { finishFolders, makePendingLinks } from "./finish-later.ts";

export interface FilledTree {
  /** Whose last flags are still to be set. */
  readonly finishes: readonly PendingFinish[];
  readonly progress: CheckoutProgress;
}

const DEFAULT_WORKERS = 2;
/** So short that the other threads' answers are heard soon. */
const OWN_TURN: JobLimits = { entries: 64, bytes: 2 * 1024 * 1024 };
/** A job ends now and then, so that progress is told and a wish to stop is heard. */
const JOB: JobLimits = { entries: 1024, bytes: 32 * 1024 * 1024 };
/** One that is being done, and one for the time until this thread's turn ends and the answer to the first is heard. */
const JOBS_EACH = 2;

/** `workers` threads fill it, this one among them. Throws `corrupt`, `cancelled`, SystemError. */
export async function fillTree(
  settings: CheckoutSettings,
  task: FolderTask,
  workers: number | undefined,
  observer: Observer,
): Promise<FilledTree> {
  const others = Math.max(1, workers ?? DEFAULT_WORKERS) - 1;
  const pool = startPool({ workers: others });
  try {
    const { links, finishes, progress } = await fillAll(settings, task, pool, others, observer);
    append(finishes, await makePendingLinks(settings, task, links, progress));
    finishFolders(settings, finishes, progress);
    return { finishes, progress };
  } finally {
    await pool.close();
  }
}

async function fillAll(
  settings: CheckoutSettings,
  task: FolderTask,
  pool: WorkerPool,
  others: number,
  observer: Observer,
): Promise<CheckoutAnswer> {
  const all: CheckoutAnswer = { rest: [task], links: [], finishes: [], progress: emptyProgress() };
  const running = new Set<Promise<void>>();
  let started = false;
  let ready = 0;
  const wanted = new Int32Array(new SharedArrayBuffer(4));
  let failure: unknown;
  const take = (answer: CheckoutAnswer): void => {
    append(all.rest, answer.rest);
    append(all.links, answer.links);
    append(all.finishes, answer.finishes);
    for (const key of Object.keys(all.progress) as (keyof CheckoutProgress)[]) all.progress[key] += answer.progress[key];
    report(observer, "checkout", { done: all.progress.files, bytes: all.progress.bytes });
  };
  const send = (tasks: readonly CheckoutTask[]): void => {
    const work: Promise<void> = pool
      .run<CheckoutJob, CheckoutAnswer>("fill-folders", { settings, tasks, limits: JOB, wanted })
      .then(take)
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => running.delete(work));
    running.add(work);
  };
  // A thread takes longer to start than a thousand links: what it would get must not wait for that.
  const startOthers = (): void => {
    started = true;
    for (let other = 0; other < others; other++) {
      pool.run<CheckoutJob, CheckoutAnswer>("fill-folders", { settings, tasks: [], limits: JOB, wanted: undefined }).then(
        () => ready++,
        (error: unknown) => (failure ??= error),
      );
    }
  };
  const isStopped = (): boolean => failure !== undefined || observer.signal?.aborted === true;
  do {
    try {
      // The last ones are next, so that the tree is filled depth first and the list stays short.
      take(await fillFolders({ settings, tasks: all.rest.splice(0), limits: OWN_TURN, wanted: undefined }));
    } catch (error) {
      failure ??= error;
    }
    if (!started && all.rest.length > 0) startOthers();
    for (let idle = ready * JOBS_EACH - running.size; idle > 0 && all.rest.length > 1 && !isStopped(); idle--)
      send(all.rest.splice(0, Math.ceil(all.rest.length / (idle + 1))));
    // A signal is heard, and another thread's answer, only between turns of the event loop.
    if (all.rest.length > 0 && !isStopped()) await nextTurn();
    else if (running.size > 0) {
      Atomics.store(wanted, 0, 1);
      await Promise.race(running);
      Atomics.store(wanted, 0, 0);
    }
  } while (running.size > 0 || (all.rest.length > 0 && !isStopped()));
  await nextTurn();
  if (failure !== undefined) throw failure;
  throwIfCancelled(observer.signal);
  return all;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function append<T>(list: T[], more: readonly T[]): void {
  for (const item of more) list.push(item);
}
