/**
 * Performs an armed switch of a machine that doesn't run, step by step as the engine does it (docs/engine.md). It may be cut anywhere and
 * run again: until the order is put away, every step looks at what is there.
 */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { SwitchOrder } from "../../codec/switch-order.ts";
import { subvolumeIdOf } from "../../sys/btrfs/list-subvolumes.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { type Time, setTimeFd } from "../../sys/metadata.ts";
import { exchangeAt, makeDirs, removeDirAt, renameAt, tryMakeDirAt } from "../../sys/names.ts";
import { O, closeFd, tryOpenAt } from "../../sys/open.ts";
import { statFd } from "../../sys/stat.ts";

/** `topFd`: the top level of the file system. Throws `refused` where what is there is not what the order is about. */
export function performSwitch(topFd: number, order: SwitchOrder): void {
  const { name, next, nextId, currentId } = order;
  const [nameNow, nextNow] = [idAt(topFd, name), idAt(topFd, next)];
  if (nameNow === BigInt(currentId) && nextNow === BigInt(nextId)) {
    syncFileSystem(topFd);
    exchangeAt(topFd, bytesOf(name), topFd, bytesOf(next));
    syncFileSystem(topFd);
  } else if (nameNow !== BigInt(nextId)) throw otherState(order, nameNow, nextNow);
  keepReplaced(topFd, order);
  syncFileSystem(topFd);
  renameAt(topFd, bytesOf("@regrow/policy/switch"), topFd, bytesOf("@regrow/policy/switch.done"));
  syncFileSystem(topFd);
}

/** Subvolumes that were nested in the replaced root go on in the new one; the replaced root goes where it is kept. */
function keepReplaced(topFd: number, { name, next, history, currentId, nested }: SwitchOrder): void {
  if (idAt(topFd, next) === BigInt(currentId)) {
    makeDirs(topFd, history.slice(0, history.lastIndexOf("/")), 0o700);
    renameAt(topFd, bytesOf(next), topFd, bytesOf(history));
  }
  for (const path of nested) moveNested(topFd, `${history}/${path}`, `${name}/${path}`, BigInt(currentId));
}

/** Moves the subvolume at `from`, which is nested in the one with the id, to `to`. Done already, or not possible: nothing. */
export function moveNested(topFd: number, from: string, to: string, currentId: bigint): void {
  const id = idAt(topFd, from);
  // An empty folder stands there once it has been moved, or nothing.
  if (id === undefined || id === currentId) return;
  const [source, target] = [openParent(topFd, from), openParent(topFd, to)];
  try {
    // The new root may have no folder that could hold it: then it stays with the replaced one.
    if (source === undefined || target === undefined || !removePlaceholder(target.fd, target.name)) return;
    renameAt(source.fd, source.name, target.fd, target.name);
    // What a snapshot has in its place.
    tryMakeDirAt(source.fd, source.name, 0o755);
    // Both folders are as they were committed, time included.
    for (const { fd, time } of [source, target]) setTimeFd(fd, time);
  } finally {
    for (const parent of [source, target]) if (parent !== undefined) closeFd(parent.fd);
  }
}

interface Parent {
  readonly fd: number;
  readonly time: Time;
  /** Of the entry in it. */
  readonly name: ByteString;
}

function openParent(topFd: number, path: string): Parent | undefined {
  const slash = path.lastIndexOf("/");
  const fd = tryOpenAt(topFd, path.slice(0, slash), O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  if (fd < 0) return undefined;
  const { mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds } = statFd(fd);
  return { fd, time: { seconds, nanoseconds }, name: bytesOf(path.slice(slash + 1)) };
}

/** False where something else has the name. */
function removePlaceholder(parentFd: number, name: ByteString): boolean {
  try {
    removeDirAt(parentFd, name);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOTEMPTY", "ENOTDIR")) return false;
    if (isErrno(error, "ENOENT")) return true;
    throw error;
  }
}

/** The id of the subvolume that the folder at that path is in; undefined where there is nothing. */
export function idAt(topFd: number, path: string): bigint | undefined {
  const fd = tryOpenAt(topFd, path as ByteString, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  if (fd < 0) return undefined;
  try {
    return subvolumeIdOf(fd);
  } finally {
    closeFd(fd);
  }
}

function otherState({ name, next, nextId, currentId }: SwitchOrder, nameNow?: bigint, nextNow?: bigint): RegrowError {
  const shown = (id: bigint | undefined): string => (id === undefined ? "missing" : `subvolume ${id}`);
  return new RegrowError(
    "refused",
    `${name} is ${shown(nameNow)} and ${next} is ${shown(nextNow)}; expected were ${currentId} and ${nextId}. Nothing was switched.`,
    { path: name, hint: "Somebody has changed them by hand. Take the order back with `regrow undo`, and begin again." },
  );
}
