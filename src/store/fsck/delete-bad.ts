/** Removing what is bad, with the commits that need it marked as partial before, durably. */
import { objectText } from "../../codec/ostree/object-name.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { hasObject } from "../object-files.ts";
import { remarkPartial, unmarkPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { withRepositoryLock } from "../repository-lock.ts";
import { checkContent } from "./check-objects-job.ts";
import { isGone, reasonOf } from "./damage.ts";
import { type BadObject, lookAgain } from "./look.ts";
import { removeObject } from "./make-room.ts";
import { hasRealFolder, isSoundMetadata } from "./metadata-reader.ts";

/**
 * The objects with what came of them. Since they were found somebody may have mended one, or made a commit that needs one: so each is
 * looked at again where nobody else can write. What is only misplaced stays: another commit may need it.
 */
export async function deleteBad(
  repository: Repository,
  found: readonly BadObject[],
  signal: AbortSignal | undefined,
): Promise<readonly BadObject[]> {
  const rest = found.filter(({ outcome, problem }) => outcome === "found" && problem !== "misplaced");
  if (rest.length === 0) return found;
  return withRepositoryLock(repository, "exclusive", signal, async () => {
    const outcomes = new Map<string, BadObject>();
    const bad: BadObject[] = [];
    for (const object of rest) {
      if (await isSoundNow(repository, object)) outcomes.set(objectText(object), { ...object, outcome: "repaired" });
      else bad.push(object);
    }
    const touching = await lookAgain(repository, bad, signal);
    remarkPartial(repository, [...commitsWithout(touching)], "damaged");
    for (const object of touching)
      if (hasRealFolder(repository, object.checksum) && removeObject(repository, object))
        outcomes.set(objectText(object), { ...object, outcome: "deleted" });
    if (repository.config.fsync) syncFileSystem(repository.fd);
    const commits = touching.filter(({ kind }) => kind === "commit").map(({ checksum }) => checksum);
    unmarkPartial(repository, commits);
    return found.map((object) => outcomes.get(objectText(object)) ?? object);
  });
}

/** Those that will lack a part. One that goes itself needs no mark, and one whose sidecar's commit goes is plainer, and whole. */
function commitsWithout(objects: readonly BadObject[]): Set<Checksum> {
  return new Set(objects.filter(({ kind }) => kind !== "commit" && kind !== "commitmeta").flatMap(({ commits }) => commits));
}

async function isSoundNow(repository: Repository, { kind, checksum }: BadObject): Promise<boolean> {
  if (kind !== "file") {
    const own = isSoundMetadata(repository, { kind, checksum });
    return own ?? (kind !== "commitmeta" && hasObject(repository, kind, checksum));
  }
  try {
    await checkContent(repository, checksum);
    return true;
  } catch (error) {
    if (!isGone(error)) reasonOf(error);
    return false;
  }
}
