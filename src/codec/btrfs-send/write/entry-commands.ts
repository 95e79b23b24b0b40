/** The commands that make one entry what it should be. */
import type { ByteString } from "../../../base/byte-string.ts";
import { RegrowError } from "../../../base/errors.ts";
import type { SendCommand, StreamVersion } from "../command.ts";
import { shown, unsupportedStream } from "../failures.ts";
import { type FilePiece, type TreeEntry, TYPE_MASK } from "./tree-entry.ts";

export type Commands = Iterable<SendCommand> | AsyncIterable<SendCommand>;

/** An attribute of a folder that decides about what is made in it. */
export const DEFAULT_ACL = "system.posix_acl_default" as ByteString;

// Version 1 has 64 KiB for a command; later ones as much as btrfs packs into one extent.
const MOST_DATA = { 1: 48 * 1024, 2: 128 * 1024, 3: 128 * 1024 } as const;

/** A new entry, without content and metadata. `ino` is of no meaning to a receiver. */
export function creationOf(entry: TreeEntry, ino: number): SendCommand {
  const { path, mode, target, rdev = 0, sameAs } = entry;
  if (sameAs !== undefined) return { kind: "link", path, existing: sameAs };
  switch (mode & TYPE_MASK) {
    case 0o100000:
      return { kind: "mkfile", path, ino };
    case 0o040000:
      return { kind: "mkdir", path, ino };
    case 0o120000:
      return { kind: "symlink", path, ino, target: target! };
    case 0o010000:
      return { kind: "mkfifo", path, ino, rdev: 0, mode };
    case 0o140000:
      return { kind: "mksock", path, ino, rdev: 0, mode };
    case 0o020000:
    case 0o060000:
      return { kind: "mknod", path, ino, rdev, mode };
    default:
      throw unsupportedStream(`${shown(path)} has a mode of no known type (${mode.toString(8)})`);
  }
}

/** The content of a regular file that is empty so far; nothing for others. Throws `torn` where it does not fit to the size. */
export async function* contentOf(entry: TreeEntry, version: StreamVersion): AsyncGenerator<SendCommand, void, undefined> {
  const { path, size = 0, read } = entry;
  let end = 0;
  for await (const { offset, data } of read?.() ?? NOTHING) {
    for (let at = 0; at < data.length; at += MOST_DATA[version]) {
      yield { kind: "write", path, offset: offset + at, data: data.subarray(at, at + MOST_DATA[version]) };
    }
    end = Math.max(end, offset + data.length);
  }
  if (end > size) throw new RegrowError("torn", `${shown(path)} has become longer while it was read.`, { path: shown(path) });
  if (end < size) yield { kind: "truncate", path, size };
}

/**
 * What makes the metadata of `before` (or of a new entry) those of `entry`, but for the times. `isRewritten`: it has been written to,
 * so that the kernel may have taken its privileges away.
 */
export function* metadataOf(
  entry: TreeEntry,
  before: TreeEntry | undefined,
  isRewritten: boolean,
): Generator<SendCommand, void, undefined> {
  const { path, mode, uid, gid } = entry;
  const isLink = (mode & TYPE_MASK) === 0o120000;
  const isOwned = before !== undefined && before.uid === uid && before.gid === gid;
  if (!isOwned) yield { kind: "chown", path, uid, gid };
  // A new owner takes setuid away.
  if (!isLink && (!isOwned || before.mode !== mode)) yield { kind: "chmod", path, mode: mode & 0o7777 };
  const isWhole = before !== undefined && isOwned && !isRewritten;
  for (const { name, value } of entry.xattrs) {
    const old = isWhole ? before.xattrs.find((xattr) => xattr.name === name) : undefined;
    if (old === undefined || Buffer.compare(old.value, value) !== 0) yield { kind: "set-xattr", path, name, value };
  }
}

/** Attributes that are no more; to be written first, for some go by themselves later. */
export function* lostXattrs(entry: TreeEntry, before: TreeEntry): Generator<SendCommand, void, undefined> {
  for (const { name } of before.xattrs) {
    if (!entry.xattrs.some((xattr) => xattr.name === name)) yield { kind: "remove-xattr", path: entry.path, name };
  }
}

export function timesOf({ path, mtime, atime = mtime }: TreeEntry, version: StreamVersion): SendCommand {
  return { kind: "utimes", path, atime, mtime, ctime: mtime, ...(version === 1 ? {} : { otime: mtime }) };
}

const NOTHING: readonly FilePiece[] = [];
