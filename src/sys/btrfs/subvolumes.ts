/** Making, removing and marking subvolumes, by name in an open folder. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import { failPoint } from "../fail-point.ts";
import { lastErrno, lastError } from "../native.ts";
import { IOC, TREE, ioctl } from "./ioctl.ts";

// struct btrfs_ioctl_vol_args_v2: s64 fd, u64 transid, u64 flags, four more u64, then the name or the id.
const V2_SIZE = 4096;
const V2_NAME = 56;
const V2_NAME_MOST = 4039;
// struct btrfs_ioctl_vol_args: s64 fd, then the name.
const V1_NAME = 8;
const V1_NAME_MOST = 4087;
const READ_ONLY = 2n;
const SPEC_BY_ID = 16n;

/** An empty, writable subvolume. Throws SystemError (EEXIST, ENOSPC …). */
export function createSubvolume(dirFd: number, name: ByteString): void {
  const args = v2Args(name);
  failPoint("subvolume-create", name);
  if (ioctl(dirFd, IOC.subvolCreateV2, args) < 0) throw lastError("ioctl BTRFS_IOC_SUBVOL_CREATE_V2", displayBytes(name));
}

/**
 * A snapshot of the subvolume whose root `sourceFd` is. It appears under its name complete and, where asked for, read-only. Subvolumes
 * nested in the source are empty folders in it. Throws SystemError: EEXIST, ENOSPC, ETXTBSY where a swapfile is in use …
 */
export function createSnapshot(sourceFd: number, dirFd: number, name: ByteString, options: { readonly readOnly: boolean }): void {
  const args = v2Args(name);
  args.writeBigInt64LE(BigInt(sourceFd), 0);
  if (options.readOnly) args.writeBigUInt64LE(READ_ONLY, 16);
  failPoint("snapshot-create", name);
  if (ioctl(dirFd, IOC.snapCreateV2, args) === 0) return;
  const error = lastError("ioctl BTRFS_IOC_SNAP_CREATE_V2", displayBytes(name));
  if (!isErrno(error, "ETXTBSY")) throw error;
  throw new RegrowError(
    "refused",
    `${displayBytes(name)}: no snapshot can be taken while a swapfile in the subvolume is in use.`,
    {
      path: displayBytes(name),
      hint: "Give the swapfile a subvolume of its own, or turn it off (swapoff) meanwhile.",
      cause: error,
    },
  );
}

/**
 * Takes the subvolume's name away; its space comes free later (`sync`). Throws SystemError: ENOTEMPTY where others are nested in it,
 * EPERM where it is the default one.
 */
export function destroySubvolume(dirFd: number, name: ByteString): void {
  const args = Buffer.alloc(V2_SIZE);
  putName(args, V1_NAME, V1_NAME_MOST, name);
  failPoint("subvolume-destroy", name);
  if (ioctl(dirFd, IOC.snapDestroy, args) < 0) throw lastError("ioctl BTRFS_IOC_SNAP_DESTROY", displayBytes(name));
}

/** The same by its id, wherever it is on the file system of the open folder. Linux 5.7 or newer. */
export function destroySubvolumeById(fd: number, id: bigint): void {
  const args = Buffer.alloc(V2_SIZE);
  args.writeBigUInt64LE(SPEC_BY_ID, 16);
  args.writeBigUInt64LE(id, V2_NAME);
  failPoint("subvolume-destroy", `${id}`);
  if (ioctl(fd, IOC.snapDestroyV2, args) < 0) throw lastError("ioctl BTRFS_IOC_SNAP_DESTROY_V2", `subvolume ${id}`);
}

/** Of the subvolume whose root `fd` is. Throws SystemError. */
export function isReadOnlySubvolume(fd: number): boolean {
  return (flagsOf(fd) & READ_ONLY) !== 0n;
}

/** Of the subvolume whose root `fd` is. Making a received one writable ends its use as a base of later streams. Throws SystemError. */
export function setSubvolumeReadOnly(fd: number, readOnly: boolean): void {
  const flags = flagsOf(fd);
  number.writeBigUInt64LE(readOnly ? flags | READ_ONLY : flags & ~READ_ONLY);
  failPoint("subvolume-flags");
  if (ioctl(fd, IOC.subvolSetFlags, number) < 0) throw lastError("ioctl BTRFS_IOC_SUBVOL_SETFLAGS");
}

/** Makes what is mounted where nobody says which subvolume. Throws SystemError. */
export function setDefaultSubvolume(fd: number, id: bigint): void {
  // The kernel takes 0 for the top level, and its own number for an error.
  number.writeBigUInt64LE(id === TREE.fs ? 0n : id);
  failPoint("subvolume-default");
  if (ioctl(fd, IOC.defaultSubvol, number) < 0) throw lastError("ioctl BTRFS_IOC_DEFAULT_SUBVOL", `subvolume ${id}`);
}

/** Commits all that was done to the file system: by this, removed subvolumes are gone for good. Throws SystemError. */
export function syncBtrfs(fd: number): void {
  failPoint("btrfs-sync");
  if (ioctl(fd, IOC.sync, null) < 0) throw lastError("ioctl BTRFS_IOC_SYNC");
}

function flagsOf(fd: number): bigint {
  number.writeBigUInt64LE(0n);
  if (ioctl(fd, IOC.subvolGetFlags, number) === 0) return number.readBigUInt64LE();
  const error = lastError("ioctl BTRFS_IOC_SUBVOL_GETFLAGS");
  if (lastErrno() !== "EINVAL") throw error;
  throw new RegrowError("unsupported", "The folder is no subvolume.", { cause: error });
}

const number = Buffer.alloc(8);

function v2Args(name: ByteString): Buffer {
  const args = Buffer.alloc(V2_SIZE);
  putName(args, V2_NAME, V2_NAME_MOST, name);
  return args;
}

function putName(args: Buffer, at: number, most: number, name: ByteString): void {
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name) || name.length > most) {
    throw new RegrowError("hostile", `${displayBytes(name)}: no name for a subvolume.`, { path: displayBytes(name) });
  }
  args.write(name, at, "latin1");
}
