/** Which commits need what is not good. */
import { objectText } from "../../codec/ostree/object-name.ts";
import { type ByteString, EMPTY, joinBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import type { DirTree } from "../../codec/ostree/dirtree.ts";
import { unescapeName } from "../../codec/sidecar/sidecar-name.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
import { type FolderPair, readPair } from "./check-sidecar.ts";
import type { MetadataReader } from "./metadata-reader.ts";
import { type WalkedCommits, childrenOf, pairText, rootPair } from "./walk-commits.ts";

export interface Trace {
  readonly commit: Checksum;
  /** The first path there; of a sidecar, that of the folder that it belongs to. */
  readonly path: ByteString;
}

/** For each bad object, by its text, the commits that need it: for their tree, their sidecar or themselves. Sorted. */
export function traceDamage(
  reader: MetadataReader,
  walked: WalkedCommits,
  partial: ReadonlySet<Checksum>,
  bad: ReadonlySet<string>,
): Map<string, Trace[]> {
  const traces = new Map<string, Trace[]>();
  const add = (object: string, trace: Trace): void => {
    const list = traces.get(object);
    if (list === undefined) traces.set(object, [trace]);
    else if (list.every(({ commit }) => commit !== trace.commit)) list.push(trace);
  };
  for (const object of bad) {
    const [checksum, kind] = object.split(".") as [Checksum, string];
    if (kind === "commit" || kind === "commitmeta") add(object, { commit: checksum, path: EMPTY });
  }
  const below: Found = new Map();
  for (const [commit, facts] of walked.commits) {
    if (partial.has(commit)) continue;
    for (const object of objectsOf(facts)) if (bad.has(object)) add(object, { commit, path: EMPTY });
    const pair = rootPair(walked.commits, partial, facts);
    search(reader, walked, bad, pair, below);
    for (const [object, path] of below.get(pairText(pair))!) add(object, { commit, path });
  }
  for (const list of traces.values()) list.sort((a, b) => (a.commit < b.commit ? -1 : 1));
  return traces;
}

/** By the text of a pair, what is bad in and below it, and where. */
type Found = Map<string, Map<string, ByteString>>;

function objectsOf(commit: Commit): string[] {
  const sidecar = sidecarCommitOf(commit);
  const own = objectText({ kind: "dirmeta", checksum: commit.meta });
  return sidecar === undefined ? [own] : [own, objectText({ kind: "commit", checksum: sidecar })];
}

/** Without recursion: who wants to do harm can nest folders deeper than a stack is. */
function search(reader: MetadataReader, walked: WalkedCommits, bad: ReadonlySet<string>, root: FolderPair, below: Found): void {
  const open = [root];
  while (open.length > 0) {
    const pair = open.at(-1)!;
    const key = pairText(pair);
    const parts = below.has(key) ? undefined : readPair(reader, pair);
    const children = parts === undefined ? [] : [...childrenOf(parts)];
    const waiting = children.filter((child) => !below.has(pairText(child)));
    if (waiting.length > 0) {
      for (const child of waiting) open.push(child);
      continue;
    }
    open.pop();
    if (parts === undefined) continue;
    const found = new Map<string, ByteString>();
    const add = (object: string, path: ByteString): void => {
      if (!found.has(object)) found.set(object, path);
    };
    const addBad = (object: string, path: ByteString): void => {
      if (bad.has(object)) add(object, path);
    };
    const { sidecar, tree } = pair;
    listFolder(tree, parts.plain, addBad);
    for (const child of children)
      for (const [object, path] of below.get(pairText(child))!) add(object, joinBytes(child.name, path));
    if (sidecar?.kind === "record") addBad(objectText({ kind: "file", checksum: sidecar.checksum }), EMPTY);
    if (sidecar?.kind === "folder") listFolder(sidecar.tree, parts.own, (object) => addBad(object, EMPTY));
    if (parts.oddTree !== undefined) listFolder(parts.oddTree, parts.odd, (object, name) => addBad(object, plainName(name)));
    for (const problem of walked.problems.get(key) ?? []) add(objectText(problem), EMPTY);
    below.set(key, found);
  }
}

function listFolder(checksum: Checksum, tree: DirTree | undefined, add: (object: string, path: ByteString) => void): void {
  add(objectText({ kind: "dirtree", checksum }), EMPTY);
  for (const file of tree?.files ?? []) add(objectText({ kind: "file", checksum: file.checksum }), file.name);
  for (const dir of tree?.dirs ?? []) add(objectText({ kind: "dirmeta", checksum: dir.meta }), dir.name);
}

function plainName(escaped: ByteString): ByteString {
  try {
    return unescapeName(escaped);
  } catch (error) {
    if (error instanceof RegrowError) return escaped;
    throw error;
  }
}
