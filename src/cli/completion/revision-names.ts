/** Branches and tags, for completion. */
import { RegrowError } from "../../base/errors.ts";
import { isCompanionRef, listRefs } from "../../store/refs.ts";
import { closeRepository, openRepository } from "../../store/repository.ts";
import { chooseRepository } from "../choose-repository.ts";

/** None where there is no repository: completion is no place for errors. */
export function revisionNames(repo: string | undefined): { text: string; what: string }[] {
  try {
    const repository = openRepository(chooseRepository(repo));
    try {
      const refs = listRefs(repository).filter(({ name }) => !isCompanionRef(name));
      return refs.map(({ name, commit }) => ({ text: name, what: commit.slice(0, 10) }));
    } finally {
      closeRepository(repository);
    }
  } catch (error) {
    if (error instanceof RegrowError) return [];
    throw error;
  }
}
