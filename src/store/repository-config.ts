/** The `config` keyfile of a repository: what regrow reads from it, checked and typed. */
import { RegrowError } from "../base/errors.ts";
import { parseSize } from "../base/units.ts";
import { type Keyfile, getKey, getList } from "../codec/keyfile.ts";

/** How content objects are kept. `archive` is written as `archive-z2`; both spellings are read. */
export type RepositoryMode = "bare" | "bare-user" | "bare-user-only" | "archive";

export interface RepositoryConfig {
  readonly mode: RepositoryMode;
  /** False gives up durability: for throw-away repositories. */
  readonly fsync: boolean;
  /** What a commit must leave free: bytes, or a share of the file system in percent. */
  readonly minFreeBytes: number | undefined;
  readonly minFreePercent: number;
  /** Seconds to wait for the lock; -1 for ever. */
  readonly lockTimeoutSeconds: number;
  readonly locking: boolean;
  /** 1 to 9. */
  readonly zlibLevel: number;
  /** Path of a repository that is asked for objects that this one lacks. */
  readonly parent: string | undefined;
  readonly collectionId: string | undefined;
}

const MODES: Record<string, RepositoryMode> = {
  bare: "bare",
  "bare-user": "bare-user",
  "bare-user-only": "bare-user-only",
  archive: "archive",
  "archive-z2": "archive",
};

/** Throws `usage` for a name that is no mode. */
export function parseMode(text: string): RepositoryMode {
  const mode = MODES[text];
  if (mode === undefined) {
    throw new RegrowError("usage", `${text}: not a repository mode.`, {
      hint: `Choose one of ${Object.keys(MODES).join(", ")}.`,
    });
  }
  return mode;
}

/** Throws `unsupported` for a version or mode that regrow doesn't know, `corrupt` for values that make no sense. */
export function readConfig(keyfile: Keyfile, path: string): RepositoryConfig {
  const core = (key: string): string | undefined => getKey(keyfile, "core", key);
  const version = core("repo_version");
  const mode = MODES[core("mode") ?? "bare"];
  if (version !== "1") throw unknown(path, "repo_version", version);
  if (mode === undefined) throw unknown(path, "mode", core("mode"));
  const unknownExtensions = getList(keyfile, "core", "extensions");
  if (unknownExtensions !== undefined && unknownExtensions.length > 0)
    throw unknown(path, "extensions", unknownExtensions.join(";"));
  return {
    mode,
    fsync: flag(core("fsync") ?? "true", path, "fsync"),
    minFreeBytes: core("min-free-space-size") === undefined ? undefined : freeSize(core("min-free-space-size")!, path),
    minFreePercent: integer(core("min-free-space-percent") ?? "3", path, "min-free-space-percent", 0, 99),
    lockTimeoutSeconds: integer(core("lock-timeout-secs") ?? "300", path, "lock-timeout-secs", -1, 2 ** 31),
    locking: flag(core("locking") ?? "true", path, "locking"),
    zlibLevel: integer(getKey(keyfile, "archive", "zlib-level") ?? "6", path, "zlib-level", 0, 9),
    parent: core("parent") || undefined,
    collectionId: core("collection-id") || undefined,
  };
}

function freeSize(text: string, path: string): number {
  try {
    // ostree's suffixes MB, GB, TB count in 1024.
    return parseSize(text.replace(/([MGT])B$/i, "$1"));
  } catch (error) {
    if (error instanceof RegrowError && error.code === "usage") throw unknown(path, "min-free-space-size", text);
    throw error;
  }
}

function flag(text: string, path: string, key: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw unknown(path, key, text);
}

function integer(text: string, path: string, key: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < least || value > most) throw unknown(path, key, text);
  return value;
}

function unknown(path: string, key: string, value: string | undefined): RegrowError {
  return new RegrowError("unsupported", `${path}/config: ${key}=${value ?? ""} is not something that regrow knows.`, {
    path: `${path}/config`,
    hint: "Correct the line, or use the tool that wrote it.",
  });
}
