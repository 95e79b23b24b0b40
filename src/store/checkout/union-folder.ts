/**
 * Unfinished files of a union: `.regrow-new-<process>-<thread>-<random>-<count>` beside the name that each will have. While
 * there may be such names in a folder, their maker holds a shared lock on it; who gets the exclusive one knows that those in it
 * have been left by the dead, and removes them.
 */
import type { ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import { tryLockFolder } from "../../sys/lock.ts";
import { tryUnlinkAt } from "../../sys/names.ts";
import { readDir } from "../../sys/read-dir.ts";
import { temporaryName } from "../../sys/temporary-name.ts";

const UNFINISHED = /^\.regrow-new-\d+-\d+-[0-9a-f]{8}-\d+$/;
/** Milliseconds and attempts: removing is short, and a lock of somebody who is no union may last for ever. */
const PAUSE = 5;
const ATTEMPTS = 40;
const never = new Int32Array(new SharedArrayBuffer(4));

export function unfinishedName(): ByteString {
  return temporaryName("regrow-new") as ByteString;
}

/** To be called before an unfinished file is made in the open folder; what it takes ends when the folder is closed. */
export function enterUnionFolder(dirFd: number): void {
  if (tryLockFolder(dirFd, "exclusive") === "locked") removeUnfinished(dirFd);
  for (let attempt = 1; tryLockFolder(dirFd, "shared") === "busy" && attempt < ATTEMPTS; attempt++)
    Atomics.wait(never, 0, 0, PAUSE);
}

function removeUnfinished(dirFd: number): void {
  for (const { name } of readDir(dirFd)) {
    if (!UNFINISHED.test(name)) continue;
    try {
      tryUnlinkAt(dirFd, name);
    } catch (error) {
      // A folder of that name is none of ours; what may not be removed stays.
      if (!isErrno(error, "EISDIR", "EPERM", "EACCES", "EROFS")) throw error;
    }
  }
}
