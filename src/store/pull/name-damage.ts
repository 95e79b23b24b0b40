/** Names the commits that a bad object belongs to. Slow and thorough: it runs only where something is wrong already. */
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { decodeDirTree } from "../../codec/ostree/dirtree.ts";
import { objectText } from "../../codec/ostree/object-name.ts";
import type { ObjectSource } from "./object-source.ts";
import type { RefusedObject } from "./pull-objects-job.ts";
import type { WalkedCommit } from "./walk-history.ts";

const NAMED = 3;

/** The error for content objects that must not come in: the first of them by name, with the commits that have it. */
export async function refusedObjects(
  source: ObjectSource,
  walked: readonly WalkedCommit[],
  refused: readonly RefusedObject[],
): Promise<RegrowError> {
  const { checksum, code, message, hint } = refused[0]!;
  const name = objectText({ kind: "file", checksum });
  const commits = await commitsWith(source, walked, checksum);
  const shown = commits.slice(0, NAMED).map((commit) => commit.slice(0, 10));
  const inCommits = `in commit${commits.length === 1 ? "" : "s"} ${shown.join(", ")}${commits.length > NAMED ? ` and ${commits.length - NAMED} more` : ""}`;
  const others = refused.length > 1 ? ` ${refused.length - 1} more objects failed with it.` : "";
  return new RegrowError(code, `${source.name}: ${name}, ${inCommits}: ${message}${others}`, {
    path: name,
    hint: hint ?? "Run `regrow fsck` on that repository, or pull from another one; what has come is kept for the next try.",
  });
}

/** Those of the walked commits whose trees have the content object. */
async function commitsWith(source: ObjectSource, walked: readonly WalkedCommit[], wanted: Checksum): Promise<Checksum[]> {
  const parents = new Map<Checksum, Set<Checksum>>();
  const holders = new Set<Checksum>();
  const seen = new Set<Checksum>(walked.filter(({ state }) => state === "fetch").map(({ commit }) => commit.tree));
  for (const tree of seen) {
    const data = await source.tryLoadMetadata("dirtree", tree);
    if (data === undefined) continue;
    const { files, dirs } = decodeDirTree(data);
    if (files.some(({ checksum }) => checksum === wanted)) holders.add(tree);
    for (const dir of dirs) {
      seen.add(dir.tree);
      let known = parents.get(dir.tree);
      if (known === undefined) parents.set(dir.tree, (known = new Set()));
      known.add(tree);
    }
  }
  for (const tree of holders) for (const parent of parents.get(tree) ?? []) holders.add(parent);
  return walked.filter(({ commit, state }) => state === "fetch" && holders.has(commit.tree)).map(({ checksum }) => checksum);
}
