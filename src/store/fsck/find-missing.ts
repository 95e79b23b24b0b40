/** Whether everything that commits need is there, and which commits need what is not good. */
import { type ByteString, EMPTY, joinBytes } from "../../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import type { DirTree } from "../../codec/ostree/dirtree.ts";
import { type ObjectName, objectText } from "../../codec/ostree/object-name.ts";
import type { ObjectIndex } from "../list-objects.ts";
import { hasObject, loadCommit, loadDirTree } from "../object-files.ts";
import type { Repository } from "../repository.ts";

export interface FoundCommits {
  readonly commits: ReadonlyMap<Checksum, Commit>;
  readonly missing: readonly ObjectName[];
}

/**
 * All readable commits, and what is missing: of the commits that refs name, and of the trees of the whole commits. Folders that can't
 * be read are not entered.
 */
export function findMissing(
  repository: Repository,
  index: ObjectIndex,
  named: Iterable<Checksum>,
  partial: ReadonlySet<Checksum>,
  signal: AbortSignal | undefined,
): FoundCommits {
  const commits = new Map<Checksum, Commit>();
  const missing = new Map<string, ObjectName>();
  const seen = new Set<Checksum>();
  const need = (object: ObjectName): boolean => {
    if (index[object.kind].has(object.checksum) || hasObject(repository, object.kind, object.checksum)) return true;
    missing.set(objectText(object), object);
    return false;
  };
  for (const checksum of named) need({ kind: "commit", checksum });
  for (const checksum of index.commit) {
    const commit = readable(() => loadCommit(repository, checksum));
    if (commit === undefined) continue;
    commits.set(checksum, commit);
    if (partial.has(checksum)) continue;
    need({ kind: "dirmeta", checksum: commit.meta });
    const open = [commit.tree];
    for (let tree = open.pop(); tree !== undefined; tree = open.pop()) {
      if (seen.has(tree)) continue;
      throwIfCancelled(signal);
      seen.add(tree);
      const at = tree;
      const folder = need({ kind: "dirtree", checksum: at }) ? readable(() => loadDirTree(repository, at)) : undefined;
      for (const file of folder?.files ?? []) need({ kind: "file", checksum: file.checksum });
      for (const dir of folder?.dirs ?? []) {
        need({ kind: "dirmeta", checksum: dir.meta });
        open.push(dir.tree);
      }
    }
  }
  return { commits, missing: [...missing.values()] };
}

/** For each bad object, by its text, the commits whose tree holds it and the first path there. */
export function traceDamage(
  repository: Repository,
  commits: ReadonlyMap<Checksum, Commit>,
  partial: ReadonlySet<Checksum>,
  bad: ReadonlySet<string>,
): Map<string, { commit: Checksum; path: ByteString }[]> {
  const traces = new Map<string, { commit: Checksum; path: ByteString }[]>();
  const below = new Map<Checksum, ReadonlyMap<string, ByteString>>();
  for (const [commit, { tree, meta }] of commits) {
    if (partial.has(commit)) continue;
    const found = new Map(damageBelow(repository, tree, bad, below));
    if (bad.has(objectText({ kind: "dirmeta", checksum: meta })))
      found.set(objectText({ kind: "dirmeta", checksum: meta }), EMPTY);
    for (const [object, path] of found) traces.set(object, [...(traces.get(object) ?? []), { commit, path }]);
  }
  for (const object of bad) {
    const commit = object.endsWith(".commit") ? (object.slice(0, 64) as Checksum) : undefined;
    if (commit !== undefined) traces.set(object, [{ commit, path: EMPTY }]);
  }
  return traces;
}

function damageBelow(
  repository: Repository,
  tree: Checksum,
  bad: ReadonlySet<string>,
  known: Map<Checksum, ReadonlyMap<string, ByteString>>,
): ReadonlyMap<string, ByteString> {
  const cached = known.get(tree);
  if (cached !== undefined) return cached;
  const found = new Map<string, ByteString>();
  known.set(tree, found);
  const add = (object: string, path: ByteString): void => {
    if (bad.has(object) && !found.has(object)) found.set(object, path);
  };
  add(objectText({ kind: "dirtree", checksum: tree }), EMPTY);
  const folder: DirTree = readable(() => loadDirTree(repository, tree)) ?? { files: [], dirs: [] };
  for (const { name, checksum } of folder.files) add(objectText({ kind: "file", checksum }), name);
  for (const dir of folder.dirs) {
    add(objectText({ kind: "dirmeta", checksum: dir.meta }), dir.name);
    for (const [object, path] of damageBelow(repository, dir.tree, bad, known)) add(object, joinBytes(dir.name, path));
  }
  return found;
}

/** Undefined where it is damaged or missing: then that is reported of the object itself. */
function readable<T>(load: () => T): T | undefined {
  try {
    return load();
  } catch (error) {
    if (error instanceof RegrowError && ["corrupt", "hostile", "not-found", "system"].includes(error.code)) return undefined;
    throw error;
  }
}
