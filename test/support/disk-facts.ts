/** What is on disk, as an independent program sees it (disk-facts.py), and the differences between two such views. */
import path from "node:path";
import { run } from "./programs.ts";

const script = path.join(import.meta.dirname, "disk-facts.py");

export interface DiskFacts {
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970. */
  readonly mtime: string;
  readonly xattrs: Readonly<Record<string, string>>;
  readonly same?: string;
  readonly target?: string;
  readonly device?: string;
  readonly flags?: number;
  readonly size?: number;
  readonly holes?: readonly (readonly [number, number])[] | null;
  readonly sha256?: string;
}

export const SOCKET = "0o140000";

/** By path, "" for the folder itself; a path has one character a byte. */
export function diskFacts(folder: string, { withContent = true } = {}): Map<string, DiskFacts> {
  const lines = run("python3", [script, folder, ...(withContent ? [] : ["nohash"])])
    .toString("utf8")
    .trimEnd()
    .split("\n");
  return new Map(
    lines.map((line) => {
      const { path: name, ...facts } = JSON.parse(line) as DiskFacts & { path: string };
      return [name, facts];
    }),
  );
}

export interface CompareOptions {
  /** What need not be the same. */
  readonly except?: readonly (keyof DiskFacts)[];
}

/** One line for each fact in which the two differ; sockets in `expected` count for nothing. */
export function factDifferences(
  expected: ReadonlyMap<string, DiskFacts>,
  actual: ReadonlyMap<string, DiskFacts>,
  { except = [] }: CompareOptions = {},
): string[] {
  const lines: string[] = [];
  for (const [name, facts] of expected) {
    const other = actual.get(name);
    if (facts.type === SOCKET) continue;
    if (other === undefined) {
      lines.push(`${JSON.stringify(name)}: is missing`);
      continue;
    }
    for (const key of new Set([...Object.keys(facts), ...Object.keys(other)]) as Set<keyof DiskFacts>) {
      if (except.includes(key)) continue;
      const [before, after] = [JSON.stringify(facts[key]), JSON.stringify(other[key])];
      if (before !== after) lines.push(`${JSON.stringify(name)}: ${key} is ${after}, not ${before}`);
    }
  }
  for (const name of actual.keys()) if (!expected.has(name)) lines.push(`${JSON.stringify(name)}: should not be there`);
  return lines;
}
