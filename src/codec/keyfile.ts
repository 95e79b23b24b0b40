/**
 * Keyfiles as GLib reads them: `[group]`, `key=value`, `#` comments. Editing keeps every line that is not changed.
 * Source: the GLib manual, "Key-value file parser"; the Desktop Entry Specification.
 */
import { RegrowError } from "../base/errors.ts";

export interface Keyfile {
  readonly lines: readonly string[];
}

const MAX_LENGTH = 1024 * 1024;
const GROUP = /^[ \t\v\f\r]*\[([^[\]\x00-\x1f\x7f]+)\][ \t]*\r?$/;
/** A name, and perhaps the language that it is in. */
const KEY = /^[^=[\]]*[^=[\] ](?:\[[-_.@\p{L}\p{N}]*\])?$/u;

/** Throws `corrupt` for a line that is neither group, key, comment nor blank, and for text over 1 MiB. */
export function parseKeyfile(text: string): Keyfile {
  if (text.length > MAX_LENGTH) throw new RegrowError("corrupt", "The keyfile is longer than 1 MiB.");
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  let inGroup = false;
  for (const [index, line] of lines.entries()) {
    if (groupOf(line) !== undefined) inGroup = true;
    else if (!isIgnored(line) && (!inGroup || entryOf(line) === undefined)) {
      throw new RegrowError("corrupt", `Line ${index + 1} of the keyfile is neither a [group] nor key=value.`);
    }
  }
  return { lines };
}

export function formatKeyfile(keyfile: Keyfile): string {
  return keyfile.lines.map((line) => `${line}\n`).join("");
}

/** The value of a key with its escapes resolved; the last one counts. */
export function getKey(keyfile: Keyfile, group: string, key: string): string | undefined {
  let value: string | undefined;
  for (const [, entry] of entriesOf(keyfile, group)) if (entry[0] === key) value = entry[1];
  return value === undefined ? undefined : unescape(value);
}

/** A `;` separated list. */
export function getList(keyfile: Keyfile, group: string, key: string): string[] | undefined {
  const value = getKey(keyfile, group, key);
  return value?.split(";").filter((item) => item !== "");
}

export function groupsOf(keyfile: Keyfile): string[] {
  return keyfile.lines.map(groupOf).filter((group) => group !== undefined);
}

/** The keyfile with one key set, in its group, which is appended where it is missing. */
export function setKey(keyfile: Keyfile, group: string, key: string, value: string): Keyfile {
  const lines = [...keyfile.lines];
  const line = `${key}=${escape(value)}`;
  const existing = [...entriesOf(keyfile, group)].findLast(([, entry]) => entry[0] === key);
  if (existing !== undefined) lines[existing[0]] = line;
  else {
    const start = lines.findIndex((text) => groupOf(text) === group);
    if (start < 0) lines.push(...(lines.length > 0 ? [""] : []), `[${group}]`, line);
    else lines.splice(endOfGroup(lines, start), 0, line);
  }
  return { lines };
}

/** The keyfile without a group. */
export function removeGroup(keyfile: Keyfile, group: string): Keyfile {
  let inside = false;
  const lines = keyfile.lines.filter((line) => {
    const name = groupOf(line);
    if (name !== undefined) inside = name === group;
    return !inside;
  });
  return { lines };
}

function endOfGroup(lines: readonly string[], start: number): number {
  let end = start + 1;
  for (let index = start + 1; index < lines.length && groupOf(lines[index]!) === undefined; index++) {
    if (lines[index]!.trim() !== "") end = index + 1;
  }
  return end;
}

function* entriesOf(keyfile: Keyfile, group: string): Generator<[number, [string, string]]> {
  let current: string | undefined;
  for (const [index, line] of keyfile.lines.entries()) {
    const name = groupOf(line);
    if (name !== undefined) current = name;
    else if (current === group && !isIgnored(line)) {
      const entry = entryOf(line);
      if (entry !== undefined) yield [index, entry];
    }
  }
}

function isIgnored(line: string): boolean {
  const start = pastSpace(line, 0);
  return start === line.length || line[start] === "#";
}

function groupOf(line: string): string | undefined {
  return GROUP.exec(line)?.[1];
}

/** By hand: a regular expression takes a time that grows with the square of a long line of spaces. */
function entryOf(line: string): [string, string] | undefined {
  const equals = line.indexOf("=");
  const start = pastSpace(line, 0);
  let end = equals;
  while (end > start && isSpace(line[end - 1]!)) end--;
  const key = line.slice(start, end);
  if (equals < 0 || !KEY.test(key)) return undefined;
  return [key, line.slice(pastSpace(line, equals + 1), line.endsWith("\r") ? -1 : line.length)];
}

function pastSpace(line: string, from: number): number {
  let at = from;
  while (at < line.length && isSpace(line[at]!)) at++;
  return at;
}

function isSpace(character: string): boolean {
  return character === " " || (character >= "\t" && character <= "\r");
}

function unescape(value: string): string {
  const plain: Record<string, string> = { s: " ", n: "\n", t: "\t", r: "\r", "\\": "\\" };
  return value.replace(/\\(.)/g, (whole, letter: string) => plain[letter] ?? whole);
}

function escape(value: string): string {
  const escaped = value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll("\r", "\\r");
  return escaped.replace(/^ +/, (spaces) => "\\s".repeat(spaces.length));
}
