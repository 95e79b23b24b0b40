/** A thread's part of a check: takes folder after folder, and compares every content object in it with its name. */
import { type Checksum } from "../../codec/ostree/checksum.ts";
import { closeContent, hashContent, openContent } from "../content/content-format.ts";
import { OBJECT_FOLDERS, listObjectFolder } from "../list-objects.ts";
import type { Repository } from "../repository.ts";
import { type DamagedObject, isGone, mismatch, reasonOf } from "./damage.ts";

export interface CheckObjectsJob {
  readonly repository: Repository;
  /** In memory that the threads share: the folder that is next, and the objects and bytes done so far. */
  readonly counters: BigInt64Array<SharedArrayBuffer>;
}

export const NEXT = 0;
export const CHECKED = 1;
export const BYTES = 2;
export const COUNTERS = 3;

/** What is damaged. Returns when there is no folder left to take. */
export async function checkObjects(job: CheckObjectsJob): Promise<DamagedObject[]> {
  const damaged: DamagedObject[] = [];
  while (await checkNextFolder(job, damaged));
  return damaged;
}

/** False where there is no folder left. */
export async function checkNextFolder({ repository, counters }: CheckObjectsJob, damaged: DamagedObject[]): Promise<boolean> {
  const folder = OBJECT_FOLDERS[Number(Atomics.add(counters, NEXT, 1n))];
  if (folder === undefined) return false;
  // Objects of a parent repository are checked there.
  const alone: Repository = { ...repository, parent: undefined };
  const { objects, impostors } = listObjectFolder(alone, folder);
  const skipped = new Set(impostors.filter(({ kind }) => kind === "file").map(({ checksum }) => checksum));
  let checked = 0;
  let bytes = 0;
  for (const { kind, checksum } of objects) {
    if (kind !== "file") continue;
    checked++;
    if (skipped.size > 0 && skipped.has(checksum)) continue;
    try {
      const checking = checkContent(alone, checksum);
      bytes += typeof checking === "number" ? checking : await checking;
    } catch (error) {
      if (isGone(error)) checked--;
      else damaged.push({ kind, checksum, reason: reasonOf(error) });
    }
  }
  Atomics.add(counters, CHECKED, BigInt(checked));
  Atomics.add(counters, BYTES, BigInt(bytes));
  return true;
}

/** The size of the payload. Throws what says that it is damaged. A promise only for large deflated ones. */
export function checkContent(repository: Repository, checksum: Checksum): number | Promise<number> {
  const content = openContent(repository, checksum);
  const finish = (found: string): number => {
    closeContent(content);
    if (found !== checksum) throw mismatch();
    return content.size;
  };
  let hashing: ReturnType<typeof hashContent>;
  try {
    hashing = hashContent(content);
  } catch (error) {
    closeContent(content);
    throw error;
  }
  if (typeof hashing === "string") return finish(hashing);
  return hashing.then(finish, (error: unknown) => {
    closeContent(content);
    throw error;
  });
}
