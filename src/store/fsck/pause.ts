/** Lets long work of this thread stop in between, so that answers of the others and a Ctrl-C have their turn. */
import { throwIfCancelled } from "../../base/errors.ts";

export interface Pause {
  isDue(): boolean;
  /** Throws `cancelled`. */
  take(): Promise<void>;
}

const MILLISECONDS = 20;

export function newPause(signal: AbortSignal | undefined): Pause {
  let last = performance.now();
  return {
    isDue: () => performance.now() - last > MILLISECONDS,
    async take() {
      await new Promise((resolve) => setImmediate(resolve));
      throwIfCancelled(signal);
      last = performance.now();
    },
  };
}
