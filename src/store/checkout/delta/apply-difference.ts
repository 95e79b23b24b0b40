/**
 * Turns a folder that holds commit A into one that holds commit B, in the time that their difference takes. What B has of A keeps its
 * inodes and blocks, also under other names. The result is what a full checkout of B makes.
 *
 * The folder belongs to the caller, and to nobody else meanwhile: a cut leaves something between the two in it.
 */
import { type ByteString, EMPTY } from "../../../base/byte-string.ts";
import { isErrno, throwIfCancelled } from "../../../base/errors.ts";
import { type Observer, notice, report } from "../../../base/events.ts";
import type { Checksum } from "../../../codec/ostree/checksum.ts";
import { isLink } from "../../../codec/ostree/content.ts";
import { LAST_FLAGS, addFlags, dropLastFlags, userFlags } from "../../../sys/inode-flags.ts";
import { getFlags, setFlags, setTimeAt, setTimeFd } from "../../../sys/metadata.ts";
import { linkAt, makeDirAt, removeDirAt, removeTreeAt, renameAt, tryMakeDirAt, tryUnlinkAt } from "../../../sys/names.ts";
import { O, closeFd, openAt, openBeneath } from "../../../sys/open.ts";
import { S_IFREG, type Stat, statFd, tryStatAt, typeOf } from "../../../sys/stat.ts";
import { removeXattrFd } from "../../../sys/xattr.ts";
import { closeContent } from "../../content/content-format.ts";
import { commitSide } from "../../diff/diff-side.ts";
import type { Repository } from "../../repository.ts";
import { type CheckoutProgress, type CheckoutSettings, emptyProgress } from "../checkout-state.ts";
import { newFolderViews } from "../folder-views.ts";
import { placeFile, replacing } from "../place-file.ts";
import { placeNode } from "../place-node.ts";
import { unfinishedName } from "../union-folder.ts";
import { type ChosenInodes, type NewInode, chooseInodes } from "./choose-inodes.ts";
import { type FolderAt, type SideLeaf, type TreeDifference, findTreeDifference } from "./tree-difference.ts";
import { updateFile, updateFolder } from "./update-file.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const DEFAULT_ACCESS = "system.posix_acl_default" as ByteString;
/** What btrfs gives the empty folder that stands in a snapshot for a nested subvolume: nothing can be made in it. */
const PLACEHOLDER_INO = 2;

interface Work {
  readonly settings: CheckoutSettings;
  readonly observer: Observer;
  readonly progress: CheckoutProgress;
  readonly difference: TreeDifference;
  readonly lastFlags: { readonly path: ByteString; readonly flags: number }[];
}

/**
 * Counts what was made or changed; `bytes` are those of files that are new, and of what was written into old ones. Flags that keep the
 * root itself from being renamed are left out, with a notice. Throws `not-found`, `corrupt`, `cancelled`, SystemError.
 */
export async function applyDifference(
  repository: Repository,
  commits: { readonly from: Checksum; readonly to: Checksum },
  rootFd: number,
  observer: Observer = {},
): Promise<CheckoutProgress> {
  const target = commitSide(repository, commits.to);
  const difference = findTreeDifference(commitSide(repository, commits.from), target, observer);
  const work: Work = {
    settings: settingsFor(repository, rootFd),
    observer,
    progress: emptyProgress(),
    difference,
    lastFlags: [],
  };
  // The staging folder would give the root another time, which nothing would set right.
  if (difference.changedFolders.length === 0) return work.progress;
  loosen(work);
  const { tree, meta, sidecar } = target;
  const views = newFolderViews(repository, { kind: "folder", path: EMPTY, existed: true, tree, meta, sidecar });
  const chosen = chooseInodes(difference, {
    inodeAt: (path) => inodeOf(tryStat(rootFd, path)),
    identityInB: (path) => views.identityOf(path),
    isRegular,
  });
  const { mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds } = statFd(rootFd);
  const stage = unfinishedName();
  makeDirAt(rootFd, stage, 0o700);
  const stageFd = openAt(rootFd, stage, FOLDER);
  try {
    const kept = clearAway(work, chosen, stageFd);
    makeFolders(work);
    for (const [index, group] of chosen.after.entries()) {
      await putInode(work, group, kept.get(group), stageFd);
      if (index % 256 === 0) await nextTurn(work);
    }
  } finally {
    closeFd(stageFd);
  }
  removeDirAt(rootFd, stage);
  // The root itself may be none of the folders that differ.
  setTimeFd(rootFd, { seconds, nanoseconds });
  finish(work);
  return work.progress;
}

