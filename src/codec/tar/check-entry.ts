/** What can't be written: such an entry is refused before its first byte, and never written in part. */
import type { ByteString } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { shown } from "./corrupt.ts";
import { MOST_EXTENTS, type TarWriteEntry } from "./entry.ts";
import { largestOctal } from "./header-numbers.ts";

const LARGEST_DEVICE = largestOctal(8);

/** Throws `unsupported` where a tar archive can't hold the entry, or no reader would give the same one back. */
export function checkEntry(entry: TarWriteEntry): void {
  const fail = (reason: string): never => {
    throw unwritable(entry, reason);
  };
  const isLink = entry.type === "hardlink" || entry.type === "symlink";
  const isDevice = entry.type === "character" || entry.type === "block";
  const isFile = entry.type === "file";
  if (!isUsableName(entry.name)) fail("its name is empty or has a NUL in it");
  if (isFile && entry.name.endsWith("/")) fail("a file's name can't end in a slash");
  if (isLink !== isUsableName(entry.linkName ?? ""))
    fail(isLink ? "it is a link without a usable target" : "it has a target and is no link");
  if (!isWithin(entry.mode, 0o7777)) fail(`its mode is ${entry.mode}`);
  if (!isWithin(entry.uid, 2 ** 32 - 1) || !isWithin(entry.gid, 2 ** 32 - 1)) fail(`its owner is ${entry.uid}:${entry.gid}`);
  if (!isWithin(entry.size ?? 0, isFile ? Number.MAX_SAFE_INTEGER : 0)) fail(`its size is ${entry.size}`);
  if (!Number.isSafeInteger(entry.mtime.seconds) || !isWithin(entry.mtime.nanoseconds, 999_999_999))
    fail("its mtime is out of range");
  const largest = isDevice ? LARGEST_DEVICE : 0;
  if (!isWithin(entry.devMajor ?? 0, largest) || !isWithin(entry.devMinor ?? 0, largest)) {
    fail(`its device number is ${entry.devMajor}:${entry.devMinor}`);
  }
  checkXattrs(entry);
  checkSparse(entry);
}

export function unwritable(entry: TarWriteEntry, reason: string): RegrowError {
  return new RegrowError("unsupported", `${shown(entry.name)}: can't be written to a tar archive: ${reason}.`, {
    path: shown(entry.name),
  });
}

function checkXattrs(entry: TarWriteEntry): void {
  const names = new Set<ByteString>();
  for (const { name } of entry.xattrs ?? []) {
    if (!isUsableName(name)) throw unwritable(entry, "an extended attribute's name is empty or has a NUL in it");
    if (names.has(name)) throw unwritable(entry, `it has the extended attribute ${shown(name)} twice`);
    names.add(name);
  }
}

function checkSparse(entry: TarWriteEntry): void {
  if (entry.sparse === undefined) return;
  if (entry.type !== "file") throw unwritable(entry, "it has a sparse map and is no file");
  if (entry.sparse.length >= MOST_EXTENTS) throw unwritable(entry, "its sparse map is too long");
  let end = 0;
  for (const { offset, length } of entry.sparse) {
    const isInFile = Number.isSafeInteger(offset) && isWithin(length, (entry.size ?? 0) - offset);
    if (offset < end || !isInFile) throw unwritable(entry, "its sparse map is out of order, overlaps, or reaches beyond its end");
    end = offset + length;
  }
}

function isUsableName(name: string): boolean {
  return name !== "" && !name.includes("\0");
}

function isWithin(value: number, largest: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= largest;
}
