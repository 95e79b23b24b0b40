/** The options that every command takes, before or after its name. */
import { RegrowError } from "../base/errors.ts";
import type { OptionDefinition } from "./option-definition.ts";

export interface GlobalOptions {
  readonly repo: string | undefined;
  /** The folder at which a machine is mounted that is not the running one. */
  readonly sysroot: string | undefined;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  { long: "repo", value: "DIR", summary: "the repository", completes: "folder" },
  { long: "sysroot", value: "DIR", summary: "a machine that is mounted there, not this one", completes: "folder" },
  { long: "json", summary: "results as JSON, one object a line" },
  { short: "n", long: "dry-run", summary: "show what would be done" },
  { short: "y", long: "yes", summary: "answer yes to all questions" },
  { short: "q", long: "quiet", summary: "nothing but results and errors" },
  { short: "v", long: "verbose", summary: "say more" },
  { short: "h", long: "help", summary: "help" },
  { long: "version", summary: "the version" },
];

export interface Leading {
  /** The options before the command, in their long form: a command may give a short one another meaning. */
  readonly globals: readonly string[];
  /** The first word that is no option. */
  readonly name: string | undefined;
  readonly rest: readonly string[];
}

/** Splits the arguments at the command's name. Throws `usage` where an option before it is not one of these. */
export function splitAtCommand(args: readonly string[]): Leading {
  const globals: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (!word.startsWith("-") || word === "-") return { globals, name: word, rest: args.slice(at + 1) };
    for (const option of optionsIn(word)) {
      globals.push(option.text);
      if (!option.takesNext) continue;
      const value = args[++at];
      if (value === undefined) throw new RegrowError("usage", `${word}: a value is missing.`, { hint: "See `regrow help`." });
      globals.push(value);
    }
  }
  return { globals, name: undefined, rest: [] };
}

/** The command's own options, and those of all commands that it doesn't use otherwise. */
export function withGlobals(own: readonly OptionDefinition[]): OptionDefinition[] {
  const longs = new Set(own.map(({ long }) => long));
  const shorts = new Set(own.map(({ short }) => short));
  const globals = GLOBAL_OPTIONS.filter(({ long }) => !longs.has(long)).map(({ short, ...option }) =>
    short === undefined || shorts.has(short) ? option : { ...option, short },
  );
  return [...own, ...globals];
}

export function readGlobals(options: Record<string, unknown>): GlobalOptions {
  const flag = (key: string): boolean => options[key] === true;
  return {
    repo: options["repo"] as string | undefined,
    sysroot: options["sysroot"] as string | undefined,
    json: flag("json"),
    dryRun: flag("dryRun"),
    yes: flag("yes"),
    quiet: flag("quiet"),
    verbose: flag("verbose"),
    help: flag("help"),
    version: flag("version"),
  };
}

function optionsIn(word: string): { text: string; takesNext: boolean }[] {
  if (word.startsWith("--")) {
    const name = word.slice(2).split("=")[0]!;
    const known = GLOBAL_OPTIONS.find(({ long }) => long === name);
    if (known === undefined || (known.value === undefined && word.includes("="))) throw unknown(word);
    return [{ text: word, takesNext: known.value !== undefined && !word.includes("=") }];
  }
  return word
    .slice(1)
    .split("")
    .map((letter) => {
      const known = GLOBAL_OPTIONS.find(({ short }) => short === letter);
      if (known === undefined) throw unknown(`-${letter}`);
      return { text: `--${known.long}`, takesNext: false };
    });
}

function unknown(word: string): RegrowError {
  return new RegrowError("usage", `${word}: no option that may stand before the command.`, {
    hint: "Options of a command stand behind its name; see `regrow help`.",
  });
}
