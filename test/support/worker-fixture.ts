/** Jobs that the tests of the worker pool give to a worker: the good, the failing and the deadly. */
import process from "node:process";
import { threadId } from "node:worker_threads";
import { RegrowError, SystemError } from "../../src/base/errors.ts";
import { serveJobs, withTransfer } from "../../src/sys/worker-server.ts";

serveJobs({
  double: (job: { value: number }) => job.value * 2,
  later: async (job: { value: number }) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return job.value + 1;
  },
  thread: (job: { milliseconds: number }) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, job.milliseconds);
    return threadId;
  },
  fill: (job: { buffer: ArrayBuffer; value: number }) => {
    new Uint8Array(job.buffer).fill(job.value);
    return withTransfer({ buffer: job.buffer }, [job.buffer]);
  },
  refuse: () => {
    throw new RegrowError("refused", "Not on a Sunday.", {
      path: "/srv/x",
      hint: "Try on Monday.",
      cause: new SystemError("openat", "EROFS", "/srv/x"),
    });
  },
  system: () => {
    throw new SystemError("renameat", "ENOSPC", "/srv/full");
  },
  bug: () => (undefined as unknown as { x: number }).x,
  unclonable: () => () => 1,
  exit: () => process.exit(7),
  crash: () => {
    setTimeout(() => {
      throw new Error("fell over");
    }, 0);
    return new Promise(() => {});
  },
  forever: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
});
