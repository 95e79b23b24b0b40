/** A tree on disk with all that a tar archive can hold, and the same tree as entries to be written. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import process from "node:process";
import { type ByteString, bytesOf } from "../../src/base/byte-string.ts";
import type { TarTime, TarWriteEntry } from "../../src/codec/tar/entry.ts";
import { chmodAt, chownAt, setTimeAt } from "../../src/sys/metadata.ts";
import { makeNodeAt } from "../../src/sys/names.ts";
import { setXattrAt } from "../../src/sys/xattr.ts";
import { fileExtents, pathOf, treeFacts } from "./tree-facts.ts";

export interface TreeParts {
  /** Names, targets and times that only GNU's and PAX archives hold. */
  readonly isRich: boolean;
  /** Times with a fraction, before 1970; bsdtar reads and writes them in its own way. */
  readonly hasOldFractions: boolean;
  /** Owners, devices and attributes that only root can make. */
  readonly isRoot: boolean;
}

const SPARSE_SIZE = 1_300_000;

export function makeTree(root: string, parts: TreeParts): void {
  mkdirSync(root);
  const fd = openSync(root, "r");
  try {
    makeBasics(root);
    if (parts.isRich) makeRich(root, fd, parts);
    else chmodAt(fd, "exec" as ByteString, 0o4755);
    const times = new Map<string, TarTime>(parts.isRich ? richTimes(parts) : []);
    for (const name of [...treeFacts(root).keys()].toReversed())
      setTime(fd, name, times.get(name) ?? { seconds: 1_600_000_000, nanoseconds: 0 });
  } finally {
    closeSync(fd);
  }
}

/** All entries of a tree, made from what the disk says; folders before what is in them. */
export function* entriesFromDisk(root: string): Generator<TarWriteEntry> {
  for (const [name, facts] of treeFacts(root)) {
    const isLink = facts.sameAs !== undefined;
    const sparse = facts.type === "file" && !isLink ? fileExtents(root, name) : undefined;
    const [devMajor, devMinor] = (facts.device ?? "0:0").split(":").map(Number);
    yield {
      name: name as ByteString,
      type: isLink ? "hardlink" : facts.type,
      mode: facts.mode,
      uid: facts.uid,
      gid: facts.gid,
      mtime: {
        seconds: Number((facts.mtime - nanosecondsOf(facts.mtime)) / 1_000_000_000n),
        nanoseconds: Number(nanosecondsOf(facts.mtime)),
      },
      linkName: (facts.sameAs ?? facts.target ?? "") as ByteString,
      size: isLink ? 0 : facts.size,
      devMajor: isLink ? 0 : devMajor,
      devMinor: isLink ? 0 : devMinor,
      xattrs: Object.entries(facts.xattrs).map(([xattr, hex]) => ({ name: xattr as ByteString, value: Buffer.from(hex, "hex") })),
      sparse,
      content: facts.type === "file" && !isLink ? contentOf(root, name, sparse) : [],
    };
  }
}

function makeBasics(root: string): void {
  writeFileSync(`${root}/plain`, "hello\n");
  writeFileSync(`${root}/empty`, "");
  writeFileSync(`${root}/exec`, "#!/bin/sh\n");
  writeFileSync(`${root}/block`, "b".repeat(512));
  writeFileSync(`${root}/large`, Buffer.from(Array.from({ length: 70_001 }, (_, at) => (at * at) & 0xff)));
  mkdirSync(`${root}/dir/sub`, { recursive: true });
  writeFileSync(`${root}/dir/sub/file`, "below\n");
  symlinkSync("dir/sub/../sub/file", `${root}/symlink`);
  linkSync(`${root}/plain`, `${root}/zz-hardlink`);
}

