/**
 * The folder in which a checkout grows, beside the name that it will have:
 *
 *   .NAME.regrow-<process>-<thread>-<random>-<count>.partial
 *
 * It is locked for as long as its maker lives. Who checks out to the same name later removes those that nobody holds. Where
 * folders can't be locked, `unlocked` stands for `regrow`, and nobody ever removes it.
 */
import type { ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import { clearLastFlags } from "../../sys/inode-flags.ts";
import { tryLockFolder } from "../../sys/lock.ts";
import { FLAG, chmodFd, getFlags, setFlags } from "../../sys/metadata.ts";
import { removeDirAt, removeTreeAt, tryMakeDirAt } from "../../sys/names.ts";
import { O, closeFd, openAt, tryOpenAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { sameFile, statFd, tryStatAt } from "../../sys/stat.ts";
import { temporaryName } from "../../sys/temporary-name.ts";
import { removeXattrAt } from "../../sys/xattr.ts";
import { userFlags } from "../scan/user-flags.ts";

export interface PartialFolder {
  readonly name: ByteString;
  /** Holds the lock. */
  readonly fd: number;
}

/** Bytes of the target's name that its partial folder's name repeats, so that it does not become too long. */
const MOST_OF_NAME = 180;
const MIDDLE = /^\.regrow-\d+-\d+-[0-9a-f]{8}-\d+$/;
const END = ".partial";
const INHERITED = ["system.posix_acl_access", "system.posix_acl_default"] as ByteString[];

/** Makes it under a name that nobody has. Nothing of the folder above is passed on to what will be made in it. */
export function makePartialFolder(parentFd: number, target: ByteString): PartialFolder {
  for (;;) {
    const made = tryMakePartial(parentFd, target, "regrow");
    if (made !== undefined) return made;
  }
}

/**
 * Removes what killed checkouts to the name `target` have left. What can't be removed, or can't be locked, stays. Returns the
 * names of left-overs that could not be removed.
 */
export function removeDeadPartials(parentFd: number, target: ByteString): ByteString[] {
  const start = startOf(target);
  const kept: ByteString[] = [];
  for (const { name } of readDir(parentFd)) {
    const isPartial = name.startsWith(start) && name.endsWith(END);
    if (!isPartial || !MIDDLE.test(name.slice(start.length, -END.length))) continue;
    if (!removeIfDead(parentFd, name)) kept.push(name);
  }
  return kept;
}

/** Undefined where another checkout took it for a left-over before it was locked. */
function tryMakePartial(parentFd: number, target: ByteString, what: "regrow" | "unlocked"): PartialFolder | undefined {
  const name = `${startOf(target)}${temporaryName(what)}${END}` as ByteString;
  if (!tryMakeDirAt(parentFd, name, 0o700)) return undefined;
  const fd = tryOpenAt(parentFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  if (fd < 0) return undefined;
  try {
    const lock = what === "regrow" ? tryLockFolder(fd, "exclusive") : "locked";
    if (lock === "locked" && isAt(parentFd, name, fd)) {
      disinherit(parentFd, name, fd);
      return { name, fd };
    }
    if (lock === "unsupported") removeDirAt(parentFd, name);
    closeFd(fd);
    return lock === "unsupported" ? tryMakePartial(parentFd, target, "unlocked") : undefined;
  } catch (error) {
    closeFd(fd);
    removeDirAt(parentFd, name);
    throw error;
  }
}

/** False where it is dead and is still there. */
function removeIfDead(parentFd: number, name: ByteString): boolean {
  let fd = -1;
  try {
    fd = openAt(parentFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    if (tryLockFolder(fd, "exclusive") !== "locked" || !isAt(parentFd, name, fd)) return true;
    removeLocked(parentFd, name, fd);
    return true;
  } catch (error) {
    // Somebody else's, or gone meanwhile: no reason for this checkout to fail.
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return true;
    if (isErrno(error, "EACCES", "EPERM", "ENOTEMPTY", "EBUSY", "EROFS", "EXDEV")) return false;
    throw error;
  } finally {
    if (fd >= 0) closeFd(fd);
  }
}

function removeLocked(parentFd: number, name: ByteString, fd: number): void {
  try {
    removeTreeAt(parentFd, name);
  } catch (error) {
    if (!isErrno(error, "EPERM", "EACCES")) throw error;
    clearLastFlags(fd, false);
    removeTreeAt(parentFd, name);
  }
}

function startOf(target: ByteString): string {
  return `.${target.slice(0, MOST_OF_NAME)}`;
}

function isAt(parentFd: number, name: ByteString, fd: number): boolean {
  const found = tryStatAt(parentFd, name);
  return found !== undefined && sameFile(found, statFd(fd));
}

function disinherit(parentFd: number, name: ByteString, fd: number): void {
  for (const xattr of INHERITED) removeXattrAt(parentFd, name, xattr);
  // Also without the setgid bit.
  chmodFd(fd, 0o700);
  // A project's quota goes on to count what is below its folder.
  const inherited = userFlags(getFlags(fd)) & ~FLAG.projectInherit;
  if (inherited !== 0) setFlags(fd, getFlags(fd) & ~inherited);
}
