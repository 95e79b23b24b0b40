/** The machine's repository, as far as a glance tells: every ref and its commit, and the room that a commit must leave. */
import type { Checksum } from "../../../codec/ostree/checksum.ts";
import { loadCommit } from "../../../store/object-files.ts";
import { isCompanionRef, listRefs, readRef } from "../../../store/refs.ts";
import { type Repository, withRepository } from "../../../store/repository.ts";
import { spaceOf } from "../../../sys/space.ts";
import { repositoryIn } from "../../sysroot/home.ts";
import type { Machine } from "../../sysroot/machine.ts";
import type { RepositoryFacts } from "../facts.ts";
import { orReason } from "../looked.ts";

/** By a path through /proc: whoever calls has the home open. */
export function gatherRepository({ config }: Machine, homeFd: number): Promise<RepositoryFacts> {
  return withRepository(repositoryIn(homeFd), (repository) => {
    const refs = listRefs(repository);
    const bad = refs.flatMap(({ name, commit }) => {
      const reason = whyBad(repository, commit);
      return reason === undefined ? [] : [{ ref: name, reason }];
    });
    const { total, available } = spaceOf(repository.fd);
    const { minFreeBytes, minFreePercent } = repository.config;
    return {
      branch: config.branch,
      last: lastCommit(repository, config.branch),
      refs: refs.filter(({ name }) => !isCompanionRef(name)).length,
      bad,
      available,
      reserve: minFreeBytes ?? (total * minFreePercent) / 100,
    };
  });
}

function lastCommit(repository: Repository, branch: string): RepositoryFacts["last"] {
  const commit = readRef(repository, branch);
  if (commit === undefined || whyBad(repository, commit) !== undefined) return undefined;
  return { commit, timestamp: loadCommit(repository, commit).timestamp };
}

function whyBad(repository: Repository, commit: Checksum): string | undefined {
  const found = orReason(() => loadCommit(repository, commit));
  return "reason" in found ? found.reason : undefined;
}
