/**
 * What changed between two snapshots, from the commands of `btrfs send --no-data -p A B`. The cost follows the changes: of A, only
 * what the stream mentions is looked at.
 *
 * Not in a stream, and so not in the result: subvolumes nested in the snapshots (they are empty folders there), changes of inode
 * flags alone unless it is of version 2, and where a file has holes.
 */
import type { SendCommand, StreamPart, StreamTime } from "../command.ts";
import { corruptStream, unsupportedStream } from "../failures.ts";
import type { ChangeBase, ChangeSet, StreamAspect, StreamEntryType } from "./change.ts";
import { collectChanges } from "./collect-changes.ts";
import { type Inode, type Namespace, openNamespace } from "./namespace.ts";

export interface ChangeReader {
  /** Takes the next part of the stream. Throws `corrupt` where it does not fit to A, `unsupported` for a full stream. */
  take(part: StreamPart): void;
  /** The changes, once the whole stream was taken. Throws `corrupt` before that. */
  finish(): ChangeSet;
}

export function openChangeReader(base: ChangeBase): ChangeReader {
  const names = openNamespace(base);
  let snapshots = 0;
  let isEnded = false;
  return {
    take(part) {
      if (part.kind === "end") isEnded = true;
      else if (part.kind === "subvol" || part.kind === "snapshot") {
        if (part.kind === "subvol") throw unsupportedStream("it is a whole subvolume and no difference", ONE_DIFFERENCE);
        if (++snapshots > 1) throw unsupportedStream("it has several subvolumes", ONE_DIFFERENCE);
      } else if (part.kind !== "header") apply(names, part, base);
    },
    finish() {
      if (!isEnded) throw corruptStream("its end is missing");
      dropOrphans(names, base);
      return collectChanges(names, base);
    },
  };
}

/** Removed folders that the stream has moved aside, always into the root, and never removed. */
function dropOrphans({ root }: Namespace, base: Pick<ChangeBase, "isInB">): void {
  for (const [name, slot] of root.folder!.slots) {
    const { base: before, now } = slot;
    const ino = Number(ORPHAN.exec(name)?.[1]);
    const isMovedAside = now?.base !== undefined && now !== before && now.ino === ino;
    if (isMovedAside && !base.isInB(name)) slot.now = undefined;
  }
}

const ONE_DIFFERENCE = "Send one subvolume, against its parent (btrfs send --no-data -p PARENT SUBVOLUME).";
const ORPHAN = /^o(\d+)-\d+-\d+$/;

type Change = Exclude<SendCommand, { kind: "subvol" | "snapshot" | "end" }>;

function apply(names: Namespace, command: Change, base: Pick<ChangeBase, "xattrOf">): void {
  switch (command.kind) {
    case "mkfile":
    case "mkdir":
    case "mkfifo":
    case "mksock":
    case "mknod":
    case "symlink":
      return names.create(command.path, TYPE_OF[command.kind], command.ino);
    case "rename":
      return names.rename(command.path, command.to);
    case "link":
      return names.link(command.path, command.existing);
    case "unlink":
      return names.unlink(command.path);
    case "rmdir":
      return names.removeFolder(command.path);
    case "utimes":
      return setTime(names, command);
    case "set-xattr":
    case "remove-xattr":
      return changeXattr(names.find(command.path), command, base);
    case "write":
    case "clone":
    case "truncate":
    case "update-extent":
    case "fallocate":
    case "encoded-write":
    case "chmod":
    case "chown":
    case "fileattr":
    case "enable-verity":
      names.find(command.path).what.add(ASPECT_OF[command.kind]);
  }
}

// A read alone writes the time of the last access, and a new name that of the last change.
function setTime(names: Namespace, { path, mtime }: { path: Change["path"]; mtime: StreamTime }): void {
  const inode = names.find(path);
  inode.mtime = mtime;
  inode.isTouched = true;
}

type XattrChange = Extract<SendCommand, { kind: "set-xattr" | "remove-xattr" }>;

function changeXattr(inode: Inode, command: XattrChange, base: Pick<ChangeBase, "xattrOf">): void {
  const { origin, xattrs } = inode;
  if (command.kind === "set-xattr" && origin !== undefined && !xattrs.has(command.name)) {
    const old = base.xattrOf(origin, command.name);
    if (old !== undefined && Buffer.compare(old, command.value) === 0) {
      inode.isTouched = true;
      return;
    }
  }
  inode.what.add("xattrs");
  xattrs.add(command.name);
}

const TYPE_OF: Record<"mkfile" | "mkdir" | "mkfifo" | "mksock" | "mknod" | "symlink", StreamEntryType> = {
  mkfile: "file",
  mkdir: "folder",
  mkfifo: "fifo",
  mksock: "socket",
  mknod: "device",
  symlink: "link",
};

const ASPECT_OF: Record<
  | "write"
  | "clone"
  | "truncate"
  | "update-extent"
  | "fallocate"
  | "encoded-write"
  | "chmod"
  | "chown"
  | "fileattr"
  | "enable-verity",
  StreamAspect
> = {
  write: "content",
  clone: "content",
  truncate: "content",
  "update-extent": "content",
  fallocate: "content",
  "encoded-write": "content",
  chmod: "mode",
  chown: "owner",
  fileattr: "flags",
  "enable-verity": "flags",
};
