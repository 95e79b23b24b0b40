/** What a checkout can only do when all files are there: further names of a file, and metadata that stops later changes. */
import { type ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import { getFlags, setFlags, setTimeFd } from "../../sys/metadata.ts";
import { linkAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { statFd } from "../../sys/stat.ts";
import { viewFolder } from "../tree/folder-view.ts";
import type { CheckoutProgress, CheckoutSettings, PendingFinish, PendingLink } from "./checkout-state.ts";
import { applyDirMeta, dirMeta } from "./fill-folder-job.ts";
import { placeFile } from "./place-file.ts";

/** Makes further names of files. Where the first name is not part of this checkout, the next one takes its place. */
export async function makePendingLinks(
  settings: CheckoutSettings,
  links: readonly PendingLink[],
  progress: CheckoutProgress,
): Promise<void> {
  const leaders = new Map<ByteString, ByteString>();
  for (const link of [...links].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const leader = leaders.get(link.leader) ?? link.leader;
    const { folder, name } = split(link.path);
    const dirFd = openBeneath(settings.rootFd, folder, O.RDONLY | O.DIRECTORY);
    try {
      const { mtimeSeconds, mtimeNanoseconds } = statFd(dirFd);
      if (settings.union) tryUnlinkAt(dirFd, name);
      if (!tryLink(settings, leader, dirFd, name)) {
        await placeAgain(settings, link, dirFd, name, progress);
        leaders.set(link.leader, link.path);
      }
      progress.files++;
      // The new name has changed the time that the folder got before.
      setTimeFd(dirFd, { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds });
    } finally {
      closeFd(dirFd);
    }
  }
}

/** Metadata that had to wait. Deepest folders first, so that no right is lost before it is used. */
export function finishLater(settings: CheckoutSettings, finishes: readonly PendingFinish[], progress: CheckoutProgress): void {
  for (const { path, meta, time, flags } of [...finishes].sort((a, b) => (a.path < b.path ? 1 : -1))) {
    const fd = openBeneath(settings.rootFd, path, O.RDONLY);
    try {
      if (meta !== undefined) applyDirMeta(settings, fd, dirMeta(settings, meta));
      if (time !== undefined) setTimeFd(fd, time);
      if (flags !== 0 && !setFlags(fd, getFlags(fd) | flags)) progress.refusedFlags++;
    } finally {
      closeFd(fd);
    }
  }
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
    linkAt(leaderFd, leaderName, dirFd, name);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT", "EMLINK")) return false;
    throw error;
  } finally {
    closeFd(leaderFd);
  }
}

async function placeAgain(
  settings: CheckoutSettings,
  link: PendingLink,
  dirFd: number,
  name: ByteString,
  progress: CheckoutProgress,
): Promise<void> {
  const view = viewFolder(settings.repository, link.tree, link.sidecar);
  const file = view.files.find((entry) => entry.name === name);
  if (file !== undefined) await placeFile(settings, dirFd, name, file.checksum, file.record, progress);
}

function split(path: ByteString): { folder: ByteString; name: ByteString } {
  const slash = path.lastIndexOf("/");
  return { folder: path.slice(0, Math.max(0, slash)) as ByteString, name: path.slice(slash + 1) as ByteString };
}
