/** Whether everything that commits need is there, and whether their sidecars fit their trees. */
import { objectText } from "../../codec/ostree/object-name.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import type { DirTree } from "../../codec/ostree/dirtree.ts";
import type { ObjectName } from "../../codec/ostree/object-name.ts";
import { ODD_NAMES, RECORD_NAME, escapeName } from "../../codec/sidecar/sidecar-name.ts";
import type { ObjectIndex } from "../list-objects.ts";
import type { Repository } from "../repository.ts";
import { type SidecarRef, sidecarCommitOf } from "../tree/folder-view.ts";
import { type FolderPair, type PairParts, type SidecarProblem, checkSidecar, readPair } from "./check-sidecar.ts";
import type { MetadataReader } from "./metadata-reader.ts";
import type { Pause } from "./pause.ts";

export interface WalkRequest {
  readonly repository: Repository;
  readonly index: ObjectIndex;
  readonly reader: MetadataReader;
  /** Commits that something names. */
  readonly named: Iterable<Checksum>;
  /** Commits that rightly lack a part of their tree. */
  readonly partial: ReadonlySet<Checksum>;
  /** Whether records are read too. */
  readonly records: boolean;
  readonly pause: Pause;
}

export interface WalkedCommits {
  /** All that can be read. */
  readonly commits: ReadonlyMap<Checksum, Commit>;
  readonly missing: readonly ObjectName[];
  /** What is wrong with a folder's sidecar, by the text of the pair. */
  readonly problems: ReadonlyMap<string, readonly SidecarProblem[]>;
}

/** Folders that can't be read are not entered. Throws `cancelled`. */
export async function walkCommits(request: WalkRequest): Promise<WalkedCommits> {
  const { reader, index, named, partial, pause } = request;
  const commits = new Map<Checksum, Commit>();
  const missing = new Map<string, ObjectName>();
  const problems = new Map<string, readonly SidecarProblem[]>();
  const seen = new Set<string>();
  const expanded = new Set<Checksum>();
  const need = (kind: ObjectName["kind"], checksum: Checksum): void => {
    if (!index[kind].has(checksum) && !reader.has({ kind, checksum }))
      missing.set(objectText({ kind, checksum }), { kind, checksum });
  };
  const needAll = (checksum: Checksum, tree: DirTree | undefined): void => {
    if (expanded.has(checksum)) return;
    expanded.add(checksum);
    need("dirtree", checksum);
    for (const file of tree?.files ?? []) need("file", file.checksum);
    for (const dir of tree?.dirs ?? []) need("dirmeta", dir.meta);
  };
  const visit = async (root: FolderPair): Promise<void> => {
    const open = [root];
    for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
      const key = pairText(pair);
      if (seen.has(key) || (pair.sidecar === undefined && expanded.has(pair.tree))) continue;
      seen.add(key);
      if (pause.isDue()) await pause.take();
      const parts = readPair(reader, pair);
      needAll(pair.tree, parts.plain);
      if (pair.sidecar !== undefined) {
        if (pair.sidecar.kind === "folder") needAll(pair.sidecar.tree, parts.own);
        if (parts.oddTree !== undefined) needAll(parts.oddTree, parts.odd);
        const found = checkSidecar(
          request.repository,
          pair.sidecar,
          parts,
          (record) => request.records && !reader.damaged.has(`${record}.file`),
        );
        if (found.length > 0) problems.set(key, found);
      }
      for (const child of childrenOf(parts)) open.push(child);
    }
  };
  for (const checksum of named) need("commit", checksum);
  for (const checksum of index.commit) {
    const commit = reader.commit(checksum);
    if (commit !== undefined) commits.set(checksum, commit);
  }
  const whole = [...commits].filter(([checksum]) => !partial.has(checksum));
  for (const [, commit] of whole) need("dirmeta", commit.meta);
  // Trees with a sidecar first: the sidecars' own trees have been seen then.
  const pairs = whole.map(([, commit]) => rootPair(commits, partial, commit));
  for (const pair of pairs) if (pair.sidecar !== undefined) await visit(pair);
  for (const pair of pairs) if (pair.sidecar === undefined) await visit(pair);
  return { commits, missing: [...missing.values()], problems };
}

/** A commit's root, with its sidecar where that is all there. Throws `corrupt`. */
export function rootPair(commits: ReadonlyMap<Checksum, Commit>, partial: ReadonlySet<Checksum>, commit: Commit): FolderPair {
  const checksum = sidecarCommitOf(commit);
  const sidecar = checksum === undefined || partial.has(checksum) ? undefined : commits.get(checksum);
  return { tree: commit.tree, sidecar: sidecar && { kind: "folder", tree: sidecar.tree } };
}

export function pairText({ tree, sidecar }: FolderPair): string {
  if (sidecar === undefined) return tree;
  return sidecar.kind === "folder" ? `${tree}/${sidecar.tree}` : `${tree} ${sidecar.checksum}`;
}

export interface ChildPair extends FolderPair {
  /** As its folder calls it, in the tree or, where only that has it, in the sidecar. */
  readonly name: DirTree["dirs"][number]["name"];
}

/** Every folder directly below, with its sidecar where it has one; a part of the sidecar that fits no folder stands alone. */
export function* childrenOf({ plain, own, odd }: PairParts): Generator<ChildPair> {
  if (own === undefined) {
    for (const { name, tree } of plain?.dirs ?? []) yield { name, tree, sidecar: undefined };
    return;
  }
  const sidecars = new Map<string, SidecarRef & object>();
  for (const { name, checksum } of own.files) if (name !== RECORD_NAME) sidecars.set(name, { kind: "record", checksum });
  for (const { name, tree } of own.dirs) if (name !== ODD_NAMES) sidecars.set(name, { kind: "folder", tree });
  const take = (name: DirTree["dirs"][number]["name"], tree: Checksum, escaped: string): ChildPair => {
    const sidecar = sidecars.get(escaped);
    sidecars.delete(escaped);
    return { name, tree, sidecar };
  };
  for (const { name, tree } of plain?.dirs ?? []) yield take(name, tree, escapeName(name));
  for (const { name, tree } of odd?.dirs ?? []) yield take(name, tree, name);
  for (const [name, sidecar] of sidecars)
    if (sidecar.kind === "folder") yield { name: name as ChildPair["name"], tree: sidecar.tree, sidecar: undefined };
}
