/**
 * Whether this copy of regrow works on this machine: its own integrity, its native module, its worker threads. The native
 * module is loaded only after its checksum was found right.
 */
import { checkAssets, readPackagedFile } from "../sys/assets.ts";
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
  readPackagedFile("engine/regrow-engine");
  const { testThread } = await import("./thread-test.ts");
  testThread();
  const before = performance.now();
  const pool = startPool({ workers: 1 });
  try {
    await pool.run("self-test", undefined);
    return { assets, workerMilliseconds: performance.now() - before };
  } finally {
    await pool.close();
  }
}
