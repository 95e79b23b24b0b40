/**
 * What a btrfs file system tells of itself by ioctl, from its own trees. Needs CAP_SYS_ADMIN. The structures hold their buffers, so
 * that no pointer has to be passed.
 */
import type { ByteString } from "../base/byte-string.ts";
import { isErrno } from "../base/errors.ts";
import { IOC, ITEM, ioctl, uuidAt } from "./btrfs/ioctl.ts";
import { searchTree } from "./btrfs/tree-search.ts";
import { lastError } from "./native.ts";
import { CWD } from "./open.ts";
import { readFileAt } from "./read-file.ts";
import { statFd } from "./stat.ts";

const SUBVOL_INFO_SIZE = 504;
const ROOT_RDONLY = 1;
/** The inode of each subvolume's root. */
const FIRST_FREE_INO = 256;

/** All paths, from the root of the subvolume that `fd` is open in, of the file with this inode number. Throws SystemError. */
export function namesOfInode(fd: number, ino: number): ByteString[] {
  const names: ByteString[] = [];
  const folders = new Map<bigint, ByteString>();
  for (const { parent, name } of referencesOf(fd, ino)) {
    const folder = folders.get(parent) ?? pathOfFolder(fd, parent);
    folders.set(parent, folder);
    names.push(`${folder}${name}` as ByteString);
  }
  return names;
}

export interface SubvolumeInfo {
  readonly id: bigint;
  readonly isReadOnly: boolean;
  /** 32 hexadecimal digits, as the next two; undefined where there is none. */
  readonly uuid: string | undefined;
  /** Of what it was made a snapshot of. */
  readonly parentUuid: string | undefined;
  /** Of the subvolume elsewhere from which it was received. */
  readonly receivedUuid: string | undefined;
  /** The transaction that changed anything in it last (`ctransid`); of what is written at this moment, once it is on the disk. */
  readonly changedIn: bigint;
}

/**
 * Of the subvolume whose root `fd` is (BTRFS_IOC_GET_SUBVOL_INFO, linux/btrfs.h); undefined where it is the root of none, or on another
 * file system. Needs no privilege.
 */
export function subvolumeInfo(fd: number): SubvolumeInfo | undefined {
  const { inoHigh, inoLow } = statFd(fd);
  if (inoHigh !== 0 || inoLow !== FIRST_FREE_INO) return undefined;
  const info = Buffer.alloc(SUBVOL_INFO_SIZE);
  if (ioctl(fd, IOC.getSubvolInfo, info) < 0) return undefined;
  return {
    id: info.readBigUInt64LE(0),
    isReadOnly: (info.readUInt32LE(288) & ROOT_RDONLY) !== 0,
    uuid: uuidAt(info, 296),
    parentUuid: uuidAt(info, 312),
    receivedUuid: uuidAt(info, 328),
    changedIn: info.readBigUInt64LE(344),
  };
}

/** The newest version of send streams that the running kernel writes. */
export function sendStreamVersion(): number {
  try {
    return Number(readFileAt(CWD, "/sys/fs/btrfs/features/send_stream_version").toString("latin1").trim());
  } catch (error) {
    // Older kernels have no such file.
    if (isErrno(error, "ENOENT")) return 1;
    throw error;
  }
}

interface Reference {
  readonly parent: bigint;
  readonly name: ByteString;
}

/** Which folders name the inode: items of a few names each, of two forms. */
function* referencesOf(fd: number, ino: number): Generator<Reference> {
  const object = BigInt(ino);
  const range = { tree: 0n, objects: [object, object], types: [ITEM.inodeRef, ITEM.inodeExtref] } as const;
  for (const { type, offset, data } of searchTree(fd, range))
    yield* type === ITEM.inodeRef ? plainReferences(data, offset) : extendedReferences(data);
}

function* plainReferences(data: Buffer, parent: bigint): Generator<Reference> {
  for (let at = 0; at < data.length;) {
    const end = at + 10 + data.readUInt16LE(at + 8);
    yield { parent, name: data.toString("latin1", at + 10, end) as ByteString };
    at = end;
  }
}

function* extendedReferences(data: Buffer): Generator<Reference> {
  for (let at = 0; at < data.length;) {
    const end = at + 18 + data.readUInt16LE(at + 16);
    yield { parent: data.readBigUInt64LE(at), name: data.toString("latin1", at + 18, end) as ByteString };
    at = end;
  }
}

/** With a slash at its end; "" is the root. */
function pathOfFolder(fd: number, ino: bigint): ByteString {
  const lookup = Buffer.alloc(4096);
  lookup.writeBigUInt64LE(ino, 8);
  if (ioctl(fd, IOC.inoLookup, lookup) < 0) throw lastError("ioctl BTRFS_IOC_INO_LOOKUP");
  return lookup.toString("latin1", 16, lookup.indexOf(0, 16)) as ByteString;
}
