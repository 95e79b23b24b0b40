/** Fetching bad objects anew from another repository. */
import { RegrowError } from "../../base/errors.ts";
import { checksumOf } from "../../codec/ostree/checksum.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { looseName, objectText } from "../../codec/ostree/object-name.ts";
import { temporaryName } from "../../sys/temporary-name.ts";
import { closeContent, openContent } from "../content/content-format.ts";
import { copyContent } from "../content/copy-content.ts";
import { hasObject, tryLoadMetadata } from "../object-files.ts";
import { listPartial, unmarkPartial } from "../partial-commits.ts";
import { loadDetached } from "../pull/object-source.ts";
import type { Repository } from "../repository.ts";
import { withRepositoryLock } from "../repository-lock.ts";
import { publish, stageFile, withTransaction } from "../transaction.ts";
import { type CheckedName } from "./damage.ts";
import { type BadObject, look } from "./look.ts";
import { type MetadataName, decodeMetadata, hasRealFolder } from "./metadata-reader.ts";
import { makeRoom } from "./make-room.ts";

/**
 * The objects with what came of them. A folder or commit that could not be read may have hidden that more is missing below it: so
 * until nothing new is found. With `unmark`, commits that lack nothing any more lose the mark of damage.
 */
export async function repairBad(
  repository: Repository,
  from: Repository,
  found: readonly BadObject[],
  unmark: boolean,
  signal: AbortSignal | undefined,
): Promise<BadObject[]> {
  const bad = new Map(found.map((object) => [objectText(object), object]));
  const lookMore = async (then: (bad: readonly BadObject[]) => void): Promise<void> =>
    withRepositoryLock(repository, "shared", signal, async () => {
      const read = unmark ? "sidecars" : "nothing";
      then((await look(repository, { read }, signal === undefined ? {} : { signal })).bad);
    });
  let pending = found;
  while (pending.length > 0) {
    // Whoever has an object whose bytes are right has no better one.
    const mendable = pending.filter(({ problem }) => problem === "missing" || problem === "damaged");
    const repaired = await fetchObjects(repository, from, mendable, signal);
    for (const object of repaired.map(objectText)) bad.set(object, { ...bad.get(object)!, outcome: "repaired" });
    if (repaired.every(({ kind }) => kind === "file" || kind === "commitmeta")) break;
    await lookMore((more) => (pending = more.filter((object) => !bad.has(objectText(object)))));
    for (const object of pending) bad.set(objectText(object), object);
  }
  const all = [...bad.values()].sort((a, b) => (objectText(a) < objectText(b) ? -1 : 1));
  const left = all.filter(({ outcome }) => outcome !== "repaired");
  if (unmark) await lookMore((more) => unmarkWhole(repository, [...more, ...left]));
  return all;
}

/** Takes the mark of damage from commits that need nothing any more that is bad. */
function unmarkWhole(repository: Repository, left: readonly BadObject[]): void {
  const hurt = new Set(left.flatMap(({ commits }) => commits));
  const marked = [...listPartial(repository)].filter(([commit, reason]) => reason === "damaged" && !hurt.has(commit));
  const whole = marked.map(([commit]) => commit).filter((commit) => hasObject(repository, "commit", commit));
  unmarkPartial(repository, whole);
}

/** What `from` has in good order. Returns the objects that were mended. Each is verified before it is put in place. */
async function fetchObjects(
  repository: Repository,
  from: Repository,
  objects: readonly BadObject[],
  signal: AbortSignal | undefined,
): Promise<CheckedName[]> {
  if (objects.length === 0) return [];
  return withTransaction(repository, signal, async (transaction) => {
    const mended: CheckedName[] = [];
    for (const { kind, checksum } of objects) {
      if (!hasRealFolder(repository, checksum) || !makeRoom(repository, { kind, checksum })) continue;
      const isStaged =
        kind === "file"
          ? await stageContentFrom(from, repository, transaction.stagingFd, checksum)
          : stageMetadataFrom(from, transaction.stagingFd, { kind, checksum });
      if (isStaged) mended.push({ kind, checksum });
    }
    publish(transaction);
    return mended;
  });
}

async function stageContentFrom(
  from: Repository,
  repository: Repository,
  stagingFd: number,
  checksum: Checksum,
): Promise<boolean> {
  try {
    const content = openContent(from, checksum);
    try {
      await copyContent({ content, meta: content.meta, repository, stagingFd, label: temporaryName("mend"), expected: checksum });
      return true;
    } finally {
      closeContent(content);
    }
  } catch (error) {
    if (error instanceof RegrowError && ["corrupt", "hostile", "not-found", "unsupported"].includes(error.code)) return false;
    throw error;
  }
}

function stageMetadataFrom(from: Repository, stagingFd: number, object: MetadataName): boolean {
  const { kind, checksum } = object;
  try {
    const data = kind === "commitmeta" ? loadDetached(from, checksum) : tryLoadMetadata(from, kind, checksum);
    if (data === undefined || (kind !== "commitmeta" && checksumOf(data) !== checksum)) return false;
    decodeMetadata(kind, data);
    stageFile(stagingFd, looseName(checksum, kind), data);
    return true;
  } catch (error) {
    if (error instanceof RegrowError && ["corrupt", "hostile"].includes(error.code)) return false;
    throw error;
  }
}
