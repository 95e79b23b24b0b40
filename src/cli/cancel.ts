/** Signals: the first asks the work to stop, which leaves everything clean; the second ends the process as it would by itself. */
import process from "node:process";

export interface Signals {
  readonly signal: AbortSignal;
  stop(): void;
}

const WATCHED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function watchSignals(): Signals {
  const controller = new AbortController();
  const stop = (): void => {
    for (const name of WATCHED) process.removeListener(name, take);
  };
  const take = (): void => {
    // Without a listener the next one has its usual effect.
    stop();
    controller.abort();
  };
  for (const name of WATCHED) process.on(name, take);
  return { signal: controller.signal, stop };
}
