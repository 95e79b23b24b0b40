/** Which commits a log shows, in which order and beside which lines, judged by git over the same histories. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { besideGraph, createGraph } from "../../src/cli/render/graph-lines.ts";
import { type Checksum, rawChecksum } from "../../src/codec/ostree/checksum.ts";
import { history, linesTogether } from "../../src/store/log.ts";
import { MERGE_PARENT_KEY } from "../../src/store/parents.ts";
import { remarkPartial } from "../../src/store/partial-commits.ts";
import { pathHistory } from "../../src/store/path-history.ts";
import { type Repository, closeRepository, initRepository, openRepository } from "../../src/store/repository.ts";
import { fastFolder } from "../support/fast-folder.ts";
import { type Tree, commitFiles } from "../support/histories.ts";
import { randomSource, seed, times } from "../support/property.ts";
import { requires } from "../support/requires.ts";

interface Step {
  /** Indices of earlier steps. */
  readonly parents: readonly number[];
  readonly tree: Tree;
}

const DRAWN: Record<string, readonly (readonly number[])[]> = {
  line: [[], [0], [1]],
  "a merge": [[], [0], [0], [1, 2], [3]],
  "longer sides": [[], [0], [0], [1], [2], [3, 4], [5]],
  "two merges": [[], [0], [0], [1, 2], [3], [3], [4, 5]],
  "a merge of the same line again": [[], [0], [0], [1, 2], [2], [3, 4]],
  "a line within a line": [[], [0], [0], [2], [2], [3, 4], [1, 5]],
  "a second root": [[], [], [0], [2, 1], [3]],
};

for (const [name, shape] of Object.entries(DRAWN)) {
  test(`the graph is drawn as git draws it: ${name}`, async (t) => {
    if (!requires(t, { programs: ["git"] })) return;
    const scene = await makeScene(
      t,
      shape.map((parents, index) => ({ parents, tree: { file: `${index}` } })),
    );
    const draw = createGraph();
    const ours = linesTogether([...history(scene.repository, [scene.commits.at(-1)!])]).flatMap((entry) =>
      besideGraph(draw(entry.checksum, entry.present), [entry.commit.subject]),
    );
    assert.deepEqual(ours, scene.git("log", "--graph", "--format=%s", "newest"));
  });
}

test("of paths, a log shows what git shows", async (t) => {
  if (!requires(t, { programs: ["git"] })) return;
  t.diagnostic(`seed ${seed} (FC_SEED)`);
  for (let round = 0; round < times(3); round++) {
    const scene = await makeScene(t, randomSteps(round));
    for (const paths of [["a/b/x"], ["a"], ["y"], ["a/b", "y"], ["nothing"]]) {
      const found = pathHistory(scene.repository, [scene.commits.at(-1)!], paths);
      const shown = found.map(({ commit }) => commit.subject);
      assert.deepEqual(shown, scene.git("log", "--format=%s", "newest", "--", ...paths), paths.join(" "));
      const subjects = new Map(scene.git("log", "--format=%H %s", "newest").map((line) => line.split(" ") as [string, string]));
      const theirs = scene.git("log", "--parents", "--format=%s %P", "newest", "--", ...paths);
      const ours = found.map(({ commit, present }) => [commit.subject, ...present.map((one) => scene.name(one))].join(" "));
      const inNumbers = theirs.map((line) =>
        line
          .split(" ")
          .map((word) => subjects.get(word) ?? word)
          .join(" "),
      );
      assert.deepEqual(ours, inNumbers, paths.join(" "));
    }
  }
});

test("a thinned commit is passed over, and what it changed stands at the next one that is whole", async (t) => {
  const scene = await makeScene(
    t,
    [
      { parents: [], tree: { x: "1", y: "1" } },
      { parents: [0], tree: { x: "2", y: "1" } },
      { parents: [1], tree: { x: "2", y: "2" } },
    ],
    false,
  );
  const { repository, commits } = scene;
  const shown = (file: string): string[] => pathHistory(repository, [commits[2]!], [file]).map(({ commit }) => commit.subject);
  assert.deepEqual(
    [shown("x"), shown("/y")],
    [
      ["1", "0"],
      ["2", "0"],
    ],
  );
  remarkPartial(repository, [commits[1]!], "thinned");
  assert.deepEqual(
    [shown("x"), shown("/y")],
    [
      ["2", "0"],
      ["2", "0"],
    ],
  );
});

