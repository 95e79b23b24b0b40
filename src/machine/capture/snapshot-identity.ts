/**
 * Whether a snapshot that stands beside a commit is still the tree that was committed. Its folder carries the subvolume's UUID and the
 * transaction that changed anything in it last (`ctransid`), which stays as it is through balance, snapshots of it and being made writable, and
 * moves with the first change inside. What does not fit is no base for anything: the tree is in the repository.
 */
import { subvolumeInfo } from "../../sys/btrfs.ts";
import { getXattrFd, setXattrFd } from "../../sys/xattr.ts";

const ATTRIBUTE = "trusted.regrow.snapshot";

/** Before the folder gets its final name; what was written into the snapshot is on the disk. Throws SystemError. */
export function markSnapshot(folderFd: number, rootFd: number): void {
  setXattrFd(folderFd, ATTRIBUTE, Buffer.from(identityOf(rootFd) ?? ""));
}

/** False also for a snapshot that can be written to at this moment, and one that was never marked. Throws SystemError. */
export function isUnaltered(folderFd: number, rootFd: number): boolean {
  const identity = identityOf(rootFd);
  return identity !== undefined && getXattrFd(folderFd, ATTRIBUTE)?.toString("latin1") === identity;
}

function identityOf(rootFd: number): string | undefined {
  const info = subvolumeInfo(rootFd);
  return info?.isReadOnly === true ? `${info.uuid} ${info.changedIn}` : undefined;
}
