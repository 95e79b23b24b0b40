/** The help screen: all commands on one page. */
import type { CommandEntry, Group } from "./command-table.ts";

/** Groups whose commands stand side by side, without their summaries. */
const COMPACT: readonly Group[] = ["Repository"];
const GROUPS: readonly Group[] = [
  "Time machine",
  "Bare metal",
  "Fresh at every boot",
  "Many from one",
  "OS as code",
  "Repository",
];
const NAME_WIDTH = 10;
const LINE_WIDTH = 70;

export function helpScreen(commands: readonly CommandEntry[]): string {
  const lines = ["regrow: git for a running Linux system", ""];
  for (const group of GROUPS) {
    const members = commands.filter((command) => command.group === group);
    if (members.length > 0) lines.push(group, ...(COMPACT.includes(group) ? namesOf(members) : members.map(lineOf)));
  }
  const others = commands.filter(({ group }) => group === "Beside").map(({ name }) => name);
  lines.push("", "COMMIT: checksum or prefix, branch, tag, X^ for the parent of X");
  lines.push("Options: --repo --json -n/--dry-run -y/--yes -q -v");
  lines.push(
    `regrow help COMMAND tells more${others.includes("completion") ? "; regrow completion SHELL prints completions" : ""}`,
  );
  if (others.includes("try")) lines.push("New here? regrow try   (no root, changes nothing)");
  return lines.join("\n");
}

function lineOf({ name, shape, summary }: CommandEntry): string {
  return `  ${name.padEnd(NAME_WIDTH)} ${shape === undefined ? "" : `${shape}  `}${summary}`;
}

function namesOf(commands: readonly CommandEntry[]): string[] {
  const lines: string[] = [];
  let line = "";
  for (const { name } of commands) {
    if (line.length + name.length > LINE_WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? `  ${name}` : ` ${name}`;
  }
  return [...lines, line];
}
