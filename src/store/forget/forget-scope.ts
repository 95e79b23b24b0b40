/** Which commits a forgetting goes through, and which refs move. */
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { indexObjects } from "../list-objects.ts";
import { hasObject, loadCommit } from "../object-files.ts";
import { parentsOf } from "../parents.ts";
import { companionRef, isCompanionRef, listRefFiles, listRefs, readRef, readRefFile } from "../refs.ts";
import type { Repository } from "../repository.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
import type { CommitRewriter } from "./rewrite-commits.ts";

export interface ForgetScope {
  /** With all that they come from. */
  readonly commits: readonly Checksum[];
  /** Commits of sidecars that may be nobody's any more. */
  readonly sidecars: readonly Checksum[];
  /** Refs that may move. An alias follows what it stands for. */
  readonly refs: readonly { readonly name: string; readonly commit: Checksum }[];
}

export interface MovedRef {
  readonly name: string;
  readonly from: Checksum;
  readonly to: Checksum;
  readonly isCompanion: boolean;
}

/** Without `branches` everything, also commits that no ref leads to. Throws `not-found`, `corrupt`. */
export function forgetScope(repository: Repository, branches: readonly string[] | undefined): ForgetScope {
  if (branches !== undefined) return scopeOf(repository, branches);
  const refs = listRefs(repository).filter(({ alias }) => alias === undefined);
  const own = [...indexObjects(repository).commit];
  const sidecars = new Set(own.map((commit) => sidecarCommitOf(loadCommit(repository, commit))));
  const companions = new Set(refs.filter(({ name }) => isCompanionRef(name)).map(({ commit }) => commit));
  const unowned = [...companions].filter((commit) => !sidecars.has(commit));
  // What only the chains of sidecars lead to is a sidecar too.
  const ofSidecars = withAncestors(repository, [...companions, ...[...sidecars].filter((commit) => commit !== undefined)]);
  const named = refs.filter(({ name }) => !isCompanionRef(name)).map(({ commit }) => commit);
  return {
    commits: [...new Set([...named, ...own.filter((commit) => !ofSidecars.has(commit))])],
    sidecars: [...new Set([...unowned, ...own.filter((commit) => ofSidecars.has(commit))])].filter((commit) =>
      hasObject(repository, "commit", commit),
    ),
    refs,
  };
}

function scopeOf(repository: Repository, branches: readonly string[]): ForgetScope {
  const refs = branches.flatMap((name) => {
    const commit = readRef(repository, name);
    if (commit === undefined) {
      throw new RegrowError("not-found", `${name}: no such branch or tag.`, { path: name, hint: "`regrow refs` lists them." });
    }
    const companion = companionRef(name);
    const sidecar = readRef(repository, companion);
    return [{ name, commit }, ...(sidecar === undefined ? [] : [{ name: companion, commit: sidecar }])];
  });
  const of = (isCompanion: boolean): Checksum[] =>
    refs.filter(({ name }) => isCompanionRef(name) === isCompanion).map(({ commit }) => commit);
  return { commits: of(false), sidecars: of(true), refs };
}

/** Those that change. */
export function movesOf({ refs }: ForgetScope, mapped: ReadonlyMap<Checksum, Checksum>): MovedRef[] {
  return refs
    .map(({ name, commit }) => {
      return { name, from: commit, to: mapped.get(commit) ?? commit, isCompanion: isCompanionRef(name) };
    })
    .filter(({ from, to }) => from !== to);
}

/** Refs out of the scope, and mirrored ones, which can't be moved, that lead to a commit which has a forgotten path. */
export function refsThatHold(repository: Repository, scope: ForgetScope, { rewritten }: CommitRewriter): string[] {
  const holders = new Set(rewritten.filter(({ hadPath }) => hadPath === true).map(({ from }) => from));
  const moving = new Set(scope.refs.map(({ name }) => name));
  const aliases = new Set(listRefs(repository).flatMap(({ name, alias }) => (alias === undefined ? [] : [name])));
  return listRefFiles(repository).flatMap(({ name, path, isCompanion }) => {
    if (isCompanion || moving.has(name) || aliases.has(name)) return [];
    const commit = readRefFile(repository, path);
    const leads = commit === undefined ? [] : [...withAncestors(repository, [commit])];
    return leads.some((ancestor) => holders.has(ancestor)) ? [name] : [];
  });
}

function withAncestors(repository: Repository, tips: readonly Checksum[]): Set<Checksum> {
  const found = new Set(tips);
  for (const commit of found) {
    if (!hasObject(repository, "commit", commit)) continue;
    for (const parent of parentsOf(loadCommit(repository, commit))) found.add(parent);
  }
  return found;
}
