/** Random trees: operations as fast-check makes and shrinks them, carried out by random-tree.py. */
import path from "node:path";
import fc from "fast-check";
import { run } from "./programs.ts";

export interface Operation {
  readonly kind: string;
  readonly a: number;
  readonly b: number;
}

const script = path.join(import.meta.dirname, "random-tree.py");
const isRoot = process.geteuid!() === 0;

/** What ostree can store. */
const MAKING = ["file", "file", "file", "folder", "folder", "symlink", "sparse", "zeros", "hardlink"];
const ODD = ["odd name", "odd folder", "odd target", "fifo", ...(isRoot ? ["device"] : [])];
const MARKING = ["mode", "attribute", "empty attribute", "time", ...(isRoot ? ["owner"] : [])];
const CHANGING = ["rewrite", "append", "same size and time", "remove", "remove folder", "rename", "rename folder", "other type"];

export const PLAIN_KINDS: readonly string[] = [...MAKING, ...MARKING];
export const MAKING_KINDS: readonly string[] = [...PLAIN_KINDS, ...ODD];
export const CHANGING_KINDS: readonly string[] = [...CHANGING, ...CHANGING, ...CHANGING, ...CHANGING, ...MAKING_KINDS];

export function operations(
  kinds: readonly string[],
  lengths: { minLength: number; maxLength: number },
): fc.Arbitrary<Operation[]> {
  const number = fc.integer({ min: 0, max: 99_999 });
  const operation = fc.record({ kind: fc.constantFrom(...kinds), a: number, b: number }, { noNullPrototype: true });
  return fc.array(operation, lengths);
}

/** The counts of what was done; what made no sense in that tree is left out. */
export type Counts = Map<string, number>;

export function carryOut(folder: string, list: readonly Operation[], counts: Counts): void {
  const output = run("python3", [script, folder], { input: list.map((one) => `${JSON.stringify(one)}\n`).join("") });
  for (const [kind, count] of Object.entries(JSON.parse(output.toString()) as Record<string, number>)) {
    counts.set(kind, (counts.get(kind) ?? 0) + count);
  }
}

/** The kinds that were never done. */
export function missingKinds(counts: Counts, kinds: readonly string[]): string[] {
  return [...new Set(kinds)].filter((kind) => (counts.get(kind) ?? 0) === 0);
}

export function shownCounts(counts: Counts): string {
  return [...counts].map(([kind, count]) => `${kind}: ${count}`).join(", ");
}
