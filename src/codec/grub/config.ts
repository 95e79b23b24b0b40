/**
 * What a grub.cfg says of booting: its menu, its default, and where it goes on reading. Scripts are not run: commands of all branches of
 * an `if` count, and variables stay as they are written (`${saved_entry}`).
 */
import { type GrubToken, splitGrubScript } from "./words.ts";

export interface GrubMenuEntry {
  readonly title: string;
  /** What `--id` says, or the title: by this name a default chooses it. */
  readonly id: string;
  /** The ids of the submenus that it is in, outermost first. */
  readonly submenus: readonly string[];
  /** Where its kernel is looked for, such as a file system's UUID; the last one asked for. */
  readonly searchUuid: string | undefined;
  readonly linux: string | undefined;
  readonly initrds: readonly string[];
  /** The kernel's parameters, with quotes around those that have spaces in them. */
  readonly parameters: readonly string[];
  /** Modules that it loads beforehand, such as `lvm` and `btrfs`. */
  readonly modules: readonly string[];
}

export interface GrubConfig {
  readonly entries: readonly GrubMenuEntry[];
  /** Values of `set default=`, in the order of the text. */
  readonly defaults: readonly string[];
  /** Files that `source` and `configfile` name, as written: `${config_directory}/custom.cfg`. */
  readonly includes: readonly string[];
  /** UUIDs of `search --fs-uuid` outside of menu entries. */
  readonly searchUuids: readonly string[];
  /** The value of `set prefix=`, as in the small grub.cfg beside a signed program. */
  readonly prefix: string | undefined;
  /** Whether its menu comes from Boot Loader Specification entries (Fedora's `blscfg`). */
  readonly usesBls: boolean;
  /** Whether paths start at btrfs's default subvolume (openSUSE) and not at the top level. */
  readonly usesRelativePaths: boolean;
}

/** Throws `corrupt` where a quote is left open. */
export function parseGrubConfig(text: string): GrubConfig {
  const reader: Reader = { tokens: splitGrubScript(text), at: 0, entries: [], outside: [] };
  readBlock(reader, [], undefined);
  const { entries, outside } = reader;
  const assignments = outside.map(assignmentOf).filter((pair) => pair !== undefined);
  return {
    entries,
    defaults: assignments.filter(([name]) => name === "default").map(([, value]) => value),
    includes: outside.filter(([command]) => command !== undefined && INCLUDES.has(command)).map((words) => words[1] ?? ""),
    searchUuids: outside.map(searchedUuid).filter((uuid) => uuid !== undefined),
    prefix: assignments.findLast(([name]) => name === "prefix")?.[1],
    usesBls: outside.some(([command]) => command === "blscfg"),
    usesRelativePaths: assignments.some(([name]) => name === "btrfs_relative_path"),
  };
}

/** Whether the configuration reads `custom.cfg` from its own folder. */
export function readsCustomConfig(config: GrubConfig): boolean {
  return config.includes.some((path) => /^\$\{?(config_directory|prefix)\}?\/custom\.cfg$/.test(path));
}

type Words = readonly string[];

interface Reader {
  readonly tokens: readonly GrubToken[];
  at: number;
  readonly entries: GrubMenuEntry[];
  /** The commands that stand in no menu entry. */
  readonly outside: Words[];
}

const INCLUDES = new Set(["source", "configfile", "."]);
const KEYWORDS = new Set(["if", "then", "else", "elif", "fi", "while", "until", "do", "done"]);
const LINUX = new Set(["linux", "linux16", "linuxefi"]);
const INITRD = new Set(["initrd", "initrd16", "initrdefi"]);
// Options of menuentry and submenu that take a value of their own.
const VALUED = new Set(["--class", "--users", "--hotkey", "--source", "--id", "$menuentry_id_option", "${menuentry_id_option}"]);

/** Reads up to the brace that closes the block. `commands` collects those of a menu entry. */
function readBlock(reader: Reader, submenus: readonly string[], commands: Words[] | undefined): void {
  let words: string[] = [];
  const finish = (): void => {
    if (words.length > 0) (commands ?? reader.outside).push(words);
    words = [];
  };
  while (reader.at < reader.tokens.length) {
    const token = reader.tokens[reader.at++]!;
    if (token.kind === "word") {
      if (words.length > 0 || !KEYWORDS.has(token.text)) words.push(token.text);
    } else if (token.kind === "open") {
      openBlock(reader, words, submenus, commands);
      words = [];
    } else {
      finish();
      if (token.kind === "close") return;
    }
  }
  finish();
}

function openBlock(reader: Reader, words: Words, submenus: readonly string[], commands: Words[] | undefined): void {
  const [command] = words;
  if (command === "menuentry") {
    const inside: Words[] = [];
    readBlock(reader, submenus, inside);
    reader.entries.push(describeEntry(words, submenus, inside));
  } else if (command === "submenu") {
    readBlock(reader, [...submenus, nameOf(words).id], undefined);
  } else {
    readBlock(reader, submenus, commands);
  }
}

function describeEntry(words: Words, submenus: readonly string[], commands: readonly Words[]): GrubMenuEntry {
  const linux = commands.find(([command]) => command !== undefined && LINUX.has(command));
  return {
    ...nameOf(words),
    submenus,
    searchUuid: commands.map(searchedUuid).findLast((uuid) => uuid !== undefined),
    linux: linux?.[1],
    initrds: commands.filter(([command]) => command !== undefined && INITRD.has(command)).flatMap((words) => words.slice(1)),
    parameters: (linux ?? []).slice(2).map(asKernelParameter),
    modules: [...new Set(commands.filter(([command]) => command === "insmod").map((words) => words[1] ?? ""))],
  };
}

function nameOf(words: Words): { title: string; id: string } {
  let title: string | undefined;
  let id: string | undefined;
  for (let at = 1; at < words.length; at++) {
    const word = words[at]!;
    const assigned = /^--id=(.*)$/s.exec(word)?.[1];
    if (assigned !== undefined) id = assigned;
    else if (VALUED.has(word)) {
      at++;
      if (word === "--id" || word.includes("menuentry_id_option")) id = words[at];
    } else if (title === undefined && !word.startsWith("--")) title = word;
  }
  return { title: title ?? "", id: id ?? title ?? "" };
}

// GRUB hands a word with a space to the kernel in double quotes.
function asKernelParameter(word: string): string {
  return /\s/.test(word) && !word.includes('"') ? `"${word}"` : word;
}

function assignmentOf(words: Words): [name: string, value: string] | undefined {
  const [command, ...rest] = words;
  const text = command === "set" ? rest[0] : command;
  const match = /^([A-Za-z_]\w*)=(.*)$/s.exec(text ?? "");
  return match === null ? undefined : [match[1]!, match[2]!];
}

function searchedUuid(words: Words): string | undefined {
  const [command] = words;
  if (command === "search.fs_uuid") return words[1];
  if (command !== "search" || !words.some((word) => word === "--fs-uuid" || word === "-u")) return undefined;
  return words.findLast((word, index) => index > 0 && !word.startsWith("-") && !/^(hd|cd|fd)\d/.test(word) && word !== "root");
}
