/**
 * Boot Loader Specification, type 1 entries: one small text file for each thing that can be booted
 * (https://uapi-group.org/specifications/specs/boot_loader_specification/), and the boot counters in their file names.
 */
import { RegrowError } from "../base/errors.ts";

/** Paths start with `/` and are on the partition that has the entry. */
export interface BootEntry {
  readonly title: string;
  readonly version?: string;
  readonly machineId?: string;
  readonly sortKey?: string;
  readonly linux: string;
  readonly initrds: readonly string[];
  /** The kernel command line. */
  readonly options: string;
  readonly architecture?: string;
  /** Keys that this type doesn't know, in order, such as `devicetree` or `grub_users`. */
  readonly others: readonly (readonly [key: string, value: string])[];
}

/** Throws `corrupt` where there is no `linux` line. Several `options` lines are joined with a space, as loaders do. */
export function parseBootEntry(text: string): BootEntry {
  const values = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const match = /^\s*([^\s#]\S*)\s+(.*?)\s*$/.exec(line);
    if (match) values.set(match[1]!, [...(values.get(match[1]!) ?? []), match[2]!]);
  }
  const last = (key: string): string | undefined => values.get(key)?.at(-1);
  const linux = last("linux");
  if (linux === undefined) throw new RegrowError("corrupt", "A boot entry without a `linux` line boots nothing.");
  return {
    title: last("title") ?? "",
    ...optional("version", last("version")),
    ...optional("machineId", last("machine-id")),
    ...optional("sortKey", last("sort-key")),
    linux,
    initrds: values.get("initrd") ?? [],
    options: (values.get("options") ?? []).join(" "),
    ...optional("architecture", last("architecture")),
    others: [...values].filter(([key]) => !KNOWN.has(key)).flatMap(([key, all]) => all.map((value) => [key, value] as const)),
  };
}

/** Throws `usage` where a value would break its line. */
export function formatBootEntry(entry: BootEntry): string {
  const lines: (readonly [string, string | undefined])[] = [
    ["title", entry.title],
    ["version", entry.version],
    ["machine-id", entry.machineId],
    ["sort-key", entry.sortKey],
    ["architecture", entry.architecture],
    ["linux", entry.linux],
    ...entry.initrds.map((path) => ["initrd", path] as const),
    ["options", entry.options],
    ...entry.others,
  ];
  return lines
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]) => `${key} ${oneLine(value!)}\n`)
    .join("");
}

/** The file name of an entry, with what boot counting keeps there. */
export interface EntryName {
  /** Without counters and `.conf`; what a loader's `default` setting names. */
  readonly id: string;
  /** Present as long as the entry has not proved itself. */
  readonly tries?: { readonly left: number; readonly done: number };
}

/** `regrow-1+3-0.conf` is id `regrow-1` with three tries left and none done. Undefined where it is no entry's name. */
export function parseEntryName(fileName: string): EntryName | undefined {
  const match = /^(.+?)(?:\+(\d+)(?:-(\d+))?)?\.conf$/.exec(fileName);
  if (!match) return undefined;
  const id = match[1]!;
  return match[2] === undefined ? { id } : { id, tries: { left: Number(match[2]), done: Number(match[3] ?? 0) } };
}

/** Throws `usage` where the id has other than letters, digits and `-_.` in it: loaders take no others. */
export function formatEntryName(name: EntryName): string {
  if (!/^[A-Za-z0-9_.-]+$/.test(name.id)) throw new RegrowError("usage", `${name.id}: not the name of a boot entry.`);
  return `${name.id}${name.tries === undefined ? "" : `+${name.tries.left}-${name.tries.done}`}.conf`;
}

const KNOWN = new Set(["title", "version", "machine-id", "sort-key", "linux", "initrd", "options", "architecture"]);

function oneLine(value: string): string {
  if (/[\n\r\0]/.test(value) || value !== value.trim()) {
    throw new RegrowError("usage", `${JSON.stringify(value)}: not a value that fits on one line of a boot entry.`);
  }
  return value;
}

function optional<Key extends string>(key: Key, value: string | undefined): { readonly [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: string });
}
