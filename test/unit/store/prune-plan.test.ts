/** What a prune keeps, as tables: a commit is a letter, `a>b` has the parent a, its sidecar is the same letter as a capital. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checksum } from "../../../src/codec/ostree/checksum.ts";
import { type CommitFacts, type PruneRules, planPrune } from "../../../src/store/prune/plan-prune.ts";

interface Row {
  readonly what: string;
  /** `b<a` has the parent a, `d<b+c` was merged from c too. Timestamps rise by one, from 1. */
  readonly history: string;
  /** Commits with a sidecar, which has that of the parent for its parent. */
  readonly sidecars?: string;
  readonly tips: string;
  readonly companions?: string;
  readonly rules?: Partial<PruneRules>;
  readonly whole: string;
  readonly thinned?: string;
  readonly deleted?: string;
}

const KEEP_ALL: PruneRules = { depth: -1, keepYoungerThan: undefined, refsOnly: false, deleteCommits: [] };
const LINE = "a b<a c<b d<c";
/** d has merged c into b; e comes after. */
const MERGED = "a b<a c<a d<b+c e<d";

const ROWS: readonly Row[] = [
  { what: "no rules keep everything, also what no ref leads to", history: `${LINE} x`, tips: "d", whole: "abcdx" },
  { what: "depth 0", history: LINE, tips: "d", rules: { depth: 0 }, whole: "d", thinned: "abc" },
  { what: "depth 1", history: LINE, tips: "d", rules: { depth: 1 }, whole: "cd", thinned: "ab" },
  { what: "depth beyond the root", history: LINE, tips: "d", rules: { depth: 9 }, whole: "abcd" },
  { what: "depth from each tip", history: LINE, tips: "db", rules: { depth: 0 }, whole: "bd", thinned: "ac" },
  {
    what: "depth spares what no ref leads to",
    history: `${LINE} x y<x`,
    tips: "d",
    rules: { depth: 0 },
    whole: "dxy",
    thinned: "abc",
  },
  { what: "younger than", history: LINE, tips: "d", rules: { keepYoungerThan: 3 }, whole: "cd", thinned: "ab" },
  { what: "a tip is never too old", history: LINE, tips: "bd", rules: { keepYoungerThan: 9 }, whole: "bd", thinned: "ac" },
  { what: "both rules", history: LINE, tips: "d", rules: { depth: 1, keepYoungerThan: 2 }, whole: "cd", thinned: "ab" },
  { what: "only refs", history: `${LINE} x y<x`, tips: "d", rules: { refsOnly: true }, whole: "abcd", deleted: "xy" },
  {
    what: "only refs, beside a branch",
    history: `${LINE} x<b`,
    tips: "d",
    rules: { refsOnly: true },
    whole: "abcd",
    deleted: "x",
  },
  { what: "only refs, of which there are none", history: LINE, tips: "", rules: { refsOnly: true }, whole: "", deleted: "abcd" },
  {
    what: "only refs and depth: what is reachable is thinned and never deleted",
    history: `${LINE} x y<x`,
    tips: "d",
    rules: { refsOnly: true, depth: 0 },
    whole: "d",
    thinned: "abc",
    deleted: "xy",
  },
  {
    what: "a commit of a branch that is to go is thinned",
    history: LINE,
    tips: "d",
    rules: remove("b"),
    whole: "acd",
    thinned: "b",
  },
  {
    what: "one that no ref leads to is deleted",
    history: `${LINE} x y<x`,
    tips: "d",
    rules: remove("x"),
    whole: "abcdy",
    deleted: "x",
  },
  { what: "merges are followed", history: MERGED, tips: "e", rules: { refsOnly: true }, whole: "abcde" },
  { what: "depth through a merge", history: MERGED, tips: "e", rules: { depth: 2 }, whole: "bcde", thinned: "a" },
  { what: "the shorter way counts", history: "a b<a c<b d<c e<d+a", tips: "e", rules: { depth: 1 }, whole: "ade", thinned: "bc" },
  { what: "what was merged in counts as reachable", history: MERGED, tips: "e", rules: remove("c"), whole: "abde", thinned: "c" },
  { what: "a parent that is not there", history: "b<a c<b", tips: "c", rules: { depth: 0 }, whole: "c", thinned: "b" },
  { what: "a tip that is not there", history: "a", tips: "z", rules: { refsOnly: true }, whole: "", deleted: "a" },
  {
    what: "sidecars share the fate of their commits: depth",
    history: LINE,
    sidecars: "abcd",
    tips: "d",
    companions: "D",
    rules: { depth: 1 },
    whole: "CDcd",
    thinned: "ABab",
  },
  {
    what: "sidecars share the fate of their commits: only refs",
    history: `${LINE} x`,
    sidecars: "dx",
    tips: "d",
    companions: "D",
    rules: { refsOnly: true },
    whole: "Dabcd",
    deleted: "Xx",
  },
  {
    what: "sidecars share the fate of their commits: a commit that no ref leads to is to go",
    history: "a b<a x",
    sidecars: "bx",
    tips: "b",
    companions: "B",
    rules: remove("x"),
    whole: "Bab",
    deleted: "Xx",
  },
  {
    what: "sidecars share the fate of their commits: one of a branch is to go",
    history: LINE,
    sidecars: "abcd",
    tips: "d",
    companions: "D",
    rules: remove("b"),
    whole: "ACDacd",
    thinned: "Bb",
  },
  {
    what: "a sidecar without its companion ref",
    history: "a b<a",
    sidecars: "b",
    tips: "b",
    rules: { refsOnly: true },
    whole: "Bab",
  },
  { what: "a companion of nothing known", history: "a", tips: "", companions: "a", rules: { refsOnly: true }, whole: "a" },
];

