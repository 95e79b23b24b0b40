/** Makes one of the entries that live in the sidecar alone: a device node, a FIFO, a link whose target is not UTF-8. */
import type { ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import type { EntryRecord, NodeRecord } from "../../codec/sidecar/folder-record.ts";
import { chmodAt, chownAt, setTimeAt } from "../../sys/metadata.ts";
import { makeNodeAt, symlinkAt } from "../../sys/names.ts";
import { S_IFIFO, S_IFLNK, typeOf } from "../../sys/stat.ts";
import { setXattrAt } from "../../sys/xattr.ts";
import type { CheckoutProgress, CheckoutSettings } from "./checkout-state.ts";
import { mustChown, replacing } from "./place-file.ts";

interface Special {
  readonly node: NodeRecord;
  readonly record: EntryRecord;
}

/** False where it was skipped, because only root can make it. Throws SystemError. */
export function placeNode(
  settings: CheckoutSettings,
  dirFd: number,
  name: ByteString,
  special: Special,
  progress: CheckoutProgress,
): boolean {
  const type = typeOf(special.node.mode);
  const isMade = type === S_IFIFO || type === S_IFLNK || !settings.userMode;
  if (isMade && tryPlace(settings, dirFd, name, special)) {
    progress.files++;
    return true;
  }
  progress.skippedNodes++;
  return false;
}

function tryPlace(settings: CheckoutSettings, dirFd: number, name: ByteString, special: Special): boolean {
  try {
    replacing(settings, dirFd, name, (at) => make(settings, dirFd, at, special));
    return true;
  } catch (error) {
    // A container's root may not make devices, and some file systems have none.
    if (isErrno(error, "EPERM") && error.call === "mknodat") return false;
    throw error;
  }
}

function make(settings: CheckoutSettings, dirFd: number, name: ByteString, { node, record }: Special): void {
  if (node.target !== undefined) symlinkAt(node.target, dirFd, name);
  else makeNodeAt(dirFd, name, node.mode, node.major, node.minor);
  if (!settings.userMode) {
    if (mustChown(settings, node.uid, node.gid)) chownAt(dirFd, name, node.uid, node.gid);
    for (const xattr of node.xattrs) setXattrAt(dirFd, name, xattr);
  }
  if (node.target === undefined) chmodAt(dirFd, name, settings.userMode ? node.mode & 0o777 : node.mode);
  if (record.time !== undefined) setTimeAt(dirFd, name, record.time);
}