interface Scene {
  readonly repository: Repository;
  readonly commits: readonly Checksum[];
  /** Subjects are the numbers of the steps. */
  name(commit: Checksum): string;
  git(...args: readonly string[]): string[];
}

const START = 1_700_000_000;

async function makeScene(t: TestContext, steps: readonly Step[], withGit = true): Promise<Scene> {
  const folder = mkdtempSync(path.join(fastFolder(), "regrow-log-"));
  initRepository(path.join(folder, "repo"), { mode: "archive" });
  const repository = openRepository(path.join(folder, "repo"));
  t.after(() => {
    closeRepository(repository);
    rmSync(folder, { recursive: true });
  });
  const commits: Checksum[] = [];
  for (const [index, { parents, tree }] of steps.entries()) {
    const [first, second] = parents.map((parent) => commits[parent]!);
    const metadata = second === undefined ? [] : [[MERGE_PARENT_KEY, { type: "ay", value: rawChecksum(second) }] as const];
    const options = { parent: first ?? null, subject: `${index}`, timestamp: START + index, metadata, branch: undefined };
    commits.push(await commitFiles(repository, folder, tree, options));
  }
  const git = (...args: readonly string[]): string[] => runGit(path.join(folder, "git"), args).split("\n");
  if (withGit) {
    runGit(folder, ["init", "-q", "--bare", "git"]);
    runGit(path.join(folder, "git"), ["fast-import", "--quiet"], steps.map(importLines).join(""));
  }
  return {
    repository,
    commits,
    name: (commit) => `${commits.indexOf(commit)}`,
    git: (...args) =>
      git(...args)
        .map((line) => line.trimEnd())
        .filter((line) => line !== ""),
  };
}

function importLines({ parents, tree }: Step, index: number): string {
  const [first, second] = parents;
  return [
    "commit refs/heads/newest",
    `mark :${index + 1}`,
    `committer t <t@t> ${START + index} +0000`,
    `data <<END\n${index}\nEND`,
    // Without a parent git would go on from where the branch is.
    first === undefined ? `from ${"0".repeat(40)}` : `from :${first + 1}`,
    ...(second === undefined ? [] : [`merge :${second + 1}`]),
    "deleteall",
    ...Object.entries(tree).map(([name, data]) => `M 100644 inline ${name}\ndata <<END\n${data as string}\nEND`),
    "",
  ].join("\n");
}

function runGit(cwd: string, args: readonly string[], input = ""): string {
  const { status, stdout, stderr } = spawnSync("git", args, { cwd, input, encoding: "utf8", env: { PATH: process.env["PATH"] } });
  if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Each takes a tree of a parent and changes some of it; the last one leads to many. */
function randomSteps(round: number): Step[] {
  const random = randomSource(round + 71);
  const steps: { parents: number[]; tree: Record<string, string> }[] = [];
  for (let index = 0; index < 14; index++) {
    const first = index === 0 ? undefined : index - 1 - random(Math.min(index, 3));
    const second = index > 3 && random(2) === 0 ? index - 1 - random(3) : undefined;
    const parents = [first, second].filter((one, at, all) => one !== undefined && all.indexOf(one) === at) as number[];
    const tree = { ...steps[parents[random(Math.max(1, parents.length))] ?? -1]?.tree };
    for (const name of ["a/b/x", "a/z", "y", "a/b/w"]) {
      if (random(3) > 0) continue;
      if (random(4) === 0) delete tree[name];
      else tree[name] = `${random(3)}`;
    }
    steps.push({ parents, tree: { ...tree, always: "here" } });
  }
  return steps;
}
