/** One run of the command line: words in, exit code out. */
import process from "node:process";
import { RegrowError } from "../base/errors.ts";
import { EXIT, type ExitCode } from "../base/exit-codes.ts";
import { VERSION } from "../base/version.ts";
import { watchSignals } from "./cancel.ts";
import { type CommandEntry, COMMANDS, findCommand } from "./command-table.ts";
import { complain } from "./complain.ts";
import type { Call, Command } from "./definition.ts";
import { type GlobalOptions, type Leading, readGlobals, splitAtCommand } from "./global-options.ts";
import { helpScreen } from "./help.ts";
import { OutputClosed, type Output, createOutput } from "./output.ts";
import { createProgress } from "./progress.ts";
import { nearest } from "./suggest.ts";

export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  // An error event without a listener would end the process in the middle of its work.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  // Until the options are known, the words tell how an error is to be shown.
  const manner = { json: words.includes("--json"), verbose: false };
  try {
    if (words[0] === "--self-test") return await selfTest();
    return await dispatch(splitAtCommand(words), manner);
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT.done;
    return complain(error, manner);
  }
}

/** Milliseconds. */
const SIGNAL_GRACE = 20;

interface Manner {
  json: boolean;
  verbose: boolean;
}

async function dispatch(leading: Leading, manner: Manner): Promise<ExitCode> {
  const { globals, name, rest } = leading;
  if (globals.includes("--version")) return printText(`regrow ${VERSION}`);
  if (name === undefined) return printText(helpScreen(COMMANDS));
  if (name === "help") return help(rest[0]);
  // What the completion scripts ask.
  if (name === "__complete") return (await import("./completion/complete.ts")).printCandidates(rest);
  const entry = commandNamed(name);
  const [command, { parseCall }] = await Promise.all([entry.load(), import("./parse.ts")]);
  const call = parseCall(name, command, [...globals, ...rest]);
  const global = readGlobals(call.options);
  manner.json = global.json;
  manner.verbose = global.verbose;
  if (global.help) return help(name);
  if (global.version) return printText(`regrow ${VERSION}`);
  if (global.dryRun && command.dryRun === "refuses") {
    throw new RegrowError("usage", `${name}: has no dry run.`, { hint: `Leave --dry-run out; see \`regrow help ${name}\`.` });
  }
  return run(command, call, global);
}

async function run(command: Command, call: Call<Record<string, unknown>>, global: GlobalOptions): Promise<ExitCode> {
  const signals = watchSignals();
  const progress = createProgress(global);
  const out = createOutput({ ...global, signal: signals.signal, beforeText: progress.hide });
  try {
    const observer = { signal: signals.signal, onEvent: progress.take };
    const { createContext } = await import("./create-context.ts");
    const code = await command.run(createContext({ global, out, observer }), call);
    progress.stop();
    out.flush();
    return code ?? EXIT.done;
  } catch (error) {
    progress.stop();
    flushResults(out);
    throw await orCancelled(error, signals.signal);
  } finally {
    signals.stop();
  }
}

/** Ctrl-C reaches all of a pipeline: what fails because a neighbour has gone is cancelled too. */
async function orCancelled(error: unknown, signal: AbortSignal): Promise<unknown> {
  // The end of a pipe that the same key has closed may be seen a moment before the signal.
  await new Promise((resolve) => setTimeout(resolve, SIGNAL_GRACE));
  if (!signal.aborted || error instanceof OutputClosed) return error;
  const isCancelled = error instanceof RegrowError && error.code === "cancelled";
  return isCancelled ? error : new RegrowError("cancelled", "Cancelled.", { cause: error });
}

/** What was found before the error is shown before it. */
function flushResults(out: Output): void {
  try {
    out.flush();
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  }
}

async function help(name: string | undefined): Promise<ExitCode> {
  if (name === undefined) return printText(helpScreen(COMMANDS));
  const entry = commandNamed(name);
  const { commandHelp } = await import("./command-help.ts");
  return printText(commandHelp(entry, await entry.load()));
}

function commandNamed(name: string): CommandEntry {
  const entry = findCommand(name);
  if (entry !== undefined) return entry;
  const near = nearest(
    name,
    COMMANDS.map((command) => command.name),
  );
  const hint = near === undefined ? "See `regrow help`." : `Did you mean \`regrow ${near}\`?`;
  throw new RegrowError("usage", `${name}: no such command.`, { hint });
}

/** Of the copy of regrow that runs; for those who install it. */
async function selfTest(): Promise<ExitCode> {
  const { assets, workerMilliseconds } = await (await import("../machine/self-test.ts")).selfTest();
  return printText(`self-test passed: ${assets} assets, worker in ${workerMilliseconds.toFixed(0)} ms`);
}

function printText(text: string): ExitCode {
  process.stdout.write(`${text}\n`);
  return EXIT.done;
}
