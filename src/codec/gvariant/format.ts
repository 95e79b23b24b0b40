/** GVariant values as text, as GLib prints them: `['main']`, `uint32 5`, `[byte 0x76]`. */
import type { GValue, Variant } from "./value.ts";

const PREFIXES: Record<string, string> = {
  y: "byte ",
  n: "int16 ",
  q: "uint16 ",
  u: "uint32 ",
  x: "int64 ",
  t: "uint64 ",
  h: "handle ",
  o: "objectpath ",
  g: "signature ",
};

/** With the type of each number, where it is not `i`. */
export function formatVariant({ type, value }: Variant): string {
  return format(type, value, true);
}

function format(type: string, value: GValue, annotate: boolean): string {
  const kind = type[0]!;
  if (kind === "v") return `<${formatVariant(value as Variant)}>`;
  if (kind === "m") return formatMaybe(type, value, annotate);
  if (kind === "a") return formatArray(type, value, annotate);
  if (kind === "(" || kind === "{") return formatMembers(type, value as readonly GValue[], annotate);
  return `${annotate ? (PREFIXES[kind] ?? "") : ""}${formatBasic(kind, value)}`;
}

function formatBasic(kind: string, value: GValue): string {
  if (kind === "s" || kind === "o" || kind === "g") return quote(value as string);
  if (kind === "y") return `0x${(value as number).toString(16).padStart(2, "0")}`;
  if (kind === "d") return Number.isInteger(value) ? `${value as number}.0` : String(value as number);
  return String(value as number | bigint | boolean);
}

function formatMaybe(type: string, value: GValue, annotate: boolean): string {
  if (value === undefined) return annotate ? `@${type} nothing` : "nothing";
  return format(type.slice(1), value, annotate);
}

function formatArray(type: string, value: GValue, annotate: boolean): string {
  if (type === "ay") return formatBytes(value as Buffer, annotate);
  const items = value as readonly GValue[];
  const element = type.slice(1);
  const isDictionary = element.startsWith("{");
  const [open, close] = isDictionary ? ["{", "}"] : ["[", "]"];
  if (items.length === 0) return `${annotate ? `@${type} ` : ""}${open}${close}`;
  const texts = items.map((item, index) => {
    const text = format(element, item, annotate && index === 0);
    return isDictionary ? text.slice(1, -1) : text;
  });
  return `${open}${texts.join(", ")}${close}`;
}

/** A byte string where it ends with the one NUL in it, else numbers. */
function formatBytes(data: Buffer, annotate: boolean): string {
  if (data.length > 0 && data.indexOf(0) === data.length - 1) return `b${quoteBytes(data.subarray(0, -1))}`;
  if (data.length === 0) return annotate ? "@ay []" : "[]";
  return `[${[...data].map((byte, index) => `${annotate && index === 0 ? "byte " : ""}${formatBasic("y", byte)}`).join(", ")}]`;
}

function formatMembers(type: string, members: readonly GValue[], annotate: boolean): string {
  const types = splitTypes(type.slice(1, -1));
  const texts = types.map((member, index) => format(member, members[index], annotate));
  if (type.startsWith("{")) return `{${texts.join(": ")}}`;
  return `(${texts.join(", ")}${texts.length === 1 ? "," : ""})`;
}

/** `say(uu)` → `s`, `ay`, `(uu)` */
function splitTypes(types: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < types.length;) {
    const start = at;
    while ("am".includes(types[at]!)) at++;
    let depth = 0;
    do {
      if ("({".includes(types[at]!)) depth++;
      else if (")}".includes(types[at]!)) depth--;
      at++;
    } while (depth > 0);
    found.push(types.slice(start, at));
  }
  return found;
}

function quote(text: string): string {
  const mark = text.includes("'") ? '"' : "'";
  const escaped = text.replace(/[\\\p{Cc}\p{Cf}\p{Cn}\p{Cs}]/gu, escape).replaceAll(mark, `\\${mark}`);
  return `${mark}${escaped}${mark}`;
}

const NAMED: Record<string, string> = {
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function escape(character: string): string {
  const code = character.codePointAt(0)!;
  return NAMED[character] ?? (code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`);
}

/** By GLib's g_strescape, which escapes double quotes whatever stands around them. */
function quoteBytes(data: Buffer): string {
  let text = "";
  for (const byte of data) {
    const character = String.fromCharCode(byte);
    if (character === '"') text += '\\"';
    else if (character !== "\u0007" && NAMED[character] !== undefined) text += NAMED[character];
    else text += byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, "0")}` : character;
  }
  const mark = data.includes("'") ? '"' : "'";
  return `${mark}${text}${mark}`;
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, "0");
}
