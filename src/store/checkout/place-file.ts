/**
 * Puts one file of a commit into an open folder: by hard link to the repository, by shared blocks, or by copying, with all
 * the metadata that the commit and its sidecar know.
 */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { isLink } from "../../codec/ostree/content.ts";
import type { EntryRecord, Stretch } from "../../codec/sidecar/folder-record.ts";
import { writtenExtents } from "../../sys/holes.ts";
import { chmodFd, chownAt, chownFd, setTimeAt, setTimeFd } from "../../sys/metadata.ts";
import { renameAt, symlinkAt, tryLinkAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { setXattrAt, setXattrFd } from "../../sys/xattr.ts";
import { cloneFile, truncateFd, writeAt } from "../../sys/write-file.ts";
import { closeContent, hashContent, openContent, streamPayload } from "../content/content-format.ts";
import type { OpenContent } from "../content/open-content.ts";
import { MEMORY_LIMIT, isZero, writePayload } from "../content/payload.ts";
import { damagedObject, objectFile } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import type { CheckoutProgress, CheckoutSettings } from "./checkout-state.ts";
import { LAST_FLAGS, addFlags } from "./put-flags.ts";
import { unfinishedName } from "./union-folder.ts";

const CLONE_LEAST = 4096;
const NOTHING = Buffer.alloc(0);

/** Throws `corrupt`, `unsupported` (hard links that can't be), SystemError. A promise only for large packed files. */
export function placeFile(
  settings: CheckoutSettings,
  dirFd: number,
  name: ByteString,
  checksum: Checksum,
  record: EntryRecord | undefined,
  progress: CheckoutProgress,
): void | Promise<void> {
  if (settings.hardlink && tryHardlink(settings, dirFd, name, checksum)) return;
  const content = openContent(settings.repository, checksum);
  if (!settings.verify) return place(settings, dirFd, name, content, record, progress);
  return verifyAndPlace(settings, dirFd, name, checksum, content, record, progress);
}

async function verifyAndPlace(
  settings: CheckoutSettings,
  dirFd: number,
  name: ByteString,
  checksum: Checksum,
  content: OpenContent,
  record: EntryRecord | undefined,
  progress: CheckoutProgress,
): Promise<void> {
  if ((await hashContent(content)) !== checksum) {
    closeContent(content);
    throw damagedObject(settings.repository, "file", checksum, "its content does not match its checksum");
  }
  await place(settings, dirFd, name, content, record, progress);
}

function place(
  settings: CheckoutSettings,
  dirFd: number,
  name: ByteString,
  content: OpenContent,
  record: EntryRecord | undefined,
  progress: CheckoutProgress,
): void | Promise<void> {
  progress.bytes += content.size;
  if (isLink(content.meta)) {
    replacing(settings, dirFd, name, (at) => makeLink(settings, dirFd, at, content, record));
    return;
  }
  const at = settings.union ? unfinishedName() : name;
  const fd = openNew(settings, dirFd, at, content);
  // Closed once and never again: the number may be another thread's by then.
  const close = (): void => {
    closeContent(content);
    closeFd(fd);
  };
  const done = (): void => {
    finishFile(settings, fd, content, record);
    if (at !== name) renameAt(dirFd, at, dirFd, name);
    close();
  };
  const failed = (error: unknown): never => {
    if (at !== name) tryUnlinkAt(dirFd, at);
    close();
    throw error;
  };
  let writing: void | Promise<void> = undefined;
  try {
    // +C counts only on a file that is still empty.
    addFlags(fd, (record?.flags ?? 0) & ~LAST_FLAGS, progress);
    writing = writeContentInto(fd, content, record);
    if (writing === undefined) done();
  } catch (error) {
    failed(error);
  }
  return writing?.then(done).catch(failed);
}

function openNew(settings: CheckoutSettings, dirFd: number, name: ByteString, content: OpenContent): number {
  try {
    return openAt(dirFd, name, O.WRONLY | O.CREAT | O.EXCL, settings.userMode ? userFileMode(content.meta.mode) : 0o600);
  } catch (error) {
    closeContent(content);
    throw error;
  }
}

/** Into an empty open file, with its holes. */
export function writeContentInto(fd: number, content: OpenContent, record: EntryRecord | undefined): void | Promise<void> {
  const { data } = record ?? {};
  if (content.size === 0) return;
  if (data !== undefined) return writeStretches(fd, content, data);
  if (!content.deflated && content.size > CLONE_LEAST && shareBlocks(fd, content, record)) return;
  return writeDense(fd, content);
}

/** By sharing, or copying them inside the kernel. False where the bytes have to be written, into a file that is empty still. */
function shareBlocks(fd: number, content: OpenContent, record: EntryRecord | undefined): boolean {
  // The sidecar knows that the file had no holes: those of the object are not to come along.
  const isAsMeant = (): boolean => record === undefined || writtenExtents(content.fd, content.size) === undefined;
  if (cloneFile(fd, content.fd) === "cloned") {
    if (isAsMeant()) return true;
    truncateFd(fd, 0);
    return false;
  }
  if (content.size <= MEMORY_LIMIT || !isAsMeant()) return false;
  writePayload(fd, { kind: "file", fd: content.fd, size: content.size });
  return true;
}

function writeDense(fd: number, content: OpenContent): void | Promise<void> {
  let position = 0;
  const streamed = streamPayload(content, (piece) => {
    writeAt(fd, piece, position);
    position += piece.length;
  });
  if (streamed !== undefined) return streamed;
  if (position !== content.size) throw new RegrowError("corrupt", "An object ended too early.");
}

/** Holes are a hint: where the content has something in place of one, the content counts. */
function writeStretches(fd: number, content: OpenContent, stretches: readonly Stretch[]): void | Promise<void> {
  let at = 0;
  let index = 0;
  const streamed = streamPayload(content, (piece) => {
    const start = at;
    while (at < start + piece.length) {
      const { offset, length } = stretches[index] ?? { offset: Infinity, length: 0 };
      const isData = offset <= at;
      const end = Math.min(start + piece.length, isData ? offset + length : offset);
      const part = piece.subarray(at - start, end - start);
      if (isData || !isZero(part)) writeAt(fd, part, at);
      if (isData && end === offset + length) index++;
      at = end;
    }
  });
  if (streamed === undefined) return truncateFd(fd, content.size);
  return streamed.then(() => truncateFd(fd, content.size));
}

function finishFile(settings: CheckoutSettings, fd: number, { meta }: OpenContent, record: EntryRecord | undefined): void {
  if (settings.userMode) chmodFd(fd, userFileMode(meta.mode));
  else {
    if (mustChown(settings, meta.uid, meta.gid)) chownFd(fd, meta.uid, meta.gid);
    for (const xattr of meta.xattrs) setXattrFd(fd, xattr.name, xattr.value);
    for (const name of record?.emptyXattrs ?? []) setXattrFd(fd, name, NOTHING);
    if ((meta.mode & 0o7777) !== 0o600) chmodFd(fd, meta.mode);
  }
  if (record?.time !== undefined) setTimeFd(fd, record.time);
}

function makeLink(
  settings: CheckoutSettings,
  dirFd: number,
  name: ByteString,
  { meta }: OpenContent,
  record: EntryRecord | undefined,
): void {
  symlinkAt(meta.target, dirFd, name);
  if (!settings.userMode) {
    if (mustChown(settings, meta.uid, meta.gid)) chownAt(dirFd, name, meta.uid, meta.gid);
    for (const xattr of meta.xattrs) setXattrAt(dirFd, name, xattr);
    for (const xattr of record?.emptyXattrs ?? []) setXattrAt(dirFd, name, { name: xattr, value: NOTHING });
  }
  if (record?.time !== undefined) setTimeAt(dirFd, name, record.time);
}

/** As ostree does it: a user's own setuid program would be somebody else than meant, and what can't be read is of no use. */
function userFileMode(mode: number): number {
  return (mode & 0o1777) | 0o400;
}

/** Whether a new file's owner differs from what the kernel gave it. */
export function mustChown(settings: CheckoutSettings, uid: number, gid: number): boolean {
  return settings.inheritsGroup || uid !== settings.uid || gid !== settings.gid;
}

function tryHardlink(settings: CheckoutSettings, dirFd: number, name: ByteString, checksum: Checksum): boolean {
  const object = objectFile(settings.repository, "file", checksum);
  try {
    // The kernel says which of the repositories has it; to ask before would look up each name twice.
    for (let from: Repository | undefined = settings.repository; from !== undefined; from = from.parent) {
      const { objectsFd, config } = from;
      // A parent of another mode keeps files that are not what the commit means.
      if (config.mode !== settings.repository.config.mode) continue;
      if (replacing(settings, dirFd, name, (at) => tryLinkAt(objectsFd, object, dirFd, at))) return true;
    }
    return false;
  } catch (error) {
    // A file system allows only so many names for one file; a copy is as good.
    if (isErrno(error, "EMLINK")) return false;
    if (!isErrno(error, "EXDEV", "EPERM")) throw error;
    throw new RegrowError("unsupported", `${displayBytes(name)}: can't be a hard link to the repository: ${error.message}`, {
      hint: "Hard links need the target on the repository's own file system; check out without -H to copy.",
      cause: error,
    });
  }
}

/** In a union, makes the entry under another name and renames it over what is there. False where `make` says that it made none. */
export function replacing(
  settings: CheckoutSettings,
  dirFd: number,
  name: ByteString,
  make: (at: ByteString) => void | boolean,
): boolean {
  if (!settings.union) return make(name) !== false;
  const at = unfinishedName();
  try {
    if (make(at) === false) return false;
    renameAt(dirFd, at, dirFd, name);
  } catch (error) {
    tryUnlinkAt(dirFd, at);
    throw error;
  }
  // Two names of one file: rename leaves both.
  tryUnlinkAt(dirFd, at);
  return true;
}
