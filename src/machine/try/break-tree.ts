/** Damages a sample as an accident would: a folder deleted, files overwritten, one moved away, one made world-writable. */
import { type ByteString, bytesOf, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { chmodAt } from "../../sys/metadata.ts";
import { removeTreeAt, renameAt, unlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt, openBeneath } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { S_IFDIR, S_IFREG, statAt, typeOf } from "../../sys/stat.ts";
import { writeAt } from "../../sys/write-file.ts";

/** Paths in the sample, as they are shown. */
export interface Damage {
  readonly deletedFolder: string | undefined;
  readonly overwritten: readonly string[];
  readonly moved: string | undefined;
  readonly openedUp: string | undefined;
}

const OVERWRITTEN = 3;

export function breakTree(rootFd: number): Damage {
  const folders = list(rootFd, S_IFDIR);
  const victim = folders.filter((path) => path.includes("/")).sort((a, b) => countBelow(rootFd, b) - countBelow(rootFd, a))[0];
  if (victim !== undefined) removeTreeAt(rootFd, victim);
  const files = list(rootFd, S_IFREG);
  const step = Math.max(1, Math.floor(files.length / (OVERWRITTEN + 2)));
  const [moved, openedUp, ...overwritten] = Array.from({ length: OVERWRITTEN + 2 }, (_, index) => files[index * step]).filter(
    (path) => path !== undefined,
  );
  for (const path of overwritten) overwrite(rootFd, path);
  if (openedUp !== undefined) chmodAt(rootFd, openedUp, 0o666);
  if (moved !== undefined) renameAt(rootFd, moved, rootFd, joinBytes(folderOf(moved), bytesOf("moved-away")));
  const shown = (path: ByteString | undefined): string | undefined => (path === undefined ? undefined : displayBytes(path));
  return {
    deletedFolder: shown(victim),
    overwritten: overwritten.map((path) => displayBytes(path)),
    moved: shown(moved),
    openedUp: shown(openedUp),
  };
}

function overwrite(rootFd: number, path: ByteString): void {
  // A new file in its place: the old one may be read-only.
  unlinkAt(rootFd, path);
  const fd = openAt(rootFd, path, O.WRONLY | O.CREAT | O.EXCL, 0o644);
  writeAt(fd, Buffer.from("This is not what was here.\n"), 0);
  closeFd(fd);
}

function countBelow(rootFd: number, path: ByteString): number {
  const fd = openBeneath(rootFd, path, O.RDONLY | O.DIRECTORY);
  const count = readDir(fd).length;
  closeFd(fd);
  return count;
}

/** All entries of one type, sorted by path. */
function list(rootFd: number, type: number): ByteString[] {
  const found: ByteString[] = [];
  const visit = (path: ByteString): void => {
    const fd = openBeneath(rootFd, path, O.RDONLY | O.DIRECTORY);
    for (const { name } of readDir(fd)) {
      const { mode } = statAt(fd, name);
      if (typeOf(mode) === type) found.push(joinBytes(path, name));
      if (typeOf(mode) === S_IFDIR) visit(joinBytes(path, name));
    }
    closeFd(fd);
  };
  visit("" as ByteString);
  return found.sort();
}

function folderOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as ByteString;
}
