/**
 * Content as plain files: the modes bare (true owner, permissions and attributes), bare-user (these in the attribute
 * `user.ostreemeta`) and bare-user-only (canonical permissions, nothing else). Regular files carry the time 0.
 */
import { type ByteString, bufferOf, bytesFromBuffer, EMPTY } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { type ContentMeta, decodeBareUserMeta, encodeBareUserMeta, isLink } from "../../codec/ostree/content.ts";
import { isSorted } from "../../codec/ostree/xattrs.ts";
import { chmodFd, chownAt, chownFd, setTimeFd } from "../../sys/metadata.ts";
import { symlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readAt, readLinkAt } from "../../sys/read-file.ts";
import { type Stat, S_IFLNK, S_IFREG, tryStatAt, typeOf } from "../../sys/stat.ts";
import { getXattrFd, readXattrsAt, readXattrsFd, setXattrAt, setXattrFd } from "../../sys/xattr.ts";
import { writeAt } from "../../sys/write-file.ts";
import { type Payload, writePayload } from "./payload.ts";
import type { ContentTarget, OpenContent } from "./open-content.ts";
import { isHashedXattr } from "../xattr-filter.ts";

const OSTREEMETA = "user.ostreemeta";
const EPOCH = { seconds: 0, nanoseconds: 0 };
const NO_XATTRS: ContentMeta["xattrs"] = [];

/** Writes a new object of mode bare under `name`. Throws `unsupported` where attributes or a link's mode can't be kept. */
export function writeBare(target: ContentTarget, name: string, meta: ContentMeta, payload: Payload): void {
  if (isLink(meta)) return writeLink(target, name, meta);
  withNewFile(target, name, meta.mode & 0o777, (fd) => {
    writePayload(fd, payload, target.room);
    finishBare(fd, meta, meta.mode & 0o777 & ~target.umask);
  });
}

/** Gives a new regular file the metadata of an object of mode bare; `mode` is what it has now. */
export function finishBare(fd: number, meta: ContentMeta, mode: number): void {
  refuseOddXattrs(meta);
  // The attributes may need a writable file, and security.capability is lost by a later chown: the order matters.
  const owned = meta.uid !== process.geteuid!() || meta.gid !== process.getegid!();
  if (owned) chownFd(fd, meta.uid, meta.gid);
  for (const xattr of meta.xattrs) setXattrFd(fd, xattr.name, xattr.value);
  if (owned || (meta.mode & 0o7777) !== mode) chmodFd(fd, meta.mode);
  setTimeFd(fd, EPOCH);
}

/** Writes a new object of mode bare-user under `name`. */
export function writeBareUser(target: ContentTarget, name: string, meta: ContentMeta, payload: Payload): void {
  withNewFile(target, name, 0o600, (fd) => {
    if (isLink(meta)) writeAt(fd, Buffer.concat([bufferOf(meta.target), Buffer.alloc(1)]), 0);
    else writePayload(fd, payload, target.room);
    finishBareUser(fd, meta);
  });
}

/** Gives a new file the metadata of an object of mode bare-user. */
export function finishBareUser(fd: number, meta: ContentMeta): void {
  setXattrFd(fd, OSTREEMETA, encodeBareUserMeta(meta));
  chmodFd(fd, isLink(meta) ? 0o644 : (meta.mode & 0o775) | 0o400);
  setTimeFd(fd, EPOCH);
}

/** Writes a new object of mode bare-user-only under `name`. Throws `unsupported` where the metadata isn't canonical. */
export function writeBareUserOnly(target: ContentTarget, name: string, meta: ContentMeta, payload: Payload): void {
  refuseUncanonical(meta);
  if (isLink(meta)) refuseOddLink(meta);
  if (isLink(meta)) return symlinkAt(meta.target, target.dirFd, name);
  withNewFile(target, name, meta.mode & 0o777, (fd) => {
    writePayload(fd, payload, target.room);
    finishBareUserOnly(fd, meta);
  });
}

/** Gives a new regular file the metadata of an object of mode bare-user-only. Throws `unsupported`. */
export function finishBareUserOnly(fd: number, meta: ContentMeta): void {
  refuseUncanonical(meta);
  chmodFd(fd, meta.mode);
  setTimeFd(fd, EPOCH);
}

/** Opens an object of mode bare. Undefined where there is none. */
export function openBare(objectsFd: number, name: string): OpenContent | undefined {
  const stat = tryStatAt(objectsFd, name);
  if (stat === undefined) return undefined;
  if (typeOf(stat.mode) === S_IFLNK) {
    const xattrs = readXattrsAt(objectsFd, name as ByteString).filter((xattr) => isHashedXattr(xattr.name));
    return linkContent({ ...ownership(stat), target: readLinkAt(objectsFd, name), xattrs });
  }
  const fd = openRegular(objectsFd, name, stat);
  const xattrs = readXattrsFd(fd);
  const hashed = xattrs.length === 0 ? xattrs : xattrs.filter((xattr) => isHashedXattr(xattr.name));
  return { meta: { ...ownership(stat), target: EMPTY, xattrs: hashed }, size: stat.size, fd, start: 0, deflated: false };
}

