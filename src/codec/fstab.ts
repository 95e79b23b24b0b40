/** fstab(5): the file systems that a system mounts. Comments and unusable lines keep their place and their text. */
import { RegrowError } from "../base/errors.ts";

export interface FstabEntry {
  /** Such as `UUID=…`, `/dev/sda1`, `tmpfs`, `server:/export`. */
  readonly source: string;
  /** The mount point, or `none` for swap. */
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
  readonly dump: number;
  /** The order of checks at boot: 1 for the root, 2 for others, 0 for none. */
  readonly pass: number;
}

/** An entry, or any other line as text: a comment, an empty line, one with too few fields. */
export type FstabLine = FstabEntry | string;

export function parseFstab(text: string): FstabLine[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map(parseLine);
}

/** Fields with one space between; ends with a line feed. Throws `usage` where a field is empty. */
export function formatFstab(lines: readonly FstabLine[]): string {
  return lines.map((line) => `${typeof line === "string" ? line : formatEntry(line)}\n`).join("");
}

function parseLine(line: string): FstabLine {
  const fields = line.trim().split(/[ \t]+/);
  const [source, target, type, options, dump, pass] = fields;
  if (source === undefined || source.startsWith("#") || target === undefined || type === undefined) return line;
  return {
    source: unescapeField(source),
    target: unescapeField(target),
    type: unescapeField(type),
    options: unescapeField(options ?? "defaults").split(","),
    dump: countOf(dump),
    pass: countOf(pass),
  };
}

function formatEntry(entry: FstabEntry): string {
  const fields = [entry.source, entry.target, entry.type, entry.options.join(",")];
  if (fields.includes("")) throw new RegrowError("usage", `A line of fstab can't have an empty field: ${JSON.stringify(entry)}`);
  return [...fields.map(escapeField), entry.dump, entry.pass].join(" ");
}

function countOf(field: string | undefined): number {
  return field !== undefined && /^\d+$/.test(field) ? Number(field) : 0;
}

// What getmntent(3) reads: octal escapes for what would end a field or begin a comment.
function escapeField(field: string): string {
  return field.replace(/[ \t\n\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function unescapeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
