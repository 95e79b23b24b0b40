/**
 * Copying a whole tree, by shared blocks where the file system can: contents with their holes, owners, access lists, attributes, times,
 * inode flags, hard links, device nodes. What is mounted inside is an empty folder in the copy, as is the folder that holds the copies.
 */
import { type ByteString, EMPTY, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { isErrno, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, notice, report } from "../../base/events.ts";
import { LAST_FLAGS, addFlags, userFlags } from "../../sys/inode-flags.ts";
import { getFlags } from "../../sys/metadata.ts";
import { linkAt, makeDirAt } from "../../sys/names.ts";
import { O, closeFd, openBeneath, openFolderHere } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { S_IFDIR, S_IFREG, type Stat, sameFile, statFd, tryStatAt, typeOf } from "../../sys/stat.ts";
import { type Xattr, readXattrsFd } from "../../sys/xattr.ts";
import { type ContentCopier, openContentCopier } from "./copy-content.ts";
import { copyFile, copySpecial, isGone, putMetadata } from "./copy-entry.ts";

export interface TreeCopy {
  readonly sourceFd: number;
  /** An empty folder that nobody else enters. */
  readonly targetFd: number;
  readonly sharing: boolean;
  /** A folder of which the copy has only the folder itself. */
  readonly leaveOut: Stat;
}

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const TURN = 256;

interface Finish {
  readonly path: ByteString;
  readonly stat: Stat;
  readonly xattrs: readonly Xattr[];
  readonly flags: number;
}

interface Copying extends TreeCopy {
  readonly copier: ContentCopier;
  readonly observer: Observer;
  /** First names, in the copy, of files with several. */
  readonly names: Map<string, ByteString>;
  readonly folders: Finish[];
  readonly lastFlags: { readonly path: ByteString; readonly flags: number }[];
  done: number;
  bytes: number;
}

/**
 * Returns what is still to be set on the root itself when nothing happens to it any more: flags that would keep it from being renamed.
 * Throws `cancelled`, SystemError.
 */
export async function copyTree(request: TreeCopy, observer: Observer): Promise<number> {
  const copier = openContentCopier(request.sharing, observer.signal);
  const state: Copying = { ...request, copier, observer, names: new Map(), folders: [], lastFlags: [], done: 0, bytes: 0 };
  const waiting: ByteString[] = [EMPTY];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    await copyFolder(state, path, (child) => waiting.push(child));
  }
  // What is below a folder comes after it.
  for (const finish of state.folders.toReversed()) {
    inFolder(state.targetFd, finish.path, (fd) => {
      addFlags(fd, finish.flags & ~LAST_FLAGS);
      putMetadata(fd, finish.stat, finish.xattrs);
    });
  }
  const { folders, lastFlags, targetFd } = state;
  const marked = [...lastFlags, ...folders.toReversed().map(({ path, flags }) => ({ path, flags: flags & LAST_FLAGS }))];
  for (const { path, flags } of marked) if (flags !== 0 && path !== "") putLastFlags(targetFd, path, flags);
  return marked.at(-1)!.flags;
}

async function copyFolder(state: Copying, path: ByteString, later: (child: ByteString) => void): Promise<void> {
  const { sourceFd: sourceRoot, targetFd: targetRoot } = state;
  await inFolder(sourceRoot, path, (sourceFd) =>
    inFolder(targetRoot, path, async (targetFd) => {
      const stat = statFd(sourceFd);
      const flags = userFlags(getFlags(sourceFd));
      state.folders.push({ path, stat, xattrs: readXattrsFd(sourceFd), flags });
      if (sameFile(stat, state.leaveOut)) return;
      for (const { name } of readDir(sourceFd, path)) {
        const pair = { sourceFd, targetFd, name };
        const at = joinBytes(path, name);
        const entry = tryStatAt(sourceFd, name);
        if (entry === undefined) continue;
        try {
          if (typeOf(entry.mode) !== S_IFDIR) copyNonFolder(state, at, entry, pair);
          else if (isHere(sourceFd, name)) {
            makeDirAt(targetFd, name, 0o700);
            later(at);
          } else makeDirAt(targetFd, name, entry.mode & 0o7777);
        } catch (error) {
          if (!isGone(error) || tryStatAt(targetFd, name) !== undefined) throw error;
        }
        if (++state.done % TURN === 0) await turn(state);
      }
    }),
  );
}

function copyNonFolder(
  state: Copying,
  path: ByteString,
  stat: Stat,
  pair: { readonly sourceFd: number; readonly targetFd: number; readonly name: ByteString },
): void {
  const key = stat.nlink > 1 ? `${stat.devMajor}:${stat.devMinor}:${stat.inoHigh}:${stat.inoLow}` : undefined;
  const first = key === undefined ? undefined : state.names.get(key);
  if (first !== undefined && tryLink(state.targetFd, first, pair.targetFd, pair.name)) return;
  if (typeOf(stat.mode) !== S_IFREG) copySpecial(pair, stat);
  else {
    const { bytes, lastFlags, torn } = copyFile(pair, state.copier);
    state.bytes += bytes;
    if (lastFlags !== 0) state.lastFlags.push({ path, flags: lastFlags });
    const shown = displayBytes(path);
    if (torn) notice(state.observer, "torn", `${shown}: was written to while it was copied`, shown);
  }
  if (key !== undefined) state.names.set(key, path);
}

/** False where the file system allows no more names for the file. */
function tryLink(rootFd: number, first: ByteString, targetFd: number, name: ByteString): boolean {
  const slash = first.lastIndexOf("/");
  return inFolder(rootFd, first.slice(0, Math.max(slash, 0)) as ByteString, (fd) => {
    try {
      linkAt(fd, first.slice(slash + 1), targetFd, name);
      return true;
    } catch (error) {
      if (isErrno(error, "EMLINK")) return false;
      throw error;
    }
  });
}

/** Whether the folder is one of this tree, and nothing is mounted on it. */
function isHere(folderFd: number, name: ByteString): boolean {
  try {
    closeFd(openFolderHere(folderFd, name));
    return true;
  } catch (error) {
    if (isErrno(error, "EXDEV")) return false;
    throw error;
  }
}

function putLastFlags(rootFd: number, path: ByteString, flags: number): void {
  const fd = openBeneath(rootFd, path, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
  try {
    addFlags(fd, flags);
  } finally {
    closeFd(fd);
  }
}

async function turn({ observer, done, bytes }: Copying): Promise<void> {
  report(observer, "copy", { done, bytes });
  await new Promise((resolve) => setImmediate(resolve));
  throwIfCancelled(observer.signal);
}

/** Open for as long as `work` takes, or its promise. */
function inFolder<T>(rootFd: number, path: ByteString, work: (fd: number) => T): T {
  const fd = openBeneath(rootFd, path, FOLDER);
  let result: T;
  try {
    result = work(fd);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  if (!(result instanceof Promise)) {
    closeFd(fd);
    return result;
  }
  return result.finally(() => closeFd(fd)) as T;
}