function makeRich(root: string, fd: number, { isRoot }: TreeParts): void {
  for (const name of ["a\nb", "a=b%25c", "n".repeat(200), bytesOf("ümläut"), "bad\xff\xfe", "-dash", "back\\slash", "\x01"]) {
    writeFileSync(pathOf(root, name), name, "latin1");
  }
  const deep = Array.from({ length: 4 }, (_, level) => `${level}`.repeat(90)).join("/");
  mkdirSync(`${root}/${deep}`, { recursive: true });
  writeFileSync(`${root}/${deep}/file`, "deep\n");
  linkSync(`${root}/${deep}/file`, `${root}/zz-deep-hardlink`);
  symlinkSync("t".repeat(150), `${root}/symlink-long`);
  symlinkSync(Buffer.from("\xff\xfe\xfd", "latin1"), `${root}/symlink-bytes`);
  execFileSync("mkfifo", [`${root}/fifo`]);
  makeSparse(root, "sparse-middle", [[65536, "middle"]]);
  makeSparse(root, "sparse-ends", [
    [0, "start"],
    [SPARSE_SIZE - 3, "end"],
  ]);
  makeSparse(root, "sparse-none", []);
  makeSparse(
    root,
    bytesOf("sparse-ü"),
    Array.from({ length: 40 }, (_, index) => [index * 32768, `piece ${index}`] as const),
  );
  const xattrs: [string, string][] = [
    ["user.text", "value"],
    ["user.bytes", "\0\n=\xff"],
    ["user.empty", ""],
    ["user.a=b%25", "odd"],
  ];
  if (isRoot) xattrs.push(["trusted.mark", "\x01"]);
  for (const [name, value] of xattrs) {
    for (const file of ["plain", "dir"])
      setXattrAt(fd, file as ByteString, { name: name as ByteString, value: Buffer.from(value, "latin1") });
  }
  if (isRoot) makeRootsOwn(fd);
  chmodAt(fd, "exec" as ByteString, 0o4755);
  chmodAt(fd, "dir" as ByteString, 0o1777);
}

function makeRootsOwn(fd: number): void {
  chownAt(fd, "block", 3_000_000_000, 4_000_000);
  chownAt(fd, "symlink", 12, 34);
  chownAt(fd, "exec", 2_097_151, 2_097_152);
  makeNodeAt(fd, "null" as ByteString, 0o020600, 1, 3);
  makeNodeAt(fd, "disk" as ByteString, 0o060600, 259, 70_000);
}

function makeSparse(root: string, name: string, pieces: readonly (readonly [offset: number, text: string])[]): void {
  const fd = openSync(pathOf(root, name), "w");
  ftruncateSync(fd, SPARSE_SIZE);
  for (const [offset, text] of pieces) writeSync(fd, text, offset);
  closeSync(fd);
}

function richTimes({ hasOldFractions }: TreeParts): [string, TarTime][] {
  return [
    ["plain", { seconds: 1_600_000_000, nanoseconds: 123_456_789 }],
    ["empty", { seconds: 1_600_000_000, nanoseconds: 1 }],
    ["dir", { seconds: 1_600_000_000, nanoseconds: 500_000_000 }],
    ["symlink", { seconds: 0, nanoseconds: 0 }],
    ["block", { seconds: -86_400, nanoseconds: 0 }],
    ["large", { seconds: -2, nanoseconds: hasOldFractions ? 500_000_000 : 0 }],
    ["exec", { seconds: 9_000_000_000, nanoseconds: 0 }],
  ];
}

function setTime(fd: number, name: string, time: TarTime): void {
  setTimeAt(fd, name as ByteString, time);
}

function* contentOf(
  root: string,
  name: string,
  sparse: readonly { offset: number; length: number }[] | undefined,
): Generator<Uint8Array> {
  const data = readFileSync(pathOf(root, name));
  if (sparse === undefined) yield data;
  else for (const { offset, length } of sparse) yield data.subarray(offset, offset + length);
}

function nanosecondsOf(time: bigint): bigint {
  return ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
}

export function isRootUser(): boolean {
  return process.geteuid?.() === 0;
}
