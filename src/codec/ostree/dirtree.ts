/**
 * A folder's contents: `(a(say)a(sayay))` = files (name, checksum), then folders (name, tree checksum, meta checksum).
 * Each list is sorted bytewise; an empty folder is one zero byte. Names that could lead elsewhere are refused here, where
 * they are parsed, and nowhere else.
 */
import { type ByteString, displayBytes, isUtf8 } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { arrayEnds, readOffset } from "../gvariant/decode.ts";
import { writeOffset } from "../gvariant/encode.ts";
import { offsetSize, offsetSizeOfTotal } from "../gvariant/type.ts";
import type { Checksum } from "./checksum.ts";

export interface TreeFile {
  readonly name: ByteString;
  readonly checksum: Checksum;
}

export interface TreeDir {
  readonly name: ByteString;
  readonly tree: Checksum;
  readonly meta: Checksum;
}

export interface DirTree {
  /** Sorted by name, bytewise. */
  readonly files: readonly TreeFile[];
  /** Sorted by name, bytewise; no name stands in both lists. */
  readonly dirs: readonly TreeDir[];
}

const RAW = 32;

/** Whether a folder can have an entry of this name at all. */
export function isEntryName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

/** The lists must be sorted. */
export function encodeDirTree(tree: DirTree): Buffer {
  const fileEnds = memberEnds(tree.files, RAW);
  const dirEnds = memberEnds(tree.dirs, 2 * RAW);
  const filesLength = arrayLength(fileEnds);
  const dirsLength = arrayLength(dirEnds);
  const width = offsetSize(filesLength + dirsLength, 1);
  const buffer = Buffer.alloc(filesLength + dirsLength + width);
  let at = 0;
  for (const [index, file] of tree.files.entries()) {
    at = writeMember(buffer, at, fileEnds[index]!, file.name, file.checksum);
  }
  at = writeEnds(buffer, at, fileEnds);
  for (const [index, dir] of tree.dirs.entries()) {
    at = writeMember(buffer, at, filesLength + dirEnds[index]!, dir.name, dir.tree, dir.meta);
  }
  at = writeEnds(buffer, at, dirEnds);
  writeOffset(buffer, at, filesLength, width);
  return buffer;
}

/** Throws `corrupt`, or `hostile` for names that can't be a folder's entries. */
export function decodeDirTree(data: Buffer): DirTree {
  const width = offsetSizeOfTotal(data.length);
  if (width === 0) throw damaged("it is empty");
  const bodyEnd = data.length - width;
  const filesEnd = readOffset(data, bodyEnd, width);
  if (filesEnd > bodyEnd || offsetSize(bodyEnd, 1) !== width) throw damaged("its offsets are out of range");
  const files: TreeFile[] = [];
  const dirs: TreeDir[] = [];
  eachMember(data.subarray(0, filesEnd), 1, (name, list, at) => files.push({ name, checksum: sumAt(list, at) }));
  eachMember(data.subarray(filesEnd, bodyEnd), 2, (name, list, at) => {
    dirs.push({ name, tree: sumAt(list, at), meta: sumAt(list, at + RAW) });
  });
  refuseTwins(files, dirs);
  return { files, dirs };
}

function memberEnds(members: readonly { readonly name: ByteString }[], sums: number): number[] {
  let end = 0;
  // (say) frames its string's end; (sayay) also that of the first checksum.
  const count = sums / RAW;
  return members.map(({ name }) => {
    const body = name.length + 1 + sums;
    return (end += body + count * offsetSize(body, count));
  });
}

function arrayLength(ends: readonly number[]): number {
  const body = ends.at(-1) ?? 0;
  return body + ends.length * offsetSize(body, ends.length);
}

function writeMember(buffer: Buffer, start: number, end: number, name: ByteString, ...sums: readonly Checksum[]): number {
  const nameEnd = name.length + 1;
  let at = start + buffer.write(name, start, "latin1") + 1;
  for (const sum of sums) at += buffer.write(sum, at, "hex");
  const width = (end - at) / sums.length;
  // In reverse: the last framing offset is that of the first member.
  for (let index = sums.length - 1; index >= 0; index--) {
    writeOffset(buffer, at, nameEnd + index * RAW, width);
    at += width;
  }
  return end;
}

function writeEnds(buffer: Buffer, start: number, ends: readonly number[]): number {
  const width = offsetSize(ends.at(-1) ?? 0, ends.length);
  for (const [index, end] of ends.entries()) writeOffset(buffer, start + index * width, end, width);
  return start + ends.length * width;
}

/** `take` gets each name, and where in the list its checksums begin. */
function eachMember(list: Buffer, count: 1 | 2, take: (name: ByteString, list: Buffer, at: number) => void): void {
  let start = 0;
  let last = "";
  for (const end of arrayEnds(list)) {
    const width = offsetSizeOfTotal(end - start);
    const body = end - count * width;
    const nameEnd = body - count * RAW;
    if (nameEnd - start < 1 || offsetSize(body - start, count) !== width) throw damaged("an entry is too short");
    for (let index = 0; index < count; index++) {
      if (readOffset(list, end - (index + 1) * width, width) !== nameEnd - start + index * RAW)
        throw damaged("an entry has bad offsets");
    }
    if (list.indexOf(0, start) !== nameEnd - 1) throw damaged("a name is not a string");
    const name = list.toString("latin1", start, nameEnd - 1) as ByteString;
    checkName(name, last);
    take(name, list, nameEnd);
    last = name;
    start = end;
  }
}

function sumAt(list: Buffer, at: number): Checksum {
  return list.toString("hex", at, at + RAW) as Checksum;
}

function checkName(name: ByteString, last: string): void {
  if (!isEntryName(name) || !isUtf8(name)) {
    throw new RegrowError("hostile", `A tree has an entry called "${displayBytes(name)}", which no folder can hold.`, {
      hint: "It was not made by an honest tool: do not use this repository.",
    });
  }
  if (name <= last) throw damaged(`its names are not in order, or one stands twice ("${displayBytes(name)}")`);
}

function refuseTwins(files: readonly TreeFile[], dirs: readonly TreeDir[]): void {
  let index = 0;
  for (const { name } of dirs) {
    while (index < files.length && files[index]!.name < name) index++;
    if (files[index]?.name === name) throw damaged(`"${displayBytes(name)}" is both a file and a folder`);
  }
}

function damaged(reason: string): RegrowError {
  return new RegrowError("corrupt", `Damaged dirtree object: ${reason}.`);
}