/** Opens an object of mode bare-user. Undefined where there is none. */
export function openBareUser(objectsFd: number, name: string): OpenContent | undefined {
  const stat = tryStatAt(objectsFd, name);
  if (stat === undefined) return undefined;
  const fd = openRegular(objectsFd, name, stat);
  try {
    const raw = getXattrFd(fd, OSTREEMETA);
    if (raw === undefined) throw damaged(name, `the attribute ${OSTREEMETA} is missing`);
    const meta = decodeBareUserMeta(raw);
    if (typeOf(meta.mode) === S_IFREG)
      return { meta: { ...meta, target: EMPTY }, size: stat.size, fd, start: 0, deflated: false };
    if (typeOf(meta.mode) !== S_IFLNK) throw damaged(name, "it is neither a file nor a link");
    const target = readTarget(fd, stat.size, name);
    closeFd(fd);
    return linkContent({ ...meta, target });
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** Opens an object of mode bare-user-only. Undefined where there is none. */
export function openBareUserOnly(objectsFd: number, name: string): OpenContent | undefined {
  const stat = tryStatAt(objectsFd, name);
  if (stat === undefined) return undefined;
  const meta = { uid: 0, gid: 0, mode: stat.mode, target: EMPTY, xattrs: NO_XATTRS };
  if (typeOf(stat.mode) === S_IFLNK) return linkContent({ ...meta, target: readLinkAt(objectsFd, name) });
  return { meta, size: stat.size, fd: openRegular(objectsFd, name, stat), start: 0, deflated: false };
}

function writeLink(target: ContentTarget, name: string, meta: ContentMeta): void {
  refuseOddLink(meta);
  refuseOddXattrs(meta);
  symlinkAt(meta.target, target.dirFd, name);
  if (meta.uid !== process.geteuid!() || meta.gid !== process.getegid!()) chownAt(target.dirFd, name, meta.uid, meta.gid);
  for (const xattr of meta.xattrs) setXattrAt(target.dirFd, name as ByteString, xattr);
}

function withNewFile(target: ContentTarget, name: string, mode: number, fill: (fd: number) => void): void {
  const fd = openAt(target.dirFd, name, O.WRONLY | O.CREAT | O.EXCL, mode);
  try {
    fill(fd);
  } finally {
    closeFd(fd);
  }
}

function openRegular(objectsFd: number, name: string, stat: Stat): number {
  if (typeOf(stat.mode) !== S_IFREG) throw damaged(name, "it is neither a file nor a link");
  return openAt(objectsFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
}

function readTarget(fd: number, size: number, name: string): ByteString {
  if (size < 2 || size > 65536) throw damaged(name, "its link target has an impossible length");
  const data = Buffer.alloc(size);
  if (readAt(fd, data, 0, size, 0) !== size || data.indexOf(0) !== size - 1) throw damaged(name, "its link target is broken");
  return bytesFromBuffer(data, 0, size - 1);
}

function ownership(stat: Stat): { uid: number; gid: number; mode: number } {
  return { uid: stat.uid, gid: stat.gid, mode: stat.mode };
}

function linkContent(meta: ContentMeta): OpenContent {
  return { meta, size: 0, fd: -1, start: 0, deflated: false };
}

/** What stands on the disk would be another object. */
function refuseOddLink({ mode }: ContentMeta): void {
  if ((mode & 0o7777) === 0o777) return;
  throw new RegrowError("unsupported", "A symbolic link with permissions of its own can't be kept as a symbolic link.", {
    hint: "Use a repository of mode archive or bare-user.",
  });
}

/** A file system keeps a set: what is not in order would come back as another object. ostree writes it, and its fsck then finds damage. */
function refuseOddXattrs({ xattrs }: ContentMeta): void {
  if (isSorted(xattrs)) return;
  throw new RegrowError("unsupported", "Mode bare can't keep attributes that are out of order or named twice.", {
    hint: "Use a repository of mode archive or bare-user.",
  });
}

function refuseUncanonical(meta: ContentMeta): void {
  const permissions = isLink(meta) ? 0 : meta.mode & 0o7777 & ~0o775;
  if (meta.uid === 0 && meta.gid === 0 && meta.xattrs.length === 0 && permissions === 0) return;
  throw new RegrowError(
    "unsupported",
    "A repository of mode bare-user-only keeps no owners, attributes or special permissions.",
    {
      hint: "Commit with --canonical-permissions, or use a repository of mode bare-user.",
    },
  );
}

function damaged(name: string, reason: string): RegrowError {
  return new RegrowError("corrupt", `objects/${name}: the object is damaged: ${reason}.`, { path: `objects/${name}` });
}
