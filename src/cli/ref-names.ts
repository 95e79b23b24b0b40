/** Which branches and tags name a commit. */
import type { Checksum } from "../codec/ostree/checksum.ts";
import { isCompanionRef, listRefs } from "../store/refs.ts";
import type { Repository } from "../store/repository.ts";

/** Companions of sidecars are no names for people. */
export function namesByCommit(repository: Repository): Map<Checksum, string[]> {
  const names = new Map<Checksum, string[]>();
  for (const { name, commit } of listRefs(repository)) {
    if (!isCompanionRef(name)) names.set(commit, [...(names.get(commit) ?? []), name]);
  }
  return names;
}
