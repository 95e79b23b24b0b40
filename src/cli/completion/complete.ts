/**
 * Answers the completion scripts: what may stand where the cursor is. The scripts themselves know nothing of the commands.
 *
 * The answer is a line for each candidate, `candidate<TAB>what it is`; the lines `:file` and `:folder` leave it to the shell.
 */
import process from "node:process";
import { EXIT, type ExitCode } from "../../base/exit-codes.ts";
import { COMMANDS, findCommand } from "../command-table.ts";
import type { Command } from "../definition.ts";
import { GLOBAL_OPTIONS, withGlobals } from "../global-options.ts";
import type { Completes, OptionDefinition } from "../option-definition.ts";
import { joinBashWords } from "./bash-words.ts";
import { revisionNames } from "./revision-names.ts";

interface Candidate {
  readonly text: string;
  readonly what: string;
}

/** `words`: the shell's name, then the words behind `regrow` up to the one that is being written, which may be empty. */
export async function printCandidates([shell, ...given]: readonly string[]): Promise<ExitCode> {
  const { words, cut } = shell === "bash" ? joinBashWords(given) : { words: given, cut: 0 };
  const current = words.at(-1) ?? "";
  const lines: string[] = [];
  for (const { text, what } of await candidates(words.slice(0, -1), current)) {
    if (text.startsWith(":")) lines.push(text);
    else if (text.startsWith(current)) lines.push(shell === "bash" ? text.slice(cut) : `${text}\t${what}`);
  }
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return EXIT.done;
}

async function candidates(before: readonly string[], current: string): Promise<Candidate[]> {
  const place = await readWords(before);
  const repo = place.repo;
  if (place.pending !== undefined) return valuesFor(place.pending.completes, "", repo);
  const equals = current.startsWith("--") ? current.indexOf("=") : -1;
  if (equals > 0 && !place.onlyArguments) {
    const option = place.options.find(({ long, value }) => value !== undefined && long === current.slice(2, equals));
    return valuesFor(option?.completes, current.slice(0, equals + 1), repo);
  }
  if (current.startsWith("-") && !place.onlyArguments) return place.options.map(optionCandidate);
  if (place.name === undefined) return COMMANDS.map(({ name, summary }) => ({ text: name, what: summary }));
  if (place.name === "help") return place.args === 0 ? valuesFor("command", "", repo) : [];
  const { arguments: expected = [] } = place.command ?? {};
  const argument = expected[place.args] ?? (expected.at(-1)?.repeated === true ? expected.at(-1) : undefined);
  return valuesFor(argument?.completes, "", repo);
}

interface Place {
  readonly name: string | undefined;
  readonly command: Command | undefined;
  readonly options: readonly OptionDefinition[];
  /** How many arguments stand before the cursor. */
  readonly args: number;
  /** The option whose value is being written. */
  readonly pending: OptionDefinition | undefined;
  /** Behind `--`. */
  readonly onlyArguments: boolean;
  readonly repo: string | undefined;
}

async function readWords(words: readonly string[]): Promise<Place> {
  let place: Place = {
    name: undefined,
    command: undefined,
    options: GLOBAL_OPTIONS,
    args: 0,
    pending: undefined,
    onlyArguments: false,
    repo: undefined,
  };
  for (const word of words) {
    if (place.pending !== undefined)
      place = { ...place, repo: place.pending.long === "repo" ? word : place.repo, pending: undefined };
    else if (word === "--" && !place.onlyArguments) place = { ...place, onlyArguments: true };
    else if (word.startsWith("-") && !place.onlyArguments) place = { ...place, ...afterOption(place, word) };
    else if (place.name !== undefined) place = { ...place, args: place.args + 1 };
    else {
      const command = await findCommand(word)?.load();
      place = { ...place, name: word, command, options: withGlobals(command?.options ?? []) };
    }
  }
  return place;
}

function afterOption({ options }: Place, word: string): Partial<Place> {
  if (word.startsWith("--repo=")) return { repo: word.slice("--repo=".length) };
  const option = word.startsWith("--")
    ? options.find(({ long }) => word === `--${long}`)
    : options.find(({ short }) => short !== undefined && word.endsWith(short));
  return option?.value === undefined ? {} : { pending: option };
}

function optionCandidate({ long, value, summary }: OptionDefinition): Candidate {
  return { text: value === undefined ? `--${long}` : `--${long}=`, what: summary };
}

async function valuesFor(completes: Completes | undefined, prefix: string, repo: string | undefined): Promise<Candidate[]> {
  if (completes === "file" || completes === "folder") return [{ text: `:${completes}`, what: "" }];
  if (completes === undefined || completes === "nothing") return [];
  if (completes === "command") return COMMANDS.map(({ name, summary }) => ({ text: prefix + name, what: summary }));
  const names = typeof completes === "string" ? revisionNames(repo) : completes.map((text) => ({ text, what: "" }));
  return names.map(({ text, what }) => ({ text: prefix + text, what }));
}
