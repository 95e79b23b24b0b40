/** What a checkout can only do when all files are there: further names of a file, and metadata that stops later changes. */
import { type ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import { getFlags, setFlags, setTimeFd } from "../../sys/metadata.ts";
import { linkAt } from "../../sys/names.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { statFd } from "../../sys/stat.ts";
import { viewFolder } from "../tree/folder-view.ts";
import type { CheckoutProgress, CheckoutSettings, FolderTask, PendingFinish, PendingLink } from "./checkout-state.ts";
import { newFolderViews } from "./folder-views.ts";
import { finishOpenFolder } from "./fill-folder-job.ts";
import { placeFile, replacing } from "./place-file.ts";
import { placeNode } from "./place-node.ts";
import { LAST_FLAGS, addFlags } from "./put-flags.ts";
import { enterUnionFolder } from "./union-folder.ts";

/**
 * Makes further names of files. Where the first name is not part of this checkout, the next one takes its place. Returns what
 * is still to be done for those.
 */
export async function makePendingLinks(
  settings: CheckoutSettings,
  root: FolderTask,
  links: readonly PendingLink[],
  progress: CheckoutProgress,
): Promise<PendingFinish[]> {
  const leaders = new Map<string, ByteString>();
  const views = newFolderViews(settings.repository, root);
  const finishes: PendingFinish[] = [];
  for (const link of [...links].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    // The sidecar tells which names are one file, but what is in a file is the tree's to tell: a file that changed while it was
    // committed may have got another content under each name.
    const identity = `${views.identityOf(link.path)} ${link.leader}`;
    const listed = pathBelow(settings.subpath, link.leader);
    const isSame = listed !== undefined && views.identityOf(listed) === views.identityOf(link.path);
    const leader = leaders.get(identity) ?? (isSame ? listed : undefined);
    const { folder, name } = split(link.path);
    const dirFd = openBeneath(settings.rootFd, folder, O.RDONLY | O.DIRECTORY);
    try {
      if (settings.union) enterUnionFolder(dirFd);
      const { mtimeSeconds, mtimeNanoseconds } = statFd(dirFd);
      if (leader !== undefined && tryLink(settings, leader, dirFd, name)) progress.files++;
      else if (await placeAgain(settings, link, dirFd, name, progress, finishes)) leaders.set(identity, link.path);
      // The new name has changed the time that the folder got before.
      setTimeFd(dirFd, { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds });
    } finally {
      closeFd(dirFd);
    }
  }
  return finishes;
}

/** Metadata that had to wait, all but the last flags. Deepest folders first, so that no right is lost before it is used. */
export function finishFolders(settings: CheckoutSettings, finishes: readonly PendingFinish[], progress: CheckoutProgress): void {
  for (const { path, meta, self } of deepestFirst(finishes)) {
    if (meta === undefined) continue;
    const fd = openBeneath(settings.rootFd, path, O.RDONLY | O.DIRECTORY);
    try {
      finishOpenFolder(settings, fd, meta, self, progress);
    } finally {
      closeFd(fd);
    }
  }
}

/** The flags after which nothing can be changed any more. */
export function putLastFlags(settings: CheckoutSettings, finishes: readonly PendingFinish[], progress: CheckoutProgress): void {
  for (const { path, flags } of deepestFirst(finishes)) {
    if (flags === 0) continue;
    const fd = tryOpen(settings, path);
    // Who may not even read it may not set flags.
    if (fd < 0) progress.refusedFlags++;
    else {
      addFlags(fd, flags, progress);
      closeFd(fd);
    }
  }
}

/** Takes them away again, so that a checkout that failed can be removed. */
export function dropLastFlags(settings: CheckoutSettings, finishes: readonly PendingFinish[]): void {
  for (const { path, flags } of finishes) {
    if (flags === 0) continue;
    const fd = tryOpen(settings, path);
    if (fd < 0) continue;
    setFlags(fd, getFlags(fd) & ~LAST_FLAGS);
    closeFd(fd);
  }
}

function deepestFirst(finishes: readonly PendingFinish[]): PendingFinish[] {
  return [...finishes].sort((a, b) => (a.path < b.path ? 1 : -1));
}

function tryOpen(settings: CheckoutSettings, path: ByteString): number {
  try {
    return openBeneath(settings.rootFd, path, O.RDONLY);
  } catch (error) {
    if (isErrno(error, "EACCES", "EPERM", "ENOENT")) return -1;
    throw error;
  }
}

/** The path as it is below the part of the tree that is checked out; undefined where it is not in it. */
function pathBelow(subpath: ByteString, path: ByteString): ByteString | undefined {
  if (subpath === "") return path;
  return path.startsWith(`${subpath}/`) ? (path.slice(subpath.length + 1) as ByteString) : undefined;
}

function tryLink(settings: CheckoutSettings, leader: ByteString, dirFd: number, name: ByteString): boolean {
  const { folder, name: leaderName } = split(leader);
  let leaderFd: number;
  try {
    leaderFd = openBeneath(settings.rootFd, folder, O.PATH | O.DIRECTORY);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
  try {
    replacing(settings, dirFd, name, (at) => linkAt(leaderFd, leaderName, dirFd, at));
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT", "EMLINK")) return false;
    throw error;
  } finally {
    closeFd(leaderFd);
  }
}

/** False where it can't be made here: a device node, for who is not root. */
async function placeAgain(
  settings: CheckoutSettings,
  link: PendingLink,
  dirFd: number,
  name: ByteString,
  progress: CheckoutProgress,
  finishes: PendingFinish[],
): Promise<boolean> {
  const view = viewFolder(settings.repository, link.tree, link.sidecar);
  const node = view.nodes.find((entry) => entry.name === name);
  if (node !== undefined) return placeNode(settings, dirFd, name, node, progress);
  const { checksum, record } = view.files.find((entry) => entry.name === name)!;
  await placeFile(settings, dirFd, name, checksum, record, progress);
  progress.files++;
  const flags = (record?.flags ?? 0) & LAST_FLAGS;
  if (flags !== 0) finishes.push({ path: link.path, meta: undefined, self: undefined, flags });
  return true;
}

function split(path: ByteString): { folder: ByteString; name: ByteString } {
  const slash = path.lastIndexOf("/");
  return { folder: path.slice(0, Math.max(0, slash)) as ByteString, name: path.slice(slash + 1) as ByteString };
}
