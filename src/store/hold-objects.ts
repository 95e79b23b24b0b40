/** Keeping objects from being removed while they are read, as far as a reader can. */
import { isErrno } from "../base/errors.ts";
import { takeLock } from "../sys/lock.ts";
import type { Repository } from "./repository.ts";

/**
 * Takes the shared lock; what it returns gives it back. Who may only read there can't lock there either: then a prune in the
 * meantime shows as a missing object. Throws `locked`, `cancelled`.
 */
export async function holdObjects({ config, fd }: Repository, signal: AbortSignal | undefined): Promise<() => void> {
  if (!config.locking) return () => {};
  try {
    const request = { kind: "shared", timeoutSeconds: config.lockTimeoutSeconds, ...(signal && { signal }) } as const;
    const lock = await takeLock(fd, ".lock", request);
    return () => lock.release();
  } catch (error) {
    if (isErrno(error, "EROFS", "EACCES", "EPERM")) return () => {};
    throw error;
  }
}

/** Runs `work` while objects are held. Throws what `work` throws, `locked`, `cancelled`. */
export async function whileObjectsHeld<T>(
  repository: Repository,
  signal: AbortSignal | undefined,
  work: () => T | Promise<T>,
): Promise<T> {
  const release = await holdObjects(repository, signal);
  try {
    return await work();
  } finally {
    release();
  }
}
