/**
 * The files inside the single-file executable. Its asset SHA256SUMS lists all others, one `<sha256>  <name>` a line, as
 * sha256sum writes it, so that a damaged or incomplete executable can be told from a whole one. What stands in the folder assets/
 * of the sources is among them, under its path; where regrow runs from files, it is read from there.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { getRawAsset, isSea } from "node:sea";
import { RegrowError } from "../base/errors.ts";

const LIST = "SHA256SUMS";
const FOLDER = "assets/";

/** Checks every asset of the executable; returns how many, 0 where regrow runs from files. Throws `corrupt`. */
export function checkAssets(): number {
  if (!isSea()) return 0;
  const lines = readAsset(LIST).toString().trimEnd().split("\n");
  for (const line of lines) {
    const [expected, name] = line.split("  ") as [string, string];
    const found = createHash("sha256").update(readAsset(name)).digest("hex");
    if (found !== expected) throw broken(`the part ${name} of this executable is damaged`);
  }
  return lines.length;
}

/** The executable that regrow is, where it is one file; undefined where it runs from many. */
export function singleFilePath(): string | undefined {
  return isSea() ? process.execPath : undefined;
}

/** A file of the folder assets/ by its path in there, such as `engine/regrow-engine`. Throws `corrupt` where this copy of regrow lacks it. */
export function readPackagedFile(name: string): Buffer {
  if (isSea()) return readAsset(FOLDER + name);
  // Beside dist/ in the package, two folders up in the sources.
  const places = [`../${FOLDER}${name}`, `../../${FOLDER}${name}`].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const path = places.find((place) => existsSync(place));
  if (path !== undefined) return readFileSync(path);
  const hint = "Install regrow again.";
  throw new RegrowError("corrupt", `${places[0]}: a part of regrow is missing.`, { path: places[0]!, hint });
}

function readAsset(name: string): Buffer {
  try {
    return Buffer.from(getRawAsset(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SINGLE_EXECUTABLE_APPLICATION_ASSET_NOT_FOUND") throw error;
    throw broken(`the part ${name} of this executable is missing`);
  }
}

function broken(what: string): RegrowError {
  const path = process.execPath;
  return new RegrowError("corrupt", `${path}: ${what}.`, { path, hint: "Get the executable again and compare its checksum." });
}
