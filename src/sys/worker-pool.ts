/**
 * A pool of worker threads for hot loops of synchronous calls. A worker does one job at a time, so a job should be a
 * batch: a round trip takes about 0.1 ms, a worker's start about 20 ms (35 from source). Workers start when there is a
 * job for them, and keep the process alive only while they have one.
 */
import { getAsset, isSea } from "node:sea";
import { Worker } from "node:worker_threads";
import { RegrowError } from "../base/errors.ts";
import { unpackError } from "./worker-errors.ts";
import { END, type JobAnswer, type JobRequest } from "./worker-protocol.ts";

export interface PoolOptions {
  /** The most threads at once, at least 1. */
  readonly workers: number;
  /** The workers' code, where it is not regrow's own src/worker.ts. */
  readonly entry?: URL;
}

export interface RunOptions {
  /** Memory that is moved to the worker instead of copied; it is empty here afterwards. A pooled Buffer can't be moved. */
  readonly transfer?: readonly ArrayBuffer[];
}

export interface WorkerPool {
  /**
   * Has a worker do the job that src/worker.ts serves under the name `kind`. Job and result are copied as by
   * structuredClone: plain data; a Buffer arrives as a Uint8Array. Rejects with the handler's own error (RegrowError and SystemError
   * keep class and fields), with `system` where the worker itself died, with `cancelled` once the pool is closed.
   */
  run<Job, Result>(kind: string, job: Job, options?: RunOptions): Promise<Result>;
  /**
   * Rejects what was not finished with `cancelled`, and ends all workers: each after the job that it is at, or in the middle of it where
   * that takes long.
   */
  close(): Promise<void>;
}

/** A pool that has started nothing yet. */
export function startPool(options: PoolOptions): WorkerPool {
  const queue: Task[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Task>();
  let closed = false;

  function run<Job, Result>(kind: string, job: Job, { transfer = [] }: RunOptions = {}): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (closed) throw cancelled(kind);
      queue.push({ request: { kind, job }, transfer, resolve: resolve as (result: unknown) => void, reject });
      hand();
    });
  }

  function hand(): void {
    while (queue.length > 0 && !closed) {
      if (idle.length === 0 && busy.size >= Math.max(1, options.workers)) return;
      const task = queue.shift()!;
      give(idle.pop() ?? start(), task);
    }
  }

  function give(worker: Worker, task: Task): void {
    try {
      worker.postMessage(task.request, [...task.transfer]);
    } catch (error) {
      // The job is no plain data: the worker never saw it.
      idle.push(worker);
      task.reject(error);
      return;
    }
    busy.set(worker, task);
    worker.ref();
  }

  function start(): Worker {
    const worker = newWorker(options.entry);
    worker.unref();
    worker.on("message", (answer: JobAnswer) => {
      const task = busy.get(worker)!;
      busy.delete(worker);
      idle.push(worker);
      // A worker that is being ended must keep the process alive until it has ended, or `close` never does.
      if (!closed) worker.unref();
      settle(task, answer);
      hand();
    });
    worker.on("error", (error) => lose(worker, error));
    worker.on("messageerror", (error) => {
      lose(worker, error);
      void worker.terminate();
    });
    worker.on("exit", () => lose(worker, undefined));
    return worker;
  }

  function lose(worker: Worker, reason: unknown): void {
    const task = busy.get(worker);
    busy.delete(worker);
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
    task?.reject(closed ? cancelled(task.request.kind) : crashed(task.request.kind, reason));
    hand();
  }

  async function close(): Promise<void> {
    closed = true;
    for (const task of [...queue.splice(0), ...busy.values()]) task.reject(cancelled(task.request.kind));
    await Promise.all([...idle, ...busy.keys()].map(endWorker));
  }

  return { run, close };
}

/** Milliseconds. */
const GRACE = 1000;

/** A thread that is ended from outside while it loads native code, or comes back from it, takes the whole process down. */
async function endWorker(worker: Worker): Promise<void> {
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  worker.ref();
  worker.postMessage(END);
  const timer = setTimeout(() => void worker.terminate(), GRACE);
  await ended;
  clearTimeout(timer);
}

interface Task {
  readonly request: JobRequest;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The worker's code: an asset of the single file, a file beside the bundle, or the source. */
function newWorker(entry: URL | undefined): Worker {
  // Without the flags of this process: some of them (--input-type, --import) are not for threads.
  const execArgv: string[] = [];
  if (entry !== undefined) return new Worker(entry, { execArgv });
  if (isSea()) return new Worker(getAsset("worker.cjs", "utf8"), { execArgv, eval: true });
  const fromSource = import.meta.url.endsWith(".ts");
  return new Worker(new URL(fromSource ? "../worker.ts" : "./worker.js", import.meta.url), { execArgv });
}

function settle(task: Task, answer: JobAnswer): void {
  if (answer.ok) task.resolve(answer.result);
  else task.reject(unpackError(answer.error));
}

function crashed(kind: string, reason: unknown): RegrowError {
  const why = reason instanceof Error ? reason.message : "it ended without an answer";
  const message = `A worker thread stopped during the job "${kind}": ${why}.`;
  return new RegrowError("system", message, { cause: reason, hint: "Run it again; if memory ran out, with fewer workers." });
}

function cancelled(kind: string): RegrowError {
  return new RegrowError("cancelled", `Cancelled: the job "${kind}" was not finished.`);
}
