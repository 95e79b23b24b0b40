/**
 * The worker's side of the pool: answers each request with what the handler of that name returns or throws. A handler
 * has the thread to itself, so synchronous calls are the way to go there.
 */
import { parentPort, type MessagePort } from "node:worker_threads";
import { RegrowError } from "../base/errors.ts";
import { packError } from "./worker-errors.ts";
import { END, type JobAnswer, type JobRequest } from "./worker-protocol.ts";

// The pool's caller names the types of job and result; a table of handlers can't know them all.
// oxlint-disable-next-line typescript/no-explicit-any
export type JobHandler = (job: any) => unknown;

/**
 * Serves jobs by name until the pool ends the thread. A handler may be synchronous or return a promise.
 * Wrap a result in `withTransfer` to move its buffers instead of copying them.
 */
export function serveJobs(handlers: Readonly<Record<string, JobHandler>>): void {
  if (parentPort === null) throw new RegrowError("unsupported", "Jobs are served inside a worker thread only.");
  const port = parentPort;
  port.on("message", (request: JobRequest | typeof END) => {
    // In a thread that ends the thread.
    if (request === END) process.exit();
    void answer(port, handlers, request);
  });
}

/** A result of which the given buffers are moved to the caller: they are empty here afterwards. */
export function withTransfer<Result>(result: Result, transfer: readonly ArrayBuffer[]): Result {
  return new Moved(result, transfer) as Result;
}

class Moved {
  readonly result: unknown;
  readonly transfer: readonly ArrayBuffer[];

  constructor(result: unknown, transfer: readonly ArrayBuffer[]) {
    this.result = result;
    this.transfer = transfer;
  }
}

async function answer(port: MessagePort, handlers: Readonly<Record<string, JobHandler>>, request: JobRequest): Promise<void> {
  try {
    if (!Object.hasOwn(handlers, request.kind)) {
      throw new RegrowError("unsupported", `No worker does the job "${request.kind}".`);
    }
    const value = await handlers[request.kind]!(request.job);
    if (value instanceof Moved) send(port, { ok: true, result: value.result }, value.transfer);
    else send(port, { ok: true, result: value }, []);
  } catch (error) {
    send(port, { ok: false, error: packError(error) }, []);
  }
}

function send(port: MessagePort, message: JobAnswer, transfer: readonly ArrayBuffer[]): void {
  port.postMessage(message, [...transfer]);
}
