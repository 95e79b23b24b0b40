/**
 * Which names fit into a plain header: those that are ASCII, which is all that every reader agrees on, and short enough, with the
 * prefix's help. Those that don't fit are given a stand-in; the real one is then in the PAX header.
 */
import type { ByteString } from "../../base/byte-string.ts";

const NAME_WIDTH = 100;
const PREFIX_WIDTH = 155;
const SLASH = "/";

export interface SplitName {
  readonly prefix: ByteString;
  readonly name: ByteString;
}

/** The name cut at a slash, so that both parts fit; undefined where that can't be. */
export function splitName(name: ByteString): SplitName | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= NAME_WIDTH) return { prefix: "" as ByteString, name };
  const first = Math.max(1, name.length - NAME_WIDTH - 1);
  // A slash at the very end must stay with the name, which would else be empty.
  const slash = name.slice(0, -1).indexOf(SLASH, first);
  if (slash < 0 || slash > PREFIX_WIDTH) return undefined;
  return { prefix: name.slice(0, slash) as ByteString, name: name.slice(slash + 1) as ByteString };
}

export function fitsLinkName(linkName: ByteString): boolean {
  return isAscii(linkName) && linkName.length <= NAME_WIDTH;
}

/** Something like the name's last part, for readers that know no PAX headers; always the same for the same name. */
export function standInName(folder: string, name: ByteString): ByteString {
  const last = name.replace(/\/+$/, "").split(SLASH).at(-1) ?? "";
  const ascii = last.replace(/[^\x20-\x7e]/g, "_");
  return `${folder}${ascii}`.slice(0, NAME_WIDTH) as ByteString;
}

function isAscii(name: ByteString): boolean {
  return /^[\x01-\x7f]*$/.test(name);
}
