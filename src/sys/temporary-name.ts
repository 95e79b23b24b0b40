/** Names for files that are not finished: no two of them are the same, whichever threads and processes make them. */
import { randomBytes } from "node:crypto";
import process from "node:process";
import { threadId } from "node:worker_threads";

// Processes in containers of their own may share a folder, and a process number too.
const origin = `${process.pid}-${threadId}-${randomBytes(4).toString("hex")}`;
let count = 0;

/** `.WHAT-<process>-<thread>-<random>-<count>` */
export function temporaryName(what: string): string {
  return `.${what}-${origin}-${count++}`;
}
