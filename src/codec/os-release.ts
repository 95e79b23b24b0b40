/** os-release(5): which distribution a tree is. A shell-like list of assignments, of which only quoting is interpreted. */

/** The assignments by name, such as `ID` and `PRETTY_NAME`. Lines that are no assignment are left out, as the format asks. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match) values.set(match[1]!, unquote(match[2]!.trim()));
  }
  return values;
}

/** A name for people: PRETTY_NAME, or the nearest to it that is there. */
export function osTitle(values: ReadonlyMap<string, string>): string {
  return values.get("PRETTY_NAME") ?? values.get("NAME") ?? values.get("ID") ?? "Linux";
}

function unquote(text: string): string {
  if (text.length >= 2 && text.startsWith("'") && text.endsWith("'")) return text.slice(1, -1);
  const inner = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  return inner.replace(/\\(["'$`\\])/g, "$1");
}
