/** A tree as streams are written from it: its entries in order, each folder before what is in it. */
import { type ByteString, displayBytes } from "../../../base/byte-string.ts";
import { RegrowError } from "../../../base/errors.ts";
import type { StreamTime, StreamVersion } from "../command.ts";

export interface TreeEntry {
  /** From the root of the tree; "" is the root itself, which comes first. */
  readonly path: ByteString;
  /** As stat(2) says, with the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: StreamTime;
  /** Where nobody cares, the time of the last change. */
  readonly atime?: StreamTime;
  readonly xattrs: readonly { readonly name: ByteString; readonly value: Uint8Array }[];
  /** Of a symbolic link. */
  readonly target?: ByteString;
  /** Of a device: the low 32 bits of makedev(3). */
  readonly rdev?: number;
  /** The first path, in the order of the tree, of the same file, where this one is another. */
  readonly sameAs?: ByteString;
  /** Of a regular file, in bytes. */
  readonly size?: number;
  /** Of a regular file: two files with the same key have the same content, such as a checksum. */
  readonly contentKey?: string;
  /** The data of a regular file, in order; what is left out are holes. */
  readonly read?: () => Iterable<FilePiece> | AsyncIterable<FilePiece>;
}

export interface FilePiece {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Sorted by `compareTreePaths`. */
export type TreeEntries = Iterable<TreeEntry> | AsyncIterable<TreeEntry>;

/** What names the subvolume of a stream, and later finds it again. The uuid has 32 hexadecimal digits and must be new. */
export interface SubvolumeIdentity {
  readonly uuid: string;
  readonly ctransid: number;
}

export interface WriteOptions extends SubvolumeIdentity {
  /** The name of the subvolume. */
  readonly name: ByteString;
  /** 1, which every receiver understands, where it is not given. */
  readonly version?: StreamVersion;
}

/** A folder, then all below it by the bytes of their names, then what comes after it. */
export function compareTreePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    // Nothing that stands in a name comes before the end of one.
    if (x !== y) return (x === SLASH ? -1 : x) - (y === SLASH ? -1 : y);
  }
  return a.length - b.length;
}

const SLASH = 0x2f;

/** The entries, one by one. Throws `usage` where they are out of order or an entry's folder is missing. */
export async function* inOrder(entries: TreeEntries): AsyncGenerator<TreeEntry, void, undefined> {
  const folders: ByteString[] = [];
  let last: ByteString | undefined;
  for await (const entry of entries) {
    const { path } = entry;
    if (last === undefined ? path !== "" : compareTreePaths(last, path) >= 0) throw outOfOrder(path);
    while (folders.length > 0 && !isBelow(path, folders.at(-1)!)) folders.pop();
    if (path !== "" && folders.at(-1) !== parentOf(path)) throw outOfOrder(path);
    if (isFolder(entry)) folders.push(path);
    last = path;
    yield entry;
  }
  if (last === undefined) throw outOfOrder("" as ByteString);
}

export function isBelow(path: string, folder: string): boolean {
  return folder === "" ? path !== "" : path.startsWith(`${folder}/`);
}

export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0)) as ByteString;
}

export const TYPE_MASK = 0o170000;
const FOLDER = 0o040000;

export function isFolder({ mode }: TreeEntry): boolean {
  return (mode & TYPE_MASK) === FOLDER;
}

function outOfOrder(path: ByteString): RegrowError {
  return new RegrowError("usage", `The entry "${displayBytes(path)}" of a tree is out of order, or its folder is missing.`);
}
