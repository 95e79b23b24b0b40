/**
 * On which line of a TOML text a key stands, for messages: the parser keeps no positions. A text that the parser has accepted is looked at
 * line by line; where a key is inside of a value that is a table on one line, the value's line is told.
 */

type Path = readonly (string | number)[];

/** 1 for the first line; undefined where nothing of the path is found. `path`: names, and numbers into arrays of tables. */
export function lineOfKey(text: string, path: Path): number | undefined {
  let table: Path = [];
  let best: { readonly line: number; readonly length: number } | undefined;
  let quote: string | undefined;
  const tables = new Map<string, number>();
  for (const [index, raw] of text.split("\n").entries()) {
    const isInString = quote !== undefined;
    quote = quoteAfter(raw, quote);
    if (isInString) continue;
    const header = /^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$/.exec(raw);
    let found: Path | undefined;
    if (header !== null && !raw.includes("=")) {
      table = header[1] === "[[" ? nextOf(tables, splitKey(header[2]!)) : withNumbers(tables, splitKey(header[2]!));
      found = table;
    } else {
      const key = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=/.exec(raw)?.[1];
      found = key === undefined ? undefined : [...table, ...splitKey(key)];
    }
    if (found !== undefined && isStartOf(found, path) && found.length > (best?.length ?? 0))
      best = { line: index + 1, length: found.length };
  }
  return best?.line;
}

/** The one of `known` that was most likely meant; undefined where none is close. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(key.length / 3));
  const ranked = known.map((name) => ({ name, steps: stepsBetween(key, name) })).toSorted((a, b) => a.steps - b.steps);
  return ranked[0] !== undefined && ranked[0].steps <= most ? ranked[0].name : undefined;
}

/** Letters to add, to leave out or to replace; two that have changed place count once. */
function stepsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + Number(a[i - 1] !== b[j - 1]);
      let steps = Math.min(replaced, rows[i - 1]![j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) steps = Math.min(steps, rows[i - 2]![j - 2]! + 1);
      row.push(steps);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

function splitKey(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

/** `[[name]]` begins the next one of an array. */
function nextOf(tables: Map<string, number>, names: readonly string[]): Path {
  const above = withNumbers(tables, names.slice(0, -1));
  const key = JSON.stringify([...above, names.at(-1)]);
  const number = (tables.get(key) ?? -1) + 1;
  tables.set(key, number);
  return [...above, names.at(-1)!, number];
}

/** Names below an array of tables are of its last one. */
function withNumbers(tables: ReadonlyMap<string, number>, names: readonly string[]): Path {
  let path: Path = [];
  for (const name of names) {
    path = [...path, name];
    const number = tables.get(JSON.stringify(path));
    if (number !== undefined) path = [...path, number];
  }
  return path;
}

function isStartOf(start: Path, path: Path): boolean {
  return start.length <= path.length && start.every((piece, index) => piece === path[index]);
}

/** The quotes of a text over several lines that is still open after the line. */
function quoteAfter(line: string, open: string | undefined): string | undefined {
  let quote = open;
  for (const [mark] of line.matchAll(/"""|'''/g)) quote = quote === undefined ? mark : quote === mark ? undefined : quote;
  return quote;
}
