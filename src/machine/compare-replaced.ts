/** A file that took another's name, looked at in both trees: programs replace files by others that may be the same but for their inode. */
import { createHash } from "node:crypto";
import type { ByteString } from "../base/byte-string.ts";
import type { Aspect } from "../store/diff/change.ts";
import { O, closeFd, openAt, openBeneath } from "../sys/open.ts";
import { readAt, readLinkAt } from "../sys/read-file.ts";
import { S_IFDIR, S_IFLNK, S_IFREG, type Stat, statAt, typeOf } from "../sys/stat.ts";
import { readXattrsAt } from "../sys/xattr.ts";

const CHUNK = 1024 * 1024;

/** In which respects what is at `path` differs; none where it is the same. A folder is compared without what is in it. Throws SystemError. */
export function compareReplaced(beforeFd: number, afterFd: number, path: ByteString): Aspect[] {
  const [before, after] = [lookAt(beforeFd, path), lookAt(afterFd, path)];
  const [a, b] = [before.stat, after.stat];
  if (typeOf(a.mode) !== typeOf(b.mode)) return ["type"];
  const what: Aspect[] = [];
  if (before.content() !== after.content()) what.push(CONTENT[typeOf(a.mode)] ?? "device");
  if (typeOf(a.mode) !== S_IFLNK && a.mode !== b.mode) what.push("mode");
  if (a.uid !== b.uid || a.gid !== b.gid) what.push("owner");
  if (before.xattrs !== after.xattrs) what.push("xattrs");
  if (a.mtimeSeconds !== b.mtimeSeconds || a.mtimeNanoseconds !== b.mtimeNanoseconds) what.push("time");
  return what;
}

const CONTENT: Readonly<Record<number, Aspect>> = { [S_IFREG]: "content", [S_IFLNK]: "target" };

interface Looked {
  readonly stat: Stat;
  readonly xattrs: string;
  /** The same for the same content. */
  content(): string;
}

function lookAt(rootFd: number, path: ByteString): Looked {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1) as ByteString;
  const folder = path.slice(0, Math.max(0, slash)) as ByteString;
  const inFolder = <T>(look: (dirFd: number) => T): T => {
    const dirFd = openBeneath(rootFd, folder, O.RDONLY | O.DIRECTORY);
    try {
      return look(dirFd);
    } finally {
      closeFd(dirFd);
    }
  };
  const stat = inFolder((dirFd) => statAt(dirFd, name));
  const xattrs = inFolder((dirFd) => readXattrsAt(dirFd, name).map((xattr) => `${xattr.name}=${xattr.value.toString("hex")}`));
  return { stat, xattrs: xattrs.join("\0"), content: () => inFolder((dirFd) => contentOf(dirFd, name, stat)) };
}

function contentOf(dirFd: number, name: ByteString, stat: Stat): string {
  const type = typeOf(stat.mode);
  if (type === S_IFDIR) return "";
  if (type === S_IFLNK) return readLinkAt(dirFd, name);
  if (type !== S_IFREG) return `${stat.rdevMajor}:${stat.rdevMinor}`;
  const fd = openAt(dirFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
  try {
    const digest = createHash("sha256");
    const piece = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, stat.size)));
    for (let at = 0, count = 1; count > 0; at += count) {
      count = readAt(fd, piece, 0, piece.length, at);
      digest.update(piece.subarray(0, count));
    }
    return digest.digest("hex");
  } finally {
    closeFd(fd);
  }
}
