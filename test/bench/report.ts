/** The measurements as Markdown. */
import { type Pair, type Sample, median } from "./measure.ts";
import type { Orientation } from "./orientation.ts";

export interface CaseResult {
  readonly tree: string;
  readonly size: string;
  readonly name: string;
  readonly target: number;
  readonly pairs: readonly Pair[];
}

export interface MemoryResult {
  readonly name: string;
  /** Bytes. */
  readonly target: number;
  readonly sample: Sample;
}

export interface Report {
  readonly results: readonly CaseResult[];
  readonly others: readonly { readonly tree: string; readonly list: readonly Orientation[] }[];
  readonly memory: readonly MemoryResult[];
  readonly machine: string;
  readonly pairs: number;
}

export function report({ results, others, memory, machine, pairs }: Report): string {
  const trees = [...new Set(results.map(({ tree }) => tree))];
  return [
    `Machine: ${machine}. ${pairs} pairs after one warm-up of each.`,
    ...trees.flatMap((tree) => treeTable(tree, results, others)),
    ...memoryTable(memory),
    "## Raw samples",
    "Seconds of wall time, ours and then ostree's, in the order in which they were taken.",
    ...results.map((result) => `- ${result.tree}, ${result.name}: ${samples(result, "ours")} · ${samples(result, "theirs")}`),
    "",
  ]
    .join("\n\n")
    .replaceAll(")\n\n- ", ")\n- ")
    .replace(/(\n- [^\n]*)\n(?=\n- )/g, "$1");
}

function treeTable(tree: string, results: readonly CaseResult[], others: Report["others"]): string[] {
  const mine = results.filter((result) => result.tree === tree);
  const rows = mine.map(({ name, target, pairs }) => {
    const ours = median(pairs.map((pair) => pair.ours.seconds));
    const theirs = median(pairs.map((pair) => pair.theirs.seconds));
    const ratio = median(pairs.map((pair) => pair.ours.seconds / pair.theirs.seconds));
    return `| ${name} | ${ours.toFixed(2)} s | ${theirs.toFixed(2)} s | 1/${(1 / ratio).toFixed(1)} | 1/${(1 / target).toFixed(1)} | ${ratio <= target ? "met" : "missed"} |`;
  });
  const table = ["| | regrow | ostree | ratio | target | |", "|---|---|---|---|---|---|", ...rows].join("\n");
  const list = others.find((other) => other.tree === tree)?.list ?? [];
  const beside = list
    .map(({ name, samples: taken }) => `${name} ${median(taken.map(({ seconds }) => seconds)).toFixed(2)} s`)
    .join(" · ");
  return [
    `## The tree ${tree.replace("@", " on ")}: ${mine[0]!.size}`,
    table,
    ...(beside === "" ? [] : [`For orientation, medians in the same run: ${beside}.`]),
  ];
}

function memoryTable(memory: readonly MemoryResult[]): string[] {
  if (memory.length === 0) return [];
  const rows = memory.map(({ name, target, sample }) => {
    const peak = `${Math.round(sample.peakBytes / 1e6)} MB`;
    return `| ${name} | ${peak} | ${Math.round(target / 1e6)} MB | ${sample.peakBytes <= target ? "met" : "missed"} | ${sample.seconds.toFixed(1)} s |`;
  });
  return ["## Peak memory", ["| | peak | target | | time |", "|---|---|---|---|---|", ...rows].join("\n")];
}

function samples({ pairs }: CaseResult, side: keyof Pair): string {
  return pairs.map((pair) => pair[side].seconds.toFixed(3)).join(" ");
}
