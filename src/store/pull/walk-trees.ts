/**
 * Which objects of the commits' trees the target lacks. A commit is compared with its parent, where that is in the target or
 * has been walked before: folders that are the same are not entered, so that the walk costs what has changed.
 */
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type DirTree, decodeDirTree } from "../../codec/ostree/dirtree.ts";
import { objectText } from "../../codec/ostree/object-name.ts";
import { type MetadataKind, hasObject, loadCommit, tryLoadMetadata } from "../object-files.ts";
import { hasWholeCommit } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import type { ObjectSource } from "./object-source.ts";
import type { WalkedCommit } from "./walk-history.ts";

export interface PlannedMetadata {
  readonly kind: MetadataKind;
  readonly checksum: Checksum;
}

export interface PlannedContent {
  readonly checksum: Checksum;
  /** Bytes in the source, 0 where that is not known. */
  readonly size: number;
}

export interface TreePlan {
  readonly metadata: readonly PlannedMetadata[];
  readonly content: readonly PlannedContent[];
}

export interface TreeRequest {
  readonly target: Repository;
  readonly source: ObjectSource;
  readonly walked: readonly WalkedCommit[];
  readonly signal: AbortSignal | undefined;
}

interface Step {
  readonly tree: Checksum;
  /** The same folder of a commit whose objects the target has, or that are planned already. */
  readonly base: Checksum | undefined;
}

/** Throws `not-found`, `corrupt`, `hostile`. */
export async function walkTrees(request: TreeRequest): Promise<TreePlan> {
  const { target, walked, signal } = request;
  const seen = new Set<Checksum>();
  const metadata = new Map<Checksum, PlannedMetadata>();
  const content = new Map<Checksum, PlannedContent>();
  const pending: Step[] = [];
  const lacks = (kind: "dirtree" | "dirmeta", checksum: Checksum): void => {
    if (!metadata.has(checksum) && !hasObject(target, kind, checksum)) metadata.set(checksum, { kind, checksum });
  };
  const done = new Map<Checksum, Checksum>();
  // Oldest first, so that each finds its parent done.
  for (const { checksum, commit } of walked.filter(({ state }) => state === "fetch").reverse()) {
    lacks("dirmeta", commit.meta);
    pending.push({
      tree: commit.tree,
      base: commit.parent === undefined ? undefined : (done.get(commit.parent) ?? wholeTree(target, commit.parent)),
    });
    done.set(checksum, commit.tree);
    for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
      if (step.tree === step.base || seen.has(step.tree)) continue;
      throwIfCancelled(signal);
      seen.add(step.tree);
      lacks("dirtree", step.tree);
      const { files, dirs } = await loadTree(request, step.tree);
      const base = step.base === undefined ? undefined : await loadTree(request, step.base);
      const baseFiles = new Set(base?.files.map(({ checksum }) => checksum));
      for (const { checksum } of files) {
        if (content.has(checksum) || baseFiles.has(checksum) || hasObject(target, "file", checksum)) continue;
        content.set(checksum, { checksum, size: await sizeOf(request, checksum) });
      }
      const baseDirs = new Map(base?.dirs.map((dir) => [dir.name, dir.tree]));
      for (const dir of dirs) {
        lacks("dirmeta", dir.meta);
        pending.push({ tree: dir.tree, base: baseDirs.get(dir.name) });
      }
    }
  }
  return { metadata: [...metadata.values()], content: [...content.values()] };
}

function wholeTree(target: Repository, commit: Checksum): Checksum | undefined {
  return hasWholeCommit(target, commit) ? loadCommit(target, commit).tree : undefined;
}

async function loadTree({ target, source }: TreeRequest, checksum: Checksum): Promise<DirTree> {
  const data = tryLoadMetadata(target, "dirtree", checksum) ?? (await source.tryLoadMetadata("dirtree", checksum));
  if (data === undefined) throw missing(source, { kind: "dirtree", checksum });
  try {
    return decodeDirTree(data);
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    const name = objectText({ kind: "dirtree", checksum });
    throw new RegrowError(error.code, `${source.name}: ${name}: ${error.message}`, { path: name, cause: error });
  }
}

async function sizeOf({ source }: TreeRequest, checksum: Checksum): Promise<number> {
  const size = await source.contentSize(checksum);
  if (size === undefined) throw missing(source, { kind: "file", checksum });
  return size;
}

function missing(source: ObjectSource, object: PlannedMetadata | { kind: "file"; checksum: Checksum }): RegrowError {
  const name = objectText(object);
  return new RegrowError("not-found", `${source.name}: ${name}: the object is missing there.`, {
    path: name,
    hint: "`regrow fsck` on that repository names the commits that lack it.",
  });
}
