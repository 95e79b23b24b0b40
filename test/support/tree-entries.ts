/** A folder on disk as the entries that streams are written from. */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync, readdirSync, lstatSync } from "node:fs";
import type { ByteString } from "../../src/base/byte-string.ts";
import { type FilePiece, type TreeEntry, compareTreePaths } from "../../src/codec/btrfs-send/write/tree-entry.ts";
import { CWD, O, closeFd, openAt } from "../../src/sys/open.ts";
import { readXattrsAt, readXattrsFd } from "../../src/sys/xattr.ts";
import { fileExtents, pathOf } from "./tree-facts.ts";

/** In order. Files are read when they are asked for. */
export function treeEntries(root: string): TreeEntry[] {
  const rootFd = openAt(CWD, root, O.RDONLY | O.DIRECTORY);
  try {
    const paths = ["", ...pathsIn(root, "")].toSorted(compareTreePaths);
    const firsts = new Map<bigint, string>();
    return paths.map((path) => entryOf(root, rootFd, path, firsts));
  } finally {
    closeFd(rootFd);
  }
}

function pathsIn(root: string, folder: string): string[] {
  const names = readdirSync(pathOf(root, folder), { encoding: "buffer" }).map((name) => name.toString("latin1"));
  return names.flatMap((name) => {
    const path = folder === "" ? name : `${folder}/${name}`;
    return lstatSync(pathOf(root, path)).isDirectory() ? [path, ...pathsIn(root, path)] : [path];
  });
}

function entryOf(root: string, rootFd: number, name: string, firsts: Map<bigint, string>): TreeEntry {
  const path = name as ByteString;
  const stat = lstatSync(pathOf(root, name), { bigint: true });
  const first = stat.isDirectory() ? undefined : firsts.get(stat.ino);
  if (first === undefined) firsts.set(stat.ino, name);
  return {
    path,
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: timeOf(stat.mtimeNs),
    atime: timeOf(stat.atimeNs),
    xattrs: path === "" ? readXattrsFd(rootFd) : readXattrsAt(rootFd, path),
    ...(stat.isSymbolicLink()
      ? { target: readlinkSync(pathOf(root, name), { encoding: "buffer" }).toString("latin1") as ByteString }
      : {}),
    ...(stat.isCharacterDevice() || stat.isBlockDevice() ? { rdev: Number(stat.rdev) } : {}),
    ...(first === undefined ? {} : { sameAs: first as ByteString }),
    ...(stat.isFile() ? fileOf(root, name, Number(stat.size)) : {}),
  };
}

function fileOf(root: string, name: string, size: number): Pick<TreeEntry, "size" | "contentKey" | "read"> {
  const contentKey = createHash("sha256")
    .update(readFileSync(pathOf(root, name)))
    .digest("hex");
  return { size, contentKey, read: () => piecesOf(root, name, size) };
}

function* piecesOf(root: string, name: string, size: number): Generator<FilePiece> {
  const data = readFileSync(pathOf(root, name));
  const extents = fileExtents(root, name) ?? [{ offset: 0, length: size }];
  for (const { offset, length } of extents) if (length > 0) yield { offset, data: data.subarray(offset, offset + length) };
}

function timeOf(nanoseconds: bigint): { seconds: number; nanoseconds: number } {
  const rest = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((nanoseconds - rest) / 1_000_000_000n), nanoseconds: Number(rest) };
}