function remove(commits: string): Partial<PruneRules> {
  return { deleteCommits: commits.split("") as Checksum[] };
}

function factsOf({ history, sidecars = "" }: Row): Map<Checksum, CommitFacts> {
  const commits = new Map<Checksum, CommitFacts>();
  for (const [index, text] of history.split(" ").entries()) {
    const [commit, parents = ""] = text.split("<") as [Checksum, string?];
    const [parent, ...others] = parents.split("+").filter((name) => name !== "") as Checksum[];
    const sidecar = sidecars.includes(commit) ? (commit.toUpperCase() as Checksum) : undefined;
    const timestamp = index + 1;
    commits.set(commit, { parent, others, sidecar, timestamp });
    if (sidecar === undefined) continue;
    const before = parent !== undefined && sidecars.includes(parent) ? (parent.toUpperCase() as Checksum) : undefined;
    commits.set(sidecar, { parent: before, others: [], sidecar: undefined, timestamp });
  }
  return commits;
}

for (const row of ROWS) {
  test(row.what, () => {
    const tips = row.tips.split("") as Checksum[];
    const companions = (row.companions ?? "").split("") as Checksum[];
    const plan = planPrune(factsOf(row), tips, companions, { ...KEEP_ALL, ...row.rules });
    const text = (commits: ReadonlySet<Checksum>): string => [...commits].sort().join("");
    assert.deepEqual(
      { whole: text(plan.whole), thinned: text(plan.thinned), deleted: text(plan.deleted) },
      { whole: row.whole, thinned: row.thinned ?? "", deleted: row.deleted ?? "" },
    );
  });
}

test("a history of many merges takes no longer for the number of ways through it", () => {
  const commits = new Map<Checksum, CommitFacts>();
  const name = (index: number): Checksum => `${index}` as Checksum;
  // The shorter way first, so that a walk in the order of the parents meets the longer one before.
  for (let index = 0; index < 2000; index++) {
    const [parent, ...others] = [index - 1, index - 2].filter((before) => before >= 0).map(name);
    commits.set(name(index), { parent, others, sidecar: undefined, timestamp: index });
    if (index % 2 === 0 && index >= 2)
      commits.set(name(index), { parent: name(index - 2), others: [name(index - 1)], sidecar: undefined, timestamp: index });
  }
  const started = performance.now();
  const { whole } = planPrune(commits, [name(1999)], [], { ...KEEP_ALL, depth: 10 });
  assert.ok(whole.size > 10 && whole.size <= 21, `${whole.size} commits`);
  assert.ok(performance.now() - started < 5000);
});
