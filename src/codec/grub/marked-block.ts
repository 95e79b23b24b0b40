/**
 * A block that is regrow's in a script that may be somebody's own, such as `custom.cfg`. It stands between two comment lines:
 *
 *   ### BEGIN regrow switch ###
 *   …
 *   ### END regrow switch ###
 *
 * What is around it stays to the byte: where the text before it has no line feed at its end, one is added, and the first line says so
 * (`### BEGIN regrow switch, line feed added ###`).
 */
import { RegrowError } from "../../base/errors.ts";

interface Found {
  /** What stands before and after the block, as it was without it. */
  readonly before: string;
  readonly block: string;
  readonly after: string;
}

/** The lines of the block of that name, undefined where there is none. Throws `corrupt` where its end is missing. */
export function markedBlock(text: string, name: string): string | undefined {
  return find(text, name)?.block;
}

/**
 * The text with that block at its end, in place of one that it had: what is set last counts. `lines` undefined takes it out. Throws
 * `corrupt` where a block's end is missing, `usage` for lines that would end the block.
 */
export function withMarkedBlock(text: string, name: string, lines: string | undefined): string {
  const found = find(text, name);
  const own = found === undefined ? text : found.before + found.after;
  if (lines === undefined) return own;
  if (!lines.endsWith("\n") || /^### (BEGIN|END) regrow/m.test(lines)) {
    throw new RegrowError("usage", "Lines of a marked block end with a line feed and have no mark among them.");
  }
  const isAdded = own !== "" && !own.endsWith("\n");
  const begin = isAdded ? `\n### BEGIN regrow ${name}, line feed added ###\n` : `### BEGIN regrow ${name} ###\n`;
  return `${own}${begin}${lines}${endOf(name)}`;
}

function find(text: string, name: string): Found | undefined {
  const begin = new RegExp(
    `(?:^### BEGIN regrow ${name} ###\\n)|(?:\\n### BEGIN regrow ${name}, line feed added ###\\n)`,
    "m",
  ).exec(text);
  if (begin === null) return undefined;
  const start = begin.index + begin[0].length;
  const end = `\n${text.slice(start)}`.indexOf(`\n${endOf(name)}`);
  if (end < 0) {
    throw new RegrowError("corrupt", `The end of the block \`${name}\` is missing.`, {
      hint: `Take out the lines from \`### BEGIN regrow ${name}\` on that are not yours.`,
    });
  }
  return {
    before: text.slice(0, begin.index),
    block: text.slice(start, start + end),
    after: text.slice(start + end + endOf(name).length),
  };
}

function endOf(name: string): string {
  return `### END regrow ${name} ###\n`;
}
