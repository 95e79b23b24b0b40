/**
 * A package in pacman's database: the file `desc` of its folder below `var/lib/pacman/local`, a heading such as `%NAME%` on a line of
 * its own, its values on the following ones, then an empty line.
 */
import { RegrowError } from "../../base/errors.ts";
import type { InstalledPackage } from "./manifest.ts";

/** Throws `corrupt` where it has no name or no version. */
export function parsePacmanDesc(text: string): InstalledPackage {
  const name = valueOf(text, "NAME");
  const version = valueOf(text, "VERSION");
  if (name === undefined || version === undefined) {
    throw new RegrowError("corrupt", "A package of pacman's database has no name or no version.");
  }
  return { name, version, architecture: valueOf(text, "ARCH") ?? "" };
}

function valueOf(text: string, heading: string): string | undefined {
  const lines = text.split("\n");
  const at = lines.indexOf(`%${heading}%`);
  const value = at < 0 ? "" : (lines[at + 1] ?? "").trim();
  return value === "" ? undefined : value;
}
