/** What is on disk, as facts to compare: two trees are the same where their facts are. */
import { createHash } from "node:crypto";
import { closeSync, lstatSync, openSync, readFileSync, readlinkSync, readdirSync } from "node:fs";
import type { ByteString } from "../../src/base/byte-string.ts";
import { dataExtents, type Extent } from "../../src/sys/holes.ts";
import { readXattrsAt } from "../../src/sys/xattr.ts";

export interface FileFacts {
  readonly type: "file" | "symlink" | "character" | "block" | "directory" | "fifo";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly size: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly device?: string;
  /** The first name of the same file. */
  readonly sameAs?: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

const TYPES: Record<number, FileFacts["type"]> = {
  0o100000: "file",
  0o120000: "symlink",
  0o020000: "character",
  0o060000: "block",
  0o040000: "directory",
  0o010000: "fifo",
};

/** All files beneath `root` by their paths in it, in the order of their bytes; names are one character a byte. */
export function treeFacts(root: string): Map<string, FileFacts> {
  const facts = new Map<string, FileFacts>();
  const firstNames = new Map<string, string>();
  for (const name of listTree(root, "")) facts.set(name, factsOf(root, name, firstNames));
  return facts;
}

/** Where a file has data; undefined where it has no hole. */
export function fileExtents(root: string, name: string): Extent[] | undefined {
  const path = pathOf(root, name);
  const fd = openSync(path, "r");
  try {
    return dataExtents(fd, lstatSync(path).size);
  } finally {
    closeSync(fd);
  }
}

export function pathOf(root: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, "latin1")]);
}

function listTree(root: string, folder: string): string[] {
  const names = readdirSync(pathOf(root, folder), { encoding: "buffer" }).map((name) => name.toString("latin1"));
  return names.toSorted().flatMap((name) => {
    const path = folder === "" ? name : `${folder}/${name}`;
    return lstatSync(pathOf(root, path)).isDirectory() ? [path, ...listTree(root, path)] : [path];
  });
}

function factsOf(root: string, name: string, firstNames: Map<string, string>): FileFacts {
  const path = pathOf(root, name);
  const stat = lstatSync(path, { bigint: true });
  const type = TYPES[Number(stat.mode) & 0o170000]!;
  const first = type === "directory" ? undefined : firstNames.get(`${stat.ino}`);
  if (first === undefined) firstNames.set(`${stat.ino}`, name);
  return {
    type,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: stat.mtimeNs,
    size: type === "directory" || type === "symlink" ? 0 : Number(stat.size),
    ...(type === "file" ? { sha256: createHash("sha256").update(readFileSync(path)).digest("hex") } : {}),
    ...(type === "symlink" ? { target: readlinkSync(path, { encoding: "buffer" }).toString("latin1") } : {}),
    ...(type === "character" || type === "block" ? { device: deviceOf(stat.rdev) } : {}),
    ...(first === undefined ? {} : { sameAs: first }),
    xattrs: xattrsOf(root, name),
  };
}

function xattrsOf(root: string, name: string): Record<string, string> {
  const fd = openSync(root, "r");
  try {
    return Object.fromEntries(readXattrsAt(fd, name as ByteString).map((xattr) => [xattr.name, xattr.value.toString("hex")]));
  } finally {
    closeSync(fd);
  }
}

// As the kernel packs it, see makedev(3).
function deviceOf(rdev: bigint): string {
  return `${((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)}:${(rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)}`;
}
