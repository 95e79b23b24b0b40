/** A pipe between a thread that writes and this one that reads. */
import { declare, lastError } from "./native.ts";
import { O } from "./open.ts";

const pipe2 = declare("int pipe2(void *, int)");

/** Both ends, each to be closed by who has it. Throws SystemError. */
export function makePipe(): { readonly readFd: number; readonly writeFd: number } {
  const ends = Buffer.alloc(8);
  if (pipe2(ends, O.CLOEXEC) < 0) throw lastError("pipe2");
  return { readFd: ends.readInt32LE(0), writeFd: ends.readInt32LE(4) };
}
