/** What a person may write for a commit: a checksum or an unambiguous prefix, a branch, a tag, `X^` for the parent. */
import { RegrowError } from "../base/errors.ts";
import { type Checksum, isChecksum } from "../codec/ostree/checksum.ts";
import { parseLooseName } from "../codec/ostree/object-name.ts";
import { O, closeFd, tryOpenAt } from "../sys/open.ts";
import { readDir } from "../sys/read-dir.ts";
import { hasObject, loadCommit } from "./object-files.ts";
import { checkRefName, listRefs, readRef, isCompanionRef } from "./refs.ts";
import type { Repository } from "./repository.ts";

const SHORTEST_PREFIX = 4;

/** Throws `not-found` with the nearest names, or `ambiguous`. */
export function resolveRevision(repository: Repository, revision: string): Checksum {
  const carets = /\^*$/.exec(revision)![0].length;
  let at = resolveBase(repository, revision.slice(0, revision.length - carets));
  for (let step = 0; step < carets; step++) {
    const { parent } = loadCommit(repository, at);
    if (parent === undefined)
      throw new RegrowError("not-found", `${revision}: ${at.slice(0, 10)} has no parent.`, { path: revision });
    at = parent;
  }
  return at;
}

function resolveBase(repository: Repository, base: string): Checksum {
  const found = byRef(repository, base) ?? byChecksum(repository, base);
  if (found !== undefined) return found;
  throw new RegrowError("not-found", `${base === "" ? "^" : base}: no such branch, tag or commit.`, {
    path: base,
    hint: suggestion(repository, base),
  });
}

function byRef(repository: Repository, name: string): Checksum | undefined {
  try {
    checkRefName(name);
  } catch {
    return undefined;
  }
  return readRef(repository, name) ?? readRef(repository, `tag/${name}`);
}

function byChecksum(repository: Repository, text: string): Checksum | undefined {
  if (isChecksum(text)) return hasObject(repository, "commit", text) ? text : undefined;
  if (text.length < SHORTEST_PREFIX || !/^[0-9a-f]{1,63}$/.test(text)) return undefined;
  const matches = [...commitsInFolder(repository, text.slice(0, 2))].filter((checksum) => checksum.startsWith(text));
  if (matches.length < 2) return matches[0];
  throw new RegrowError("ambiguous", `${text}: ${matches.length} commits begin with that.`, {
    path: text,
    hint: `Write more of it: ${matches.slice(0, 3).join(", ")}`,
  });
}

function* commitsInFolder(repository: Repository, folder: string): Generator<Checksum> {
  const fd = tryOpenAt(repository.objectsFd, folder, O.RDONLY | O.DIRECTORY);
  if (fd < 0) return;
  try {
    for (const { name } of readDir(fd)) {
      const object = parseLooseName(folder, name);
      if (object?.kind === "commit") yield object.checksum;
    }
  } finally {
    closeFd(fd);
  }
}

function suggestion(repository: Repository, name: string): string {
  const names = listRefs(repository)
    .map((ref) => ref.name)
    .filter((ref) => !isCompanionRef(ref));
  if (names.length === 0) return "The repository has no commits yet.";
  const near = names.filter((ref) => ref.includes(name) || name.includes(ref));
  return `There is ${(near.length > 0 ? near : names).slice(0, 5).join(", ")}; \`regrow log\` lists commits.`;
}
