/** What a command gets from the command line beside its own arguments. */
import type { Observer } from "../base/events.ts";
import type { Machine } from "../machine/sysroot/machine.ts";
import type { Repository } from "../store/repository.ts";
import type { GlobalOptions } from "./global-options.ts";
import type { Output } from "./output.ts";

export interface Context {
  readonly global: GlobalOptions;
  readonly out: Output;
  /** For the library: cancelled by Ctrl-C, shown as progress. */
  readonly observer: Observer & { readonly signal: AbortSignal };
  /** Runs `work` with the repository that the options, the environment or the place choose. Throws `no-repository`. */
  withRepository<T>(work: (repository: Repository) => Promise<T> | T): Promise<T>;
  /** Runs `work` with this machine, or the one at --sysroot. Throws what opening a machine throws. */
  withMachine<T>(work: (machine: Machine) => Promise<T> | T): Promise<T>;
  /** Throws `refused` unless the answer is yes. */
  confirm(question: string): Promise<void>;
}
