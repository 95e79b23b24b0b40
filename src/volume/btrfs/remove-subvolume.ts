/**
 * Removing a subvolume with those that are nested in it, the innermost first, read-only ones too. What is nested is found in the file
 * system's own tree and reached from the subvolume itself, so nothing that is mounted in between is taken for it.
 */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import { subvolumeInfo } from "../../sys/btrfs.ts";
import {
  type Subvolume,
  defaultSubvolume,
  listSubvolumes,
  pathOfSubvolume,
  subvolumeIdOf,
} from "../../sys/btrfs/list-subvolumes.ts";
import { destroySubvolume, isReadOnlySubvolume, setSubvolumeReadOnly } from "../../sys/btrfs/subvolumes.ts";
import { LAST_FLAGS, dropLastFlags } from "../../sys/inode-flags.ts";
import { getFlags } from "../../sys/metadata.ts";
import { renameAt } from "../../sys/names.ts";
import { O, closeFd, openAt, openBeneath } from "../../sys/open.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** Throws `unsupported` where the name is no subvolume, `refused` for the default one, SystemError: EPERM where it is in use. */
export function removeSubvolumeTree(folderFd: number, name: ByteString): void {
  inSubvolume(folderFd, name, (fd) => {
    for (const nested of nestedIn(fd)) removeNested(fd, nested);
  });
  destroyAt(folderFd, name);
}

/** Whether others are nested in it, so that it can't go in one step. Throws as `removeSubvolumeTree` does. */
export function hasNested(folderFd: number, name: ByteString): boolean {
  return inSubvolume(folderFd, name, (fd) => nestedIn(fd).length > 0);
}

/** Within one folder, where a read-only subvolume can be renamed as well, even one whose root is marked immutable. */
export function renameForRemoval(folderFd: number, name: ByteString, to: ByteString): void {
  withoutLastFlags(folderFd, name, () => renameAt(folderFd, name, folderFd, to));
}

interface Nested {
  readonly path: ByteString;
  readonly id: bigint;
  /** Of the subvolume that it is nested in, from the root of the outermost; "" is that root. */
  readonly container: ByteString;
}

/** All below the open root of a subvolume, the innermost first. */
function nestedIn(fd: number): Nested[] {
  const rootId = subvolumeIdOf(fd);
  const root = pathOfSubvolume(fd, rootId);
  const all = new Map(listSubvolumes(fd).map((one) => [one.id, one]));
  const isBelow = ({ parentId }: Subvolume): boolean => {
    if (parentId === rootId) return true;
    const parent = all.get(parentId);
    return parent !== undefined && isBelow(parent);
  };
  const below = [...all.values()].filter(isBelow);
  refuseDefault(fd, [rootId, ...below.map(({ id }) => id)]);
  const inRoot = (path: ByteString): ByteString => path.slice(root === "" ? 0 : root.length + 1) as ByteString;
  return below
    .map(({ id, path, parentId }) => ({ id, path: inRoot(path), container: inRoot(all.get(parentId)?.path ?? root) }))
    .toSorted((a, b) => b.path.split("/").length - a.path.split("/").length);
}

function refuseDefault(fd: number, ids: readonly bigint[]): void {
  const id = defaultSubvolume(fd);
  if (!ids.includes(id)) return;
  const path = displayBytes(pathOfSubvolume(fd, id));
  throw new RegrowError("refused", `${path}: is the subvolume that is mounted by default.`, {
    path,
    hint: "Make another one the default first (btrfs subvolume set-default).",
  });
}

function removeNested(rootFd: number, { path, id, container }: Nested): void {
  const containerFd = openBeneath(rootFd, container, FOLDER);
  try {
    if (isReadOnlySubvolume(containerFd)) setSubvolumeReadOnly(containerFd, false);
  } finally {
    closeFd(containerFd);
  }
  const slash = path.lastIndexOf("/");
  const folderFd = openBeneath(rootFd, path.slice(0, Math.max(slash, 0)) as ByteString, FOLDER);
  try {
    const name = path.slice(slash + 1) as ByteString;
    inSubvolume(folderFd, name, (fd) => refuseOther(fd, id, path));
    dropLastFlags(folderFd);
    destroyAt(folderFd, name);
  } finally {
    closeFd(folderFd);
  }
}

function refuseOther(fd: number, id: bigint, path: ByteString): void {
  if (subvolumeIdOf(fd) === id) return;
  const shown = displayBytes(path);
  throw new RegrowError("refused", `${shown}: something else is mounted over the nested subvolume.`, {
    path: shown,
    hint: "Unmount it first.",
  });
}

function destroyAt(folderFd: number, name: ByteString): void {
  withoutLastFlags(folderFd, name, () => destroySubvolume(folderFd, name));
}

/** The flags can be taken away only where the subvolume is writable. */
function withoutLastFlags(folderFd: number, name: ByteString, change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!isErrno(error, "EPERM")) throw error;
    inSubvolume(folderFd, name, (fd) => {
      if ((getFlags(fd) & LAST_FLAGS) === 0) throw error;
      if (isReadOnlySubvolume(fd)) setSubvolumeReadOnly(fd, false);
      dropLastFlags(fd);
    });
    change();
  }
}

function inSubvolume<T>(folderFd: number, name: ByteString, work: (fd: number) => T): T {
  const fd = openAt(folderFd, name, FOLDER);
  try {
    if (subvolumeInfo(fd) === undefined) throw noSubvolume(name);
    return work(fd);
  } finally {
    closeFd(fd);
  }
}

function noSubvolume(name: ByteString): RegrowError {
  const path = displayBytes(name);
  return new RegrowError("unsupported", `${path}: is no subvolume.`, { path, hint: "A plain folder is removed with rm -r." });
}
