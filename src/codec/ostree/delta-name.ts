/**
 * Names of static deltas: `deltas/ab/cd…` to a commit from nothing, `deltas/ab/cd…-ef…` from the first to the second. Checksums are
 * in base64 without padding, `_` in place of `/`. `delta-indexes/ab/cd….index` lists those to a commit.
 */
import { type Checksum, checksumFromRaw } from "./checksum.ts";

const DIGITS = 43;

/** The commit that the delta in `deltas/<folder>/<name>` leads to; undefined where it is none's name. */
export function deltaTarget(folder: string, name: string): Checksum | undefined {
  const text = folder + name;
  if (text.length === DIGITS) return checksumFromDigits(text);
  if (text.length !== 2 * DIGITS + 1 || text[DIGITS] !== "-" || checksumFromDigits(text.slice(0, DIGITS)) === undefined)
    return undefined;
  return checksumFromDigits(text.slice(DIGITS + 1));
}

/** The commit of `delta-indexes/<folder>/<name>`. */
export function deltaIndexTarget(folder: string, name: string): Checksum | undefined {
  return name.endsWith(".index") ? checksumFromDigits(folder + name.slice(0, -".index".length)) : undefined;
}

function checksumFromDigits(text: string): Checksum | undefined {
  if (!/^[0-9A-Za-z+_]{43}$/.test(text)) return undefined;
  const raw = Buffer.from(text.replaceAll("_", "/"), "base64");
  return raw.length === 32 ? checksumFromRaw(raw) : undefined;
}
