/** Whether this copy of regrow works on this machine: its native module, its worker threads, its own integrity. */
import { createHash } from "node:crypto";
import { RegrowError } from "../base/errors.ts";
import { checkAssets } from "../sys/assets.ts";
import { CWD } from "../sys/open.ts";
import { S_IFDIR, statAt, typeOf } from "../sys/stat.ts";
import { startPool } from "../sys/worker-pool.ts";

export interface SelfTestResult {
  /** Assets of the single-file executable that were checked; 0 where regrow runs from files. */
  readonly assets: number;
  /** Milliseconds from asking for a worker to its answer. */
  readonly workerMilliseconds: number;
}

/** Throws where something is broken: `corrupt` for a wrong checksum, `system` for a system call or a thread. */
export async function selfTest(): Promise<SelfTestResult> {
  const assets = checkAssets();
  checkThread();
  const before = performance.now();
  const pool = startPool({ workers: 1 });
  try {
    await pool.run("self-test", undefined);
    return { assets, workerMilliseconds: performance.now() - before };
  } finally {
    await pool.close();
  }
}

/** What must work on each thread: a system call and a checksum. */
export function checkThread(): void {
  if (typeOf(statAt(CWD, "/").mode) !== S_IFDIR) throw new RegrowError("system", "/: statx says that it is no folder.");
  const checksum = createHash("sha256").update("abc").digest("hex");
  if (checksum !== SHA256_OF_ABC) throw new RegrowError("corrupt", `The SHA-256 of "abc" came out as ${checksum}.`);
}

// FIPS 180-2, appendix B.1.
const SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
