/**
 * Says what a tree is, entry by entry, in a way that shares nothing with how regrow stores it: a second opinion. A map from
 * path to type, mode, owner, time and SHA-256 of the content.
 */
import { createHash } from "node:crypto";
import { type ByteString, joinBytes } from "../../base/byte-string.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readFileAt, readLinkAt } from "../../sys/read-file.ts";
import { S_IFDIR, S_IFLNK, S_IFREG, statAt, typeOf } from "../../sys/stat.ts";

export type Fingerprint = ReadonlyMap<ByteString, string>;

/** Of all that is below the open folder `rootFd`. */
export function fingerprint(rootFd: number): Fingerprint {
  const found = new Map<ByteString, string>();
  addFolder(found, rootFd, "" as ByteString);
  return found;
}

/** The paths at which two trees differ. */
export function differences(a: Fingerprint, b: Fingerprint): ByteString[] {
  const paths = new Set([...a.keys(), ...b.keys()]);
  return [...paths].filter((path) => a.get(path) !== b.get(path));
}

function addFolder(found: Map<ByteString, string>, fd: number, path: ByteString): void {
  for (const { name } of readDir(fd)) {
    const stat = statAt(fd, name);
    const at = joinBytes(path, name);
    const time = `${stat.mtimeSeconds}.${stat.mtimeNanoseconds}`;
    found.set(at, [stat.mode.toString(8), stat.uid, stat.gid, time, contentOf(fd, name, stat.mode)].join(" "));
    if (typeOf(stat.mode) !== S_IFDIR) continue;
    const child = openAt(fd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    addFolder(found, child, at);
    closeFd(child);
  }
}

function contentOf(dirFd: number, name: ByteString, mode: number): string {
  if (typeOf(mode) === S_IFLNK) return readLinkAt(dirFd, name);
  return typeOf(mode) === S_IFREG ? createHash("sha256").update(readFileAt(dirFd, name)).digest("hex") : "";
}
