/** The words behind a command's name become arguments and options, as its definition says. Built on commander. */
import { Argument, Command as Parser, CommanderError, Option } from "commander";
import { RegrowError } from "../base/errors.ts";
import type { ArgumentDefinition, Call, Command } from "./definition.ts";
import { withGlobals } from "./global-options.ts";
import { type OptionDefinition, optionKey } from "./option-definition.ts";

/** Throws `usage`. Where they ask for help, missing arguments are no error. */
export function parseCall(name: string, command: Command, words: readonly string[]): Call<Record<string, unknown>> {
  const parser = new Parser(name).exitOverride().configureOutput({ writeErr: () => {} });
  // Its own --help would print and exit.
  parser.helpOption(false).helpCommand(false);
  for (const option of withGlobals(command.options)) parser.addOption(parserOption(option));
  for (const argument of command.arguments) parser.addArgument(parserArgument(argument));
  const dashes = command.restAfterDashes === true ? words.indexOf("--") : -1;
  const behind = dashes < 0 ? [] : words.slice(dashes + 1);
  try {
    parser.parse(dashes < 0 ? words : words.slice(0, dashes), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw usage(name, error.message);
  }
  const options = parser.opts();
  if (options["help"] !== true && options["version"] !== true) requireArguments(name, command, parser.args);
  return { args: parser.args, behind, options };
}

function parserOption(definition: OptionDefinition): Option {
  const { short, long, value, summary, repeated } = definition;
  const parse = namingParser(definition);
  const flags = `${short === undefined ? "" : `-${short}, `}--${long}${value === undefined ? "" : ` <${value}>`}`;
  const option = new Option(flags, summary);
  // `--no-xattrs` is a switch of its own here, and none that says that `xattrs` is false.
  option.negate = false;
  option.attributeName = () => optionKey(long);
  if (repeated === true) option.argParser((text: string, before: unknown) => [...asList(before), parse ? parse(text) : text]);
  else if (parse !== undefined) option.argParser(parse);
  return option;
}

/** A value's own complaint does not say which option it was given to. */
function namingParser({ long, parse }: OptionDefinition): OptionDefinition["parse"] {
  if (parse === undefined) return undefined;
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof RegrowError)) throw error;
      const { code, message, hint } = error;
      throw new RegrowError(code, `--${long}: ${message}`, hint === undefined ? {} : { hint });
    }
  };
}

function asList(before: unknown): unknown[] {
  return Array.isArray(before) ? before : [];
}

// Which of them must be there is looked at later: with --help, none.
function parserArgument({ name, summary, repeated }: ArgumentDefinition): Argument {
  return new Argument(repeated === true ? `[${name}...]` : `[${name}]`, summary);
}

function requireArguments(name: string, command: Command, args: readonly string[]): void {
  const missing = command.arguments.find(({ required }, index) => required === true && args[index] === undefined);
  if (missing !== undefined) throw usage(name, `${missing.name} is missing`);
}

function usage(name: string, text: string): RegrowError {
  const reason = text.replace(/^error: /, "").replace(/\n/g, " ");
  const message = `${name}: ${reason}${/[.?)]$/.test(reason) ? "" : "."}`;
  return new RegrowError("usage", message, { hint: `See \`regrow help ${name}\`.` });
}
