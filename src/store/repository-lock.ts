/** The repository's lock, `.lock`, as ostree takes it: shared by who writes, exclusive for who removes. */
import { type LockKind, takeLock } from "../sys/lock.ts";
import type { Repository } from "./repository.ts";

/** Runs `work` under the lock, unless the repository's config says that it has none. Throws `locked`, `cancelled`. */
export async function withRepositoryLock<T>(
  repository: Repository,
  kind: LockKind,
  signal: AbortSignal | undefined,
  work: () => T | Promise<T>,
): Promise<T> {
  const { config, fd } = repository;
  const lock = config.locking
    ? await takeLock(fd, ".lock", { kind, timeoutSeconds: config.lockTimeoutSeconds, ...(signal && { signal }) })
    : undefined;
  try {
    return await work();
  } finally {
    lock?.release();
  }
}
