/** The help of one command. */
import { EXIT, EXIT_MEANINGS } from "../base/exit-codes.ts";
import type { CommandEntry } from "./command-table.ts";
import type { ArgumentDefinition, Command } from "./definition.ts";
import { withGlobals } from "./global-options.ts";
import type { OptionDefinition } from "./option-definition.ts";

export function commandHelp({ name, summary }: CommandEntry, command: Command): string {
  const sections = [
    [`regrow ${name}: ${summary}`],
    ["Usage", `  ${usageOf(name, command)}`],
    command.description === undefined ? [] : [command.description],
    section(
      "Arguments",
      command.arguments.map(({ name: argument, summary: text }) => [argument, text]),
    ),
    section("Options", command.options.map(optionLine)),
    section("Everywhere", globalsOf(command).map(optionLine)),
    section(
      "Examples",
      command.examples.map(({ line, what }) => [line, what]),
    ),
    section("Exit codes", exitLines(command)),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

/** Without those that the command refuses. */
function globalsOf({ options, dryRun }: Command): readonly OptionDefinition[] {
  const all = withGlobals(options).slice(options.length);
  return dryRun === "refuses" ? all.filter(({ long }) => long !== "dry-run") : all;
}

export function usageOf(name: string, command: Command): string {
  const options = command.options.length > 0 ? " [OPTION…]" : "";
  return `regrow ${name}${options}${command.arguments.map((argument) => ` ${shapeOf(argument)}`).join("")}`;
}

export function optionFlags({ short, long, value }: OptionDefinition): string {
  return `${short === undefined ? "    " : `-${short}, `}--${long}${value === undefined ? "" : `=${value}`}`;
}

function optionLine(option: OptionDefinition): [string, string] {
  return [optionFlags(option), `${option.summary}${option.repeated === true ? "; may be repeated" : ""}`];
}

function shapeOf({ name, required, repeated }: ArgumentDefinition): string {
  const shape = `${name}${repeated === true ? "…" : ""}`;
  return required === true ? shape : `[${shape}]`;
}

function exitLines({ exitCodes }: Command): [string, string][] {
  const codes = new Set([EXIT.done, EXIT.failure, EXIT.usage, ...exitCodes, EXIT.cancelled]);
  return [...codes].sort((a, b) => a - b).map((code) => [String(code), EXIT_MEANINGS[code]]);
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([left]) => left.length));
  return [title, ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)];
}
