/**
 * The files inside the single-file executable. Its asset SHA256SUMS lists all others, one `<sha256>  <name>` a line, as
 * sha256sum writes it, so that a damaged or incomplete executable can be told from a whole one.
 */
import { createHash } from "node:crypto";
import { getAsset, getRawAsset, isSea } from "node:sea";
import { RegrowError } from "../base/errors.ts";

const LIST = "SHA256SUMS";

/** Checks every asset of the executable; returns how many, 0 where regrow runs from files. Throws `corrupt`. */
export function checkAssets(): number {
  if (!isSea()) return 0;
  const lines = getAsset(LIST, "utf8").trimEnd().split("\n");
  for (const line of lines) {
    const [expected, name] = line.split("  ") as [string, string];
    if (checksumOf(name) !== expected) throw damaged(name);
  }
  return lines.length;
}

function checksumOf(name: string): string {
  return createHash("sha256")
    .update(new Uint8Array(getRawAsset(name)))
    .digest("hex");
}

function damaged(name: string): RegrowError {
  const message = `${process.execPath}: the part ${name} of this executable is damaged.`;
  return new RegrowError("corrupt", message, {
    path: process.execPath,
    hint: "Get the executable again and compare its checksum.",
  });
}
