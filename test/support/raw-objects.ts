/** Objects that no honest encoder writes, put together by the generic GVariant codec or byte by byte. */
import { offsetSize } from "../../src/codec/gvariant/type.ts";
import { writeOffset } from "../../src/codec/gvariant/encode.ts";

/** `name`, one character a byte, may be anything at all; checksums are hexadecimal, of zeroes where they are missing. */
export interface RawFile {
  readonly name: string;
  readonly checksum?: string;
}

export interface RawDir {
  readonly name: string;
  readonly tree?: string;
  readonly meta?: string;
}

const ZEROES = "00".repeat(32);

/** A dirtree with these entries in this order. */
export function rawDirTree(files: readonly (string | RawFile)[], dirs: readonly (string | RawDir)[]): Buffer {
  const fileMembers = files.map((entry) => {
    const { name, checksum = ZEROES } = typeof entry === "string" ? { name: entry } : entry;
    return tuple([nameBytes(name), Buffer.from(checksum, "hex")]);
  });
  const dirMembers = dirs.map((entry) => {
    const { name, tree = ZEROES, meta = ZEROES } = typeof entry === "string" ? { name: entry } : entry;
    return tuple([nameBytes(name), Buffer.from(tree, "hex"), Buffer.from(meta, "hex")]);
  });
  return tuple([array(fileMembers), array(dirMembers)]);
}

function nameBytes(name: string): Buffer {
  return Buffer.from(`${name}\0`, "latin1");
}

/** A tuple of members of varying size and no alignment. */
function tuple(members: readonly Buffer[]): Buffer {
  const ends: number[] = [];
  let end = 0;
  for (const member of members.slice(0, -1)) ends.push((end += member.length));
  return framed(members, ends.reverse());
}

function array(members: readonly Buffer[]): Buffer {
  let end = 0;
  return framed(
    members,
    members.map((member) => (end += member.length)),
  );
}

function framed(members: readonly Buffer[], ends: readonly number[]): Buffer {
  const body = Buffer.concat(members);
  const width = offsetSize(body.length, ends.length);
  const table = Buffer.alloc(width * ends.length);
  for (const [index, end] of ends.entries()) writeOffset(table, index * width, end, width);
  return Buffer.concat([body, table]);
}
