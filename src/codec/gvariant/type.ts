/**
 * GVariant type strings. Alignment and fixed sizes follow the GVariant specification, section 2.
 * Owned here: the grammar; an unknown or malformed type string never gets past `parseType`, nor does a maybe of a maybe.
 */
import { RegrowError } from "../../base/errors.ts";

export type Basic = "y" | "b" | "n" | "q" | "i" | "u" | "x" | "t" | "d" | "h" | "s" | "o" | "g" | "v";

export interface GType {
  readonly kind: Basic | "array" | "maybe" | "tuple";
  /** The element of an array or maybe; the members of a tuple or dictionary entry. */
  readonly members: readonly GType[];
  readonly alignment: 1 | 2 | 4 | 8;
  /** 0 where the size varies. */
  readonly fixedSize: number;
}

const BASIC_SIZE: Record<Basic, number> = { y: 1, b: 1, n: 2, q: 2, i: 4, u: 4, x: 8, t: 8, d: 8, h: 4, s: 0, o: 0, g: 0, v: 0 };
const MAX_DEPTH = 64;
/** GVariant sets no limit, but no type in use comes near this one, and a tuple of a million members must not be built. */
const MAX_LENGTH = 1024;
const SIGNATURE = /^[ybnqihuxtdvasog(){}]{0,255}$/;
const known = new Map<string, GType>();

/** The type behind a type string such as `a{sv}`. Throws `corrupt` where it is none. */
export function parseType(text: string): GType {
  const cached = known.get(text);
  if (cached !== undefined) return cached;
  if (text.length > MAX_LENGTH) throw malformed(text);
  const [type, end] = parseAt(text, 0, 0);
  if (end !== text.length) throw malformed(text);
  // A hostile stream of ever new types must not fill the memory.
  if (known.size < 256) known.set(text, type);
  return type;
}

/** Whether the text is a series of types that D-Bus knows: what a value of the type `g` holds. */
export function isSignature(text: string): boolean {
  if (!SIGNATURE.test(text)) return false;
  try {
    for (let at = 0; at < text.length;) at = parseAt(text, at, 0)[1];
    return true;
  } catch (error) {
    if (error instanceof RegrowError) return false;
    throw error;
  }
}

function parseAt(text: string, at: number, depth: number): [GType, number] {
  const letter = text[at];
  if (letter === undefined || depth > MAX_DEPTH) throw malformed(text);
  if (letter in BASIC_SIZE) return [basicType(letter as Basic), at + 1];
  if (letter === "a" || letter === "m") {
    // Nothing, and a value that is nothing, are the same in JavaScript; no object holds such a thing.
    if (letter === "m" && text[at + 1] === "m") throw malformed(text);
    const [element, end] = parseAt(text, at + 1, depth + 1);
    const kind = letter === "a" ? "array" : "maybe";
    return [{ kind, members: [element], alignment: element.alignment, fixedSize: 0 }, end];
  }
  if (letter === "(") return parseMembers(text, at, depth, ")");
  if (letter === "{") {
    const [type, end] = parseMembers(text, at, depth, "}");
    if (type.members.length !== 2 || !isKey(type.members[0]!)) throw malformed(text);
    return [type, end];
  }
  throw malformed(text);
}

function parseMembers(text: string, open: number, depth: number, close: string): [GType, number] {
  const members: GType[] = [];
  let at = open + 1;
  while (text[at] !== close) {
    const [member, end] = parseAt(text, at, depth + 1);
    members.push(member);
    at = end;
  }
  return [tupleType(members), at + 1];
}

function isKey(type: GType): boolean {
  return type.kind in BASIC_SIZE && type.kind !== "v";
}

function basicType(kind: Basic): GType {
  const size = BASIC_SIZE[kind];
  const alignment = kind === "v" ? 8 : ((size || 1) as GType["alignment"]);
  return { kind, members: [], alignment, fixedSize: size };
}

function tupleType(members: readonly GType[]): GType {
  const alignment = Math.max(1, ...members.map((member) => member.alignment)) as GType["alignment"];
  if (members.length === 0) return { kind: "tuple", members, alignment, fixedSize: 1 };
  let size = 0;
  for (const member of members) {
    if (member.fixedSize === 0) return { kind: "tuple", members, alignment, fixedSize: 0 };
    size = align(size, member.alignment) + member.fixedSize;
  }
  return { kind: "tuple", members, alignment, fixedSize: align(size, alignment) };
}

/** The next multiple of `alignment`. */
export function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** How many bytes a framing offset takes in a container of `body` bytes that has `count` of them. */
export function offsetSize(body: number, count: number): 0 | 1 | 2 | 4 | 8 {
  if (count === 0) return 0;
  if (body + count <= 0xff) return 1;
  if (body + count * 2 <= 0xffff) return 2;
  return body + count * 4 <= 0xffffffff ? 4 : 8;
}

/** How many bytes a framing offset takes in a container that is `total` bytes long with them. */
export function offsetSizeOfTotal(total: number): 0 | 1 | 2 | 4 | 8 {
  if (total === 0) return 0;
  if (total <= 0xff) return 1;
  if (total <= 0xffff) return 2;
  return total <= 0xffffffff ? 4 : 8;
}

function malformed(text: string): RegrowError {
  return new RegrowError("corrupt", `${JSON.stringify(text.slice(0, 80))} is not a GVariant type.`);
}
