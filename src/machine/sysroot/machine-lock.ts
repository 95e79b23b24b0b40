/** One command at a time changes a machine. */
import { RegrowError } from "../../base/errors.ts";
import { takeLock } from "../../sys/lock.ts";
import { type Machine, homeOf } from "./machine.ts";

const PATIENCE_SECONDS = 10;

/** Runs `work` while nobody else changes the machine. Throws `locked` where somebody else does, `no-repository` where it is not set up. */
export async function withMachineLock<T>(
  machine: Machine,
  signal: AbortSignal | undefined,
  work: (homeFd: number) => Promise<T>,
): Promise<T> {
  const homeFd = homeOf(machine);
  const lock = await lockHome(homeFd, signal);
  try {
    return await work(homeFd);
  } finally {
    lock.release();
  }
}

async function lockHome(homeFd: number, signal: AbortSignal | undefined): ReturnType<typeof takeLock> {
  try {
    return await takeLock(homeFd, "lock", { kind: "exclusive", timeoutSeconds: PATIENCE_SECONDS, ...(signal && { signal }) });
  } catch (error) {
    if (!(error instanceof RegrowError) || error.code !== "locked") throw error;
    throw new RegrowError("locked", "Another regrow is changing this machine.", {
      hint: "Wait until it has ended.",
      cause: error,
    });
  }
}
