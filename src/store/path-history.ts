/**
 * Which commits of a history changed something at given paths. What is at a path is told by checksums, walking down to it and not into
 * it, so that a commit costs one object a folder on the way, and nothing where that folder is one that was seen before. Times and inode flags
 * alone are no change.
 */
import { type ByteString, bytesOf } from "../base/byte-string.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { normalPath } from "./diff/path-filter.ts";
import { type LogEntry, history } from "./log.ts";
import { hasObject, loadCommit } from "./object-files.ts";
import { hasWholeCommit } from "./partial-commits.ts";
import type { Repository } from "./repository.ts";
import { type FolderRef, entryIn } from "./tree/find-entry.ts";
import { rootSidecar, viewFolder } from "./tree/folder-view.ts";

/**
 * The commits that lead to `starts` and of which something at `paths` differs from each of their parents, newest first. Where a merge took
 * it over from one parent, only that one's line is followed. `present` names the nearest ancestors that are in the list. A thinned commit counts as its
 * parent. Throws `not-found`, `corrupt`.
 */
export function pathHistory(repository: Repository, starts: readonly Checksum[], paths: readonly string[]): LogEntry[] {
  const stateOf = pathStates(repository, paths);
  const followed = new Map<Checksum, readonly Checksum[]>();
  const touched = new Set<Checksum>();
  const follow = ({ checksum, present }: LogEntry): readonly Checksum[] => {
    const state = stateOf(checksum);
    const same = present.find((parent) => stateOf(parent) === state);
    if (same === undefined && (present.length > 0 || state !== NOTHING)) touched.add(checksum);
    const parents = same === undefined ? present : [same];
    followed.set(checksum, parents);
    return parents;
  };
  const entries = [...history(repository, starts, follow)];
  const nearest = (from: Checksum): Checksum | undefined => {
    let at: Checksum | undefined = from;
    while (at !== undefined && !touched.has(at)) at = followed.get(at)?.[0];
    return at;
  };
  return entries
    .filter(({ checksum }) => touched.has(checksum))
    .map((entry) => {
      const parents = followed.get(entry.checksum)!.map(nearest);
      return { ...entry, present: [...new Set(parents)].filter((parent) => parent !== undefined) };
    });
}

const NOTHING = "";

/** What is at the paths in a commit, as text to compare. */
function pathStates(repository: Repository, paths: readonly string[]): (commit: Checksum) => string {
  const wanted = paths.map(
    (path) =>
      normalPath(bytesOf(path))
        .split("/")
        .filter((name) => name !== "") as ByteString[],
  );
  const byCommit = new Map<Checksum, string>();
  const byFolder = new Map<string, string>();

  function stateAt(folder: FolderRef, names: readonly ByteString[]): string {
    const [name, ...rest] = names;
    if (name === undefined) return `${folder.tree} ${folder.meta}`;
    const key = [folder.tree, sidecarName(folder), ...names].join("/");
    const known = byFolder.get(key);
    if (known !== undefined) return known;
    const entry = entryIn(viewFolder(repository, folder.tree, folder.sidecar), name);
    let state = NOTHING;
    if (entry?.kind === "folder") state = stateAt(entry, rest);
    else if (entry !== undefined && rest.length === 0)
      state = entry.kind === "file" ? entry.checksum : JSON.stringify(entry.node, (_, value: unknown) => String(value));
    byFolder.set(key, state);
    return state;
  }

  function stateOf(checksum: Checksum): string {
    const known = byCommit.get(checksum);
    if (known !== undefined) return known;
    const whole = firstWhole(repository, checksum);
    const commit = whole === undefined ? undefined : loadCommit(repository, whole);
    const root = commit && { tree: commit.tree, meta: commit.meta, sidecar: rootSidecar(repository, commit) };
    const states = root === undefined ? [] : wanted.map((names) => stateAt(root, names));
    const state = states.every((one) => one === NOTHING) ? NOTHING : states.join("\n");
    byCommit.set(checksum, state);
    return state;
  }

  return stateOf;
}

/** The commit itself or the nearest ancestor that still has its tree. */
function firstWhole(repository: Repository, from: Checksum): Checksum | undefined {
  let at: Checksum | undefined = from;
  while (at !== undefined && !hasWholeCommit(repository, at))
    at = hasObject(repository, "commit", at) ? loadCommit(repository, at).parent : undefined;
  return at;
}

function sidecarName({ sidecar }: FolderRef): string {
  if (sidecar === undefined) return "";
  return sidecar.kind === "record" ? sidecar.checksum : sidecar.tree;
}
