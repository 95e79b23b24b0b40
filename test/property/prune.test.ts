/** Random histories under random rules: a prune keeps what a model of it keeps, whole, and ostree finds nothing wrong. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { rawChecksum } from "../../src/codec/ostree/checksum.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { checkRepository, isSound } from "../../src/store/fsck/fsck.ts";
import { hasObject, loadCommit } from "../../src/store/object-files.ts";
import { MERGE_PARENT_KEY } from "../../src/store/parents.ts";
import { hasWholeCommit, isPartial, listPartial } from "../../src/store/partial-commits.ts";
import { deleteRefs, pointRef } from "../../src/store/point-ref.ts";
import type { PruneRules } from "../../src/store/prune/plan-prune.ts";
import { prune } from "../../src/store/prune/prune.ts";
import type { Repository } from "../../src/store/repository.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";
import { commitFiles, objectsOf, refsOf } from "../support/histories.ts";
import { randomSource, seed, times } from "../support/property.ts";
import { MODES, newRepository, ostree } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";
import { treeFacts } from "../support/tree-facts.ts";
import { tally } from "../support/tally.ts";

const HISTORIES = times(12);
const STEPS = 6;

interface Known {
  readonly parents: readonly Checksum[];
  readonly timestamp: number;
  readonly sidecar: Checksum;
}

/** What was done, kept apart from the repository. */
interface Model {
  readonly commits: Map<Checksum, Known>;
  readonly refs: Map<string, Checksum>;
}

type Counts = Record<"commit" | "merge" | "branch" | "tag" | "forget" | "whole" | "thinned" | "deleted" | "kept unnamed", number>;
type Random = (limit: number) => number;

interface Place {
  readonly repository: Repository;
  readonly scratch: string;
  readonly random: Random;
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)]!;
}

async function addCommit(
  { repository, scratch, random }: Place,
  model: Model,
  counts: Counts,
  branch = pick(random, ["main", "side", "old"]),
): Promise<void> {
  const before = model.refs.get(branch);
  const others = [...model.commits.keys()].filter((commit) => commit !== before);
  const merged = before !== undefined && others.length > 0 && random(3) === 0 ? pick(random, others) : undefined;
  const timestamp = 1000 + model.commits.size;
  const tree = Object.fromEntries(["a", "d/b", "d/e/c"].map((name) => [name, `${random(4)}`]));
  const commit = await commitFiles(repository, scratch, tree, {
    branch,
    timestamp,
    useCache: false,
    metadata: merged === undefined ? [] : [[MERGE_PARENT_KEY, { type: "ay", value: rawChecksum(merged) }]],
  });
  const sidecar = sidecarCommitOf(loadCommit(repository, commit))!;
  model.commits.set(commit, { parents: [before, merged].filter((parent) => parent !== undefined), timestamp, sidecar });
  model.refs.set(branch, commit);
  counts[merged === undefined ? "commit" : "merge"]++;
}

async function moveSome(repository: Repository, model: Model, random: Random, counts: Counts): Promise<void> {
  const names = [...model.refs.keys()];
  const choice = random(3);
  if (choice === 0 && names.length > 1) {
    const name = pick(random, names);
    await deleteRefs(repository, [name]);
    model.refs.delete(name);
    counts.forget++;
  } else if (choice < 3 && model.commits.size > 0) {
    const name = choice === 1 ? `tag/${random(3)}` : pick(random, ["side", "old"]);
    const commit = pick(random, [...model.commits.keys()]);
    await pointRef(repository, name, commit, { force: true });
    model.refs.set(name, commit);
    counts[choice === 1 ? "tag" : "branch"]++;
  }
}

function anyRules(history: number, random: Random, { commits, refs }: Model): PruneRules {
  const named = new Set(refs.values());
  const free = [...commits.keys()].filter((commit) => !named.has(commit));
  return {
    depth: pick(random, [-1, 0, 0, 1, 2]),
    keepYoungerThan: random(3) === 0 ? 1000 + random(commits.size + 1) : undefined,
    refsOnly: history % 3 === 0,
    deleteCommits: free.length > 0 && history % 3 === 2 ? [pick(random, free)] : [],
  };
}

/** Distances by relaxation until nothing changes, over the record of what was done. */
function fateOf({ commits, refs }: Model, rules: PruneRules): Map<Checksum, "whole" | "thinned" | "deleted"> {
  const distance = new Map([...refs.values()].map((commit) => [commit, 0]));
  for (let changed = true; changed;) {
    changed = false;
    for (const [commit, { parents }] of commits) {
      const next = (distance.get(commit) ?? Infinity) + 1;
      for (const parent of parents) {
        if (next >= (distance.get(parent) ?? Infinity)) continue;
        distance.set(parent, next);
        changed = true;
      }
    }
  }
  return new Map(
    [...commits].map(([commit, { timestamp }]) => {
      const far = distance.get(commit);
      if (rules.deleteCommits.includes(commit)) return [commit, far === undefined ? "deleted" : "thinned"];
      if (far === undefined) return [commit, rules.refsOnly ? "deleted" : "whole"];
      const isNear = rules.depth === -1 || far <= rules.depth;
      const isYoung = rules.keepYoungerThan === undefined || timestamp >= rules.keepYoungerThan;
      return [commit, far === 0 || (isNear && isYoung) ? "whole" : "thinned"];
    }),
  );
}

