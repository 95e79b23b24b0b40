/** Carries out one command of a stream in an open tree. */
import type { ByteString } from "../../../base/byte-string.ts";
import type { SendCommand } from "../../../codec/btrfs-send/command.ts";
import { hostileStream, shown, unsupportedStream } from "../../../codec/btrfs-send/failures.ts";
import { unpackExtent } from "../../../codec/btrfs-send/unpack-extent.ts";
import { setTimesAt, setTimesFd } from "../../../sys/access-times.ts";
import { chmodAt, chmodFd, chownAt, chownFd } from "../../../sys/metadata.ts";
import { linkAt, makeDirAt, makeNodeAt, removeDirAt, renameAt, symlinkAt, unlinkAt } from "../../../sys/names.ts";
import { O, closeFd, openAt } from "../../../sys/open.ts";
import { S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK, statAt, typeOf } from "../../../sys/stat.ts";
import { truncateFd, writeAt } from "../../../sys/write-file.ts";
import { removeXattrAt, setXattrAt, setXattrFd } from "../../../sys/xattr.ts";
import { allocateRange, cloneRange } from "./apply-ranges.ts";
import type { OpenTree } from "./open-tree.ts";

export type TreeCommand = Exclude<SendCommand, { kind: "subvol" | "snapshot" | "end" }>;

/** The tree that a clone's source is in: this one, or another that the receiver has. Throws where there is none. */
export type FindSource = (uuid: string, ctransid: number) => OpenTree;

/** Throws SystemError where the tree is not as the stream takes it to be, `hostile` and `unsupported`. */
export function applyCommand(tree: OpenTree, command: TreeCommand, findSource: FindSource): void {
  switch (command.kind) {
    case "mkfile":
    case "mkdir":
    case "mknod":
    case "mkfifo":
    case "mksock":
    case "symlink":
      return create(tree, command);
    case "rename":
      return rename(tree, command.path, command.to);
    case "link":
      return link(tree, command.path, command.existing);
    case "unlink":
    case "rmdir":
      return remove(tree, command);
    case "set-xattr":
    case "remove-xattr":
      return changeXattr(tree, command);
    case "write":
      return writeAt(tree.fileAt(command.path), command.data, command.offset, command.path);
    case "encoded-write":
      return writeAt(tree.fileAt(command.path), unpackExtent(command), command.offset, command.path);
    case "clone":
      return cloneRange(tree, command, findSource(command.cloneUuid, command.cloneCtransid));
    case "truncate":
      return truncateFd(tree.fileAt(command.path), command.size);
    case "fallocate":
      return allocateRange(tree.fileAt(command.path), command);
    case "chmod":
    case "chown":
    case "utimes":
      return command.path === "" ? changeRoot(tree.rootFd, command) : changeEntry(tree, command);
    case "fileattr":
      // `btrfs receive` passes over them too: an immutable file could not be filled.
      return;
    case "update-extent":
      throw unsupportedStream("it tells of changes and has no data", "Send it again, without --no-data.");
    case "enable-verity":
      throw unsupportedStream("it turns on fs-verity");
  }
}

type Creation = Extract<SendCommand, { kind: "mkfile" | "mkdir" | "mknod" | "mkfifo" | "mksock" | "symlink" }>;

function create(tree: OpenTree, command: Creation): void {
  const { fd, name } = tree.placeOf(command.path);
  switch (command.kind) {
    case "mkfile":
      return closeFd(openAt(fd, name, O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, 0o600));
    case "mkdir":
      return makeDirAt(fd, name, 0o700);
    case "symlink":
      return symlinkAt(command.target, fd, name);
    case "mkfifo":
      return makeNodeAt(fd, name, S_IFIFO | 0o600, 0, 0);
    case "mksock":
      return makeNodeAt(fd, name, S_IFSOCK | 0o600, 0, 0);
    case "mknod": {
      const { rdev } = command;
      return makeNodeAt(
        fd,
        name,
        (command.mode & S_IFMT) | 0o600,
        (rdev >>> 8) & 0xfff,
        (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
      );
    }
  }
}

function rename(tree: OpenTree, path: ByteString, to: ByteString): void {
  tree.forget(path);
  tree.forget(to);
  const target = tree.placeOf(to);
  const source = tree.placeOf(path);
  renameAt(source.fd, source.name, target.fd, target.name);
}

function link(tree: OpenTree, path: ByteString, existing: ByteString): void {
  const target = tree.placeOf(path);
  const source = tree.placeOf(existing);
  linkAt(source.fd, source.name, target.fd, target.name);
}

function remove(tree: OpenTree, { kind, path }: Extract<SendCommand, { kind: "unlink" | "rmdir" }>): void {
  tree.forget(path);
  const { fd, name } = tree.placeOf(path);
  if (kind === "rmdir") removeDirAt(fd, name);
  else unlinkAt(fd, name);
}

function changeXattr(tree: OpenTree, command: Extract<SendCommand, { kind: "set-xattr" | "remove-xattr" }>): void {
  const place = command.path === "" ? { fd: tree.rootFd, name: "." as ByteString } : tree.placeOf(command.path);
  if (command.kind === "remove-xattr") return removeXattrAt(place.fd, place.name, command.name);
  const value = Buffer.from(command.value.buffer, command.value.byteOffset, command.value.length);
  if (command.path === "") setXattrFd(tree.rootFd, command.name, value);
  else setXattrAt(place.fd, place.name, { name: command.name, value });
}

type MetadataCommand = Extract<SendCommand, { kind: "chmod" | "chown" | "utimes" }>;

function changeRoot(fd: number, command: MetadataCommand): void {
  if (command.kind === "chmod") chmodFd(fd, command.mode);
  else if (command.kind === "chown") chownFd(fd, command.uid, command.gid);
  else setTimesFd(fd, command.atime, command.mtime);
}

function changeEntry(tree: OpenTree, command: MetadataCommand): void {
  const { fd, name } = tree.placeOf(command.path);
  if (command.kind === "chown") return chownAt(fd, name, command.uid, command.gid);
  if (command.kind === "utimes") return setTimesAt(fd, name, command.atime, command.mtime);
  // A link has no mode of its own, and the call would follow it.
  if (typeOf(statAt(fd, name).mode) === S_IFLNK) throw hostileStream(`it sets the mode of the link ${shown(command.path)}`);
  chmodAt(fd, name, command.mode);
}