/** As who lays a commit over a folder: each file is made under another name, and renamed. */
function settingsFor(repository: Repository, rootFd: number): CheckoutSettings {
  const own = { uid: process.geteuid!(), gid: process.getegid!() };
  const fixed = { hardlink: false, userMode: false, union: true, verify: false, inheritsGroup: true, subpath: EMPTY };
  return { repository, rootFd, ...own, ...fixed };
}

/** So that all that changes can be changed. */
function loosen({ settings: { rootFd }, difference }: Work): void {
  for (const path of [...difference.changedFolders.map((one) => one.path), ...difference.removedFolders]) {
    const stat = tryStat(rootFd, path);
    if (stat === undefined) continue;
    if (path !== "" && stat.inoLow === PLACEHOLDER_INO && stat.inoHigh === 0) {
      within(rootFd, path, (dirFd, name) => {
        removeDirAt(dirFd, name);
        makeDirAt(dirFd, name, 0o700);
      });
    } else opened(rootFd, path, FOLDER, bequeathNothing);
  }
  for (const path of difference.before.keys()) {
    const stat = tryStat(rootFd, path);
    if (stat !== undefined && typeOf(stat.mode) === S_IFREG)
      opened(rootFd, path, O.RDONLY | O.NOFOLLOW | O.NONBLOCK, dropLastFlags);
  }
}

/** A new folder passes nothing on to what is made in it; this one gets its flags and its access list back in the end. */
function bequeathNothing(fd: number): void {
  const flags = getFlags(fd);
  const kept = userFlags(flags);
  if (kept !== 0) setFlags(fd, flags & ~kept);
  removeXattrFd(fd, DEFAULT_ACCESS);
}

/** Where an inode is that a group is made of: under one of the group's names, or in the staging folder. */
type Kept = { readonly at: ByteString } | { readonly staged: ByteString };

function clearAway({ settings: { rootFd }, difference }: Work, chosen: ChosenInodes, stageFd: number): Map<NewInode, Kept> {
  const kept = new Map<NewInode, Kept>();
  const staying = new Set<ByteString>();
  for (const [index, group] of chosen.after.entries()) {
    if (group.from === undefined) continue;
    const names = new Set(group.names);
    const at = group.from.names.find((name) => names.has(name));
    const staged = `${index}` as ByteString;
    if (at !== undefined) staying.add(at);
    else within(rootFd, group.from.names[0]!, (dirFd, name) => renameAt(dirFd, name, stageFd, staged));
    kept.set(group, at === undefined ? { staged } : { at });
  }
  for (const { names } of chosen.before) {
    for (const path of names) if (!staying.has(path)) within(rootFd, path, (dirFd, name) => void tryUnlinkAt(dirFd, name));
  }
  // What is in them is gone, but for what no commit holds: sockets.
  for (const path of difference.removedFolders.toReversed()) within(rootFd, path, removeTreeAt);
  return kept;
}

function makeFolders({ settings: { rootFd }, difference, progress }: Work): void {
  for (const { path } of difference.addedFolders) {
    within(rootFd, path, (dirFd, name) => {
      if (tryMakeDirAt(dirFd, name, 0o700)) return;
      removeTreeAt(dirFd, name);
      makeDirAt(dirFd, name, 0o700);
    });
    progress.folders++;
  }
}

/** All names of one file. */
async function putInode(work: Work, group: NewInode, kept: Kept | undefined, stageFd: number): Promise<void> {
  const { settings, progress } = work;
  const { rootFd } = settings;
  let first = group.linkTo;
  if (kept !== undefined && "at" in kept) first = kept.at;
  if (kept !== undefined && "staged" in kept) {
    first = group.names[0]!;
    within(rootFd, first, (dirFd, name) => renameAt(stageFd, kept.staged, dirFd, name));
  }
  if (kept !== undefined) await updateKept(work, first!, group);
  for (const path of group.names) {
    if (path === first) continue;
    if (first === undefined || !tryLink(settings, first, path)) {
      const isMade = await within(rootFd, path, (dirFd, name) => placeAnew(work, group.leaf, dirFd, name));
      if (!isMade) continue;
      first = path;
      keepLastFlags(work, path, group.leaf);
    }
    progress.files++;
  }
}