async function checkedOut(repository: Repository, commit: Checksum, folder: string): Promise<object> {
  rmSync(folder, { recursive: true, force: true });
  await checkoutCommit(repository, commit, folder, { workers: 1, verify: true });
  return Object.fromEntries(treeFacts(folder));
}

test("random histories are pruned as the model says", async (t) => {
  if (!requires(t, { root: true, programs: ["ostree"] })) return;
  t.diagnostic(`seed ${seed} (FC_SEED), ${HISTORIES} histories`);
  const counts: Counts = {
    commit: 0,
    merge: 0,
    branch: 0,
    tag: 0,
    forget: 0,
    whole: 0,
    thinned: 0,
    deleted: 0,
    "kept unnamed": 0,
  };
  for (let history = 0; history < HISTORIES; history++) {
    const random = randomSource(history + 1);
    const scratch = scratchFolder(t);
    const repository = newRepository(t, `${scratch}/repo`, pick(random, MODES));
    const model: Model = { commits: new Map(), refs: new Map() };
    for (let step = 0; step < STEPS; step++) {
      await addCommit({ repository, scratch, random }, model, counts);
      if (random(2) === 0) await moveSome(repository, model, random, counts);
    }
    // Two histories out of three surely have a commit that no ref leads to.
    if (history % 3 < 2) {
      await addCommit({ repository, scratch, random }, model, counts, "old");
      await deleteRefs(repository, ["old"]);
      model.refs.delete("old");
      counts.forget++;
    }
    const rules = anyRules(history, random, model);
    const at = `history ${history}, ${JSON.stringify(rules)}`;
    const fate = fateOf(model, rules);
    const copies = new Map<Checksum, object>();
    for (const [commit, what] of fate) {
      if (what === "whole") copies.set(commit, await checkedOut(repository, commit, `${scratch}/out`));
    }
    const [refs, objects] = [refsOf(repository), objectsOf(repository.path)];
    const planned = await prune(repository, { ...rules, dryRun: true });
    assert.deepEqual([refsOf(repository), objectsOf(repository.path), listPartial(repository).size], [refs, objects, 0], at);
    const report = await prune(repository, rules);
    assert.deepEqual(report, planned, at);
    assert.deepEqual(refsOf(repository), refs, at);
    assertFates(repository, model, fate, at);
    for (const [commit, copy] of copies) assert.deepEqual(await checkedOut(repository, commit, `${scratch}/out`), copy, at);
    assert.match(ostree(repository.path, "fsck"), /no errors/, at);
    for (const name of Object.keys(refs)) assert.equal(ostree(repository.path, "rev-parse", name), refs[name], at);
    const again = await prune(
      repository,
      rules.deleteCommits.some((commit) => !hasObject(repository, "commit", commit)) ? { ...rules, deleteCommits: [] } : rules,
    );
    assert.deepEqual(again.objects, { commit: 0, dirtree: 0, dirmeta: 0, file: 0 }, at);
    await assertOstreePrunes(repository, model, at);
    for (const what of fate.values()) counts[what]++;
    const reached = fateOf(model, { ...rules, refsOnly: true, deleteCommits: [] });
    counts["kept unnamed"] += [...fate].filter(([commit, what]) => what === "whole" && reached.get(commit) === "deleted").length;
  }
  t.diagnostic(JSON.stringify(counts));
  tally("generated trees", "prune", HISTORIES);
  for (const [what, count] of Object.entries(counts)) assert.ok(count > 0, `no ${what} among the random histories`);
});

function assertFates(repository: Repository, { commits }: Model, fate: ReturnType<typeof fateOf>, at: string): void {
  for (const [commit, what] of fate) {
    for (const one of [commit, commits.get(commit)!.sidecar]) {
      assert.equal(hasObject(repository, "commit", one), what !== "deleted", `${at}: ${one}, ${what}`);
      assert.equal(isPartial(repository, one), what === "thinned", `${at}: ${one}, ${what}`);
    }
  }
}

/** OSTree's own prune follows first parents alone, and keeps sidecars by their companion refs. */
async function assertOstreePrunes(repository: Repository, { commits, refs }: Model, at: string): Promise<void> {
  const whole = new Set<Checksum>();
  for (const tip of refs.values()) {
    for (let commit: Checksum | undefined = tip; commit !== undefined; commit = loadCommit(repository, commit).parent) {
      if (!hasObject(repository, "commit", commit)) break;
      if (!isPartial(repository, commit)) whole.add(commit);
    }
  }
  ostree(repository.path, "prune", "--refs-only");
  for (const commit of whole) {
    assert.ok(hasWholeCommit(repository, commit) && hasWholeCommit(repository, commits.get(commit)!.sidecar), at);
  }
  assert.ok(isSound(await checkRepository(repository, { quick: true })), at);
  assert.match(ostree(repository.path, "fsck"), /no errors/, at);
}
