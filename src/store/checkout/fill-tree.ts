/** Fills a folder with a commit's tree in the pool's threads: everything but the flags that stop every later change. */
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
const FIRST_BUDGET = 64;
const BUDGET = 512;

/** Throws `corrupt`, `cancelled`, SystemError. */
export async function fillTree(
  settings: CheckoutSettings,
  task: FolderTask,
  workers: number | undefined,
  observer: Observer,
): Promise<FilledTree> {
  const pool = startPool({ workers: workers ?? DEFAULT_WORKERS });
  try {
    const { links, finishes, progress } = await fillAll(settings, task, pool, observer);
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
  observer: Observer,
): Promise<CheckoutAnswer> {
  const all: CheckoutAnswer = { rest: [], links: [], finishes: [], progress: emptyProgress() };
  const running = new Set<Promise<void>>();
  let failure: unknown;
  const take = (answer: CheckoutAnswer): void => {
    append(all.links, answer.links);
    append(all.finishes, answer.finishes);
    for (const key of Object.keys(all.progress) as (keyof CheckoutProgress)[]) all.progress[key] += answer.progress[key];
    report(observer, "checkout", { done: all.progress.files, bytes: all.progress.bytes });
    if (!observer.signal?.aborted && failure === undefined) send(answer.rest);
  };
  const send = (tasks: readonly CheckoutTask[]): void => {
    for (const some of divide(tasks)) {
      const job = { settings, tasks: some, budget: BUDGET };
      const work: Promise<void> = pool
        .run<CheckoutJob, CheckoutAnswer>("fill-folders", job)
        .then(take)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => running.delete(work));
      running.add(work);
    }
  };
  // The first folders are filled here, while the threads start.
  take(await fillFolders({ settings, tasks: [task], budget: FIRST_BUDGET }));
  // A signal is heard only between turns of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  while (running.size > 0) await Promise.race(running);
  if (failure !== undefined) throw failure;
  throwIfCancelled(observer.signal);
  return all;
}

/** In a few parts, so that no thread is without work while another has much. */
function divide(tasks: readonly CheckoutTask[]): CheckoutTask[][] {
  const count = Math.min(4, tasks.length);
  const divided: CheckoutTask[][] = Array.from({ length: count }, () => []);
  for (const [index, task] of tasks.entries()) divided[index % count]!.push(task);
  return divided;
}

function append<T>(list: T[], more: readonly T[]): void {
  for (const item of more) list.push(item);
}
