/** What must hold of a machine whatever happened to whoever changed it. The repository is judged by ostree, the roots by facts. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { run, runText } from "../programs.ts";
import { type RootFacts, differingPaths, rootFacts } from "./tiny-machine.ts";

/** Names that only exist while something is being made. */
const UNFINISHED = String.raw`.*/\.\(regrow-.*\|.*\.tmp\)`;

/** Which of the two the root is, wholly. Throws with the differences where it is neither. */
export function oldOrNew(root: string, old: RootFacts, moved: RootFacts): "old" | "new" {
  const now = rootFacts(root);
  const fromOld = differingPaths(old, now);
  if (fromOld.length === 0) return "old";
  const fromNew = differingPaths(moved, now);
  if (fromNew.length === 0) return "new";
  throw new Error(`neither: ${fromOld.slice(0, 5).join(" ")} are not the old, ${fromNew.slice(0, 5).join(" ")} not the new`);
}

/** Every object is sound, every ref resolves, and the commits that were known are in the history. */
export function judgeRepository(top: string, known: readonly string[]): void {
  const repository = `--repo=${top}/@regrow/repo`;
  run("ostree", ["fsck", "-q", "-a", repository]);
  const refs = runText("ostree", ["refs", repository]).split("\n");
  for (const ref of refs.filter((name) => name !== "")) run("ostree", ["rev-parse", repository, ref]);
  if (known.length === 0) return;
  const history = commitsOf(top);
  assert.deepEqual(
    known.filter((commit) => !history.includes(commit)),
    [],
    "commits that are not in the history any more",
  );
}

/** The commits of main, the newest first. */
export function commitsOf(top: string): string[] {
  const text = runText("ostree", ["log", `--repo=${top}/@regrow/repo`, "main"]);
  return [...text.matchAll(/^commit ([0-9a-f]{64})$/gm)].map((match) => match[1]!);
}

/** The root that was replaced is kept as it was, under one of the names that the switch gives it. */
export function judgeKept(top: string, kept: RootFacts, places: readonly string[]): void {
  const found = places.filter((place) => existsSync(`${top}/${place}/etc`));
  assert.ok(
    found.some((place) => differingPaths(kept, rootFacts(`${top}/${place}`)).length === 0),
    `the replaced root is at none of ${places.join(" ")}; there are ${found.join(" ")}`,
  );
}

/** Nothing is left of a run that was cut. */
export function assertNothingLeft(top: string, root: string): void {
  const home = `${top}/@regrow`;
  const inFolder = (folder: string): string[] => readdirSync(`${home}/${folder}`);
  assert.deepEqual(inFolder("next"), [], "left in next/");
  assert.deepEqual(
    inFolder("base").filter((name) => !existsSync(`${home}/base/${name}/root/etc`)),
    [],
    "left in base/",
  );
  const operations = existsSync(`${home}/log/operations`) ? inFolder("log/operations") : [];
  assert.deepEqual(
    inFolder("deploy").filter((name) => !operations.includes(`${name}.json`)),
    [],
    "left in deploy/",
  );
  assert.ok(!existsSync(`${home}/policy/switch`), "a switch is still pending");
  for (const place of [home, root]) {
    const args = [place, "-xdev", "-path", `${home}/repo`, "-prune", "-o", "-regex", UNFINISHED, "-print"];
    assert.equal(runText("find", args), "", "unfinished names");
  }
  assert.deepEqual(
    readdirSync(`${home}/repo/tmp`).filter((name) => name !== "cache"),
    [],
    "left in the repository's tmp/",
  );
  // Beside the bases, what was replaced and what is the root, there is no subvolume.
  const subvolumes = runText("btrfs", ["subvolume", "list", top]).split("\n");
  const names = subvolumes.map((line) => line.replace(/^.* path (<FS_TREE>\/)?/, ""));
  const expected =
    /^(@|@boot|@snap_root|@regrow|.*\/var\/lib\/machines|@regrow\/(base\/[0-9a-f]{64}|history\/\d+|deploy\/\d+)\/root)$/;
  assert.deepEqual(
    names.filter((name) => name !== "" && !expected.test(name)),
    [],
    "temporary subvolumes",
  );
}