async function placeAnew({ settings, progress }: Work, leaf: SideLeaf, dirFd: number, name: ByteString): Promise<boolean> {
  if (leaf.kind === "node") {
    return placeNode(settings, dirFd, name, { node: leaf.node, record: leaf.record ?? { name: leaf.name } }, progress);
  }
  await placeFile(settings, dirFd, name, leaf.checksum, leaf.record, progress);
  return true;
}

async function updateKept(work: Work, path: ByteString, { leaf, from }: NewInode): Promise<void> {
  const { rootFd } = work.settings;
  const stat = tryStat(rootFd, path)!;
  if (leaf.kind === "file" && typeOf(stat.mode) === S_IFREG) {
    await opened(rootFd, path, O.RDWR | O.NOFOLLOW, (fd) => updateFile(fd, from!.leaf, leaf, work.progress));
    keepLastFlags(work, path, leaf);
  } else if (leaf.record?.time !== undefined) {
    const { time } = leaf.record;
    within(rootFd, path, (dirFd, name) => setTimeAt(dirFd, name, time));
  }
  work.progress.files++;
}

function keepLastFlags({ lastFlags }: Work, path: ByteString, { record }: SideLeaf): void {
  const flags = (record?.flags ?? 0) & LAST_FLAGS;
  if (flags !== 0) lastFlags.push({ path, flags });
}

/** False where the file system allows no more names for the file. */
function tryLink(settings: CheckoutSettings, first: ByteString, path: ByteString): boolean {
  return within(settings.rootFd, first, (fromFd, from) =>
    within(settings.rootFd, path, (dirFd, name) => {
      try {
        return replacing(settings, dirFd, name, (at) => linkAt(fromFd, from, dirFd, at));
      } catch (error) {
        if (isErrno(error, "EMLINK")) return false;
        throw error;
      }
    }),
  );
}

/** Inner folders first, when nothing happens in them any more. */
function finish({ settings: { rootFd }, observer, difference, lastFlags, progress }: Work): void {
  const folders = [...difference.changedFolders, ...difference.addedFolders].toSorted((a, b) => (a.path < b.path ? 1 : -1));
  for (const { path, folder } of folders) {
    opened(rootFd, path, FOLDER, (fd) => updateFolder(fd, folder.loadMeta(), folder.list().self, progress));
  }
  for (const { path, flags } of [...lastFlags, ...folders.map(lastFlagsOf)]) {
    if (flags === 0) continue;
    if (path === "") notice(observer, "root-flags", "the inode flags i and a of the root itself were left out");
    else opened(rootFd, path, O.RDONLY | O.NOFOLLOW | O.NONBLOCK, (fd) => void addFlags(fd, flags));
  }
}

function lastFlagsOf({ path, folder }: FolderAt): { readonly path: ByteString; readonly flags: number } {
  return { path, flags: (folder.list().self?.flags ?? 0) & LAST_FLAGS };
}

function isRegular(leaf: SideLeaf): boolean {
  if (leaf.kind !== "file") return false;
  const content = leaf.open();
  closeContent(content);
  return !isLink(content.meta);
}

function inodeOf(stat: Stat | undefined): { key: string; links: number; isRegular: boolean } | undefined {
  if (stat === undefined) return undefined;
  return { key: `${stat.inoHigh}:${stat.inoLow}`, links: stat.nlink, isRegular: typeOf(stat.mode) === S_IFREG };
}

async function nextTurn({ observer, progress }: Work): Promise<void> {
  report(observer, "checkout", { done: progress.files, bytes: progress.bytes });
  await new Promise((resolve) => setImmediate(resolve));
  throwIfCancelled(observer.signal);
}

function tryStat(rootFd: number, path: ByteString): Stat | undefined {
  if (path === "") return statFd(rootFd);
  try {
    return within(rootFd, path, tryStatAt);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** The folder that holds the path's last name, open for as long as `work` takes. */
function within<T>(rootFd: number, path: ByteString, work: (dirFd: number, name: ByteString) => T): T {
  const slash = path.lastIndexOf("/");
  const folder = path.slice(0, Math.max(slash, 0)) as ByteString;
  return opened(rootFd, folder, FOLDER, (fd) => work(fd, path.slice(slash + 1) as ByteString));
}

function opened<T>(rootFd: number, path: ByteString, flags: number, work: (fd: number) => T): T {
  const fd = openBeneath(rootFd, path, flags);
  let result: T;
  try {
    result = work(fd);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  if (result instanceof Promise) return result.finally(() => closeFd(fd)) as T;
  closeFd(fd);
  return result;
}
