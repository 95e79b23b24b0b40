/**
 * Which of the 256 folders below `objects/` are as they were when the stat cache was written: an object that the cache vouches for
 * is still in such a folder, and need not be asked for. Each folder is known by its ctime, which nobody can set back.
 *
 * A folder vouches for nothing (its time is 0) where it has changed too short a time ago for a later change to show, and where
 * an object that the cache names is staged but not yet published: a cut before that must not leave a cache that vouches for it.
 */
import { tryStatAt } from "../../sys/stat.ts";
import { OBJECT_FOLDERS } from "../list-objects.ts";
import type { Repository } from "../repository.ts";
import { changedBefore } from "./settled.ts";

/** For each folder two numbers: whole seconds and nanoseconds of its ctime; 0 and 0 vouch for nothing. */
export type FolderTimes = Float64Array;

/** A cache is worth writing anew for its folders alone when so many of them vouch for more than they did. */
const WORTH_SAVING = 32;

/** The folders as they are now; those that have changed within the clock's granularity before `moment` (milliseconds) vouch for nothing. */
export function readFolderTimes(repository: Repository, moment: number): FolderTimes {
  const times = noFolderTimes();
  // What a parent repository has may go away without a change here.
  if (repository.parent !== undefined) return times;
  for (const [folder, name] of OBJECT_FOLDERS.entries()) {
    const stat = tryStatAt(repository.objectsFd, name);
    if (stat === undefined || !changedBefore(stat, moment)) continue;
    times[folder * 2] = stat.ctimeSeconds;
    times[folder * 2 + 1] = stat.ctimeNanoseconds;
  }
  return times;
}

/** Vouch for nothing. */
export function noFolderTimes(): FolderTimes {
  return new Float64Array(OBJECT_FOLDERS.length * 2);
}

/** For each folder whether it vouched for its objects then, and nothing in it has changed since. */
export function untouchedFolders(then: FolderTimes | undefined, now: FolderTimes): boolean[] {
  return OBJECT_FOLDERS.map((_, folder) => then !== undefined && isUntouched(then, now, folder));
}

function isUntouched(then: FolderTimes, now: FolderTimes, folder: number): boolean {
  const seconds = then[folder * 2]!;
  return seconds !== 0 && seconds === now[folder * 2] && then[folder * 2 + 1] === now[folder * 2 + 1];
}

export function forgetFolder(times: FolderTimes, folder: number): void {
  times.fill(0, folder * 2, folder * 2 + 2);
}

/** Whether a cache that was written now would save the next scan much more asking. */
export function isWorthSaving(then: FolderTimes, now: FolderTimes): boolean {
  let gained = 0;
  for (const folder of OBJECT_FOLDERS.keys()) {
    if (now[folder * 2] !== 0 && !isUntouched(then, now, folder)) gained++;
  }
  return gained >= WORTH_SAVING;
}

/** The number of the folder that holds the object: the first byte of its checksum. */
export function folderOf(checksum: string): number {
  return (digit(checksum.charCodeAt(0)) << 4) | digit(checksum.charCodeAt(1));
}

function digit(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}
