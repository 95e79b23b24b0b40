/**
 * What a command is to the command line: its arguments and options as data, from which the parser, the help and the shell
 * completions are made, and the function that runs it. Its name and summary stand in command-table.ts, so that the help
 * screen need not load it.
 */
import type { ExitCode } from "../base/exit-codes.ts";
import type { Context } from "./context.ts";
import type { Completes, OptionDefinition } from "./option-definition.ts";

export interface ArgumentDefinition {
  readonly name: string;
  readonly summary: string;
  readonly required?: boolean;
  /** Only of the last argument: it takes all that follows. */
  readonly repeated?: boolean;
  readonly completes?: Completes;
}

export interface Example {
  readonly line: string;
  readonly what: string;
}

/** Values by the long name in camel case: `noXattrs`, `ownerUid`. */
export interface Call<Options> {
  /** As they were given. */
  readonly args: readonly string[];
  /** What stood behind `--`, of a command that tells it from the others. */
  readonly behind: readonly string[];
  readonly options: Options;
}

export interface Command<Options = Record<string, unknown>> {
  /** More than the summary, for `regrow help COMMAND`. */
  readonly description?: string;
  readonly arguments: readonly ArgumentDefinition[];
  readonly options: readonly OptionDefinition[];
  /** What stands behind `--` is handed over by itself: paths, where arguments are commits. */
  readonly restAfterDashes?: boolean;
  readonly examples: readonly Example[];
  /** What it may end with beside 0, 1, 2 and 130. */
  readonly exitCodes: readonly ExitCode[];
  /** `reads`: it changes nothing, so a dry run is a run. `refuses`: it has no dry run. */
  readonly dryRun: "reads" | "supports" | "refuses";
  /** Returns an exit code where it is not 0. */
  run(context: Context, call: Call<Options>): Promise<ExitCode | void> | ExitCode | void;
}

/** Forgets the type of the options, which the definition itself assures. */
export function defineCommand<Options>(command: Command<Options>): Command {
  return command as unknown as Command;
}
