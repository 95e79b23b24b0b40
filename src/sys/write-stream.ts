/** Writing to an open file, pipe or socket from where it stands, without holding up the thread while nobody reads. */
import { write } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { isErrno } from "../base/errors.ts";
import { failPoint } from "./fail-point.ts";
import { fromNodeError } from "./native.ts";

const writeSome = promisify(write);
const PAUSE_MILLISECONDS = 5;

/** Writes all of `data`. Throws SystemError (ENOSPC, EPIPE …). */
export async function writeNext(fd: number, data: Uint8Array): Promise<void> {
  failPoint("write");
  for (let done = 0; done < data.length;) {
    try {
      done += (await writeSome(fd, data, done)).bytesWritten;
    } catch (error) {
      const known = fromNodeError(error);
      if (!isErrno(known, "EAGAIN")) throw known;
      // Somebody else has set the pipe to not wait, and it is full.
      await setTimeout(PAUSE_MILLISECONDS);
    }
  }
}
