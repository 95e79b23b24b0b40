/** Sending a read-only subvolume by ioctl: it needs an open folder only, so it works on mounts without a name too. Needs root. */
import { Socket } from "node:net";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { makePipe } from "../pipe.ts";
import { startPool } from "../worker-pool.ts";
import type { SendJob } from "./send-job.ts";
import { isReadOnlySubvolume } from "./subvolumes.ts";
import { subvolumeIdOf } from "./list-subvolumes.ts";

export interface SendRequest {
  /** Root of the subvolume, as the next one. */
  readonly sourceFd: number;
  /** What the receiver has already. */
  readonly parentFd?: number | undefined;
  /** False: the stream tells which bytes changed, and not what they are. */
  readonly withData: boolean;
  readonly version: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The stream, piece by piece, as fast as it is read. Throws `unsupported` where one of the two is no read-only subvolume, `cancelled`,
 * SystemError.
 */
export async function* sendSubvolume(request: SendRequest): AsyncGenerator<Buffer, void, undefined> {
  const { sourceFd, parentFd, withData, version, signal } = request;
  throwIfCancelled(signal);
  for (const fd of parentFd === undefined ? [sourceFd] : [sourceFd, parentFd]) refuseWritable(fd);
  const parentId = parentFd === undefined ? 0n : subvolumeIdOf(parentFd);
  const { readFd, writeFd } = makePipe();
  const reading = new Socket({ fd: readFd, readable: true, writable: false });
  const onAbort = (): unknown => reading.destroy();
  signal?.addEventListener("abort", onAbort, { once: true });
  const pool = startPool({ workers: 1 });
  const job: SendJob = { sourceFd, pipeFd: writeFd, parentId, withData, version };
  const sending = pool.run<SendJob, void>("send-subvolume", job);
  // Heard below; until then it is not forgotten.
  sending.catch(() => {});
  try {
    for await (const piece of reading) yield piece as Buffer;
    throwIfCancelled(signal);
    await sending;
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // With nobody to read, the call in the thread ends.
    reading.destroy();
    await sending.catch(() => {});
    await pool.close();
  }
}

function refuseWritable(fd: number): void {
  if (isReadOnlySubvolume(fd)) return;
  throw new RegrowError("unsupported", "A subvolume that can still be written to can't be sent.", {
    hint: "Take a read-only snapshot of it, and send that.",
  });
}
